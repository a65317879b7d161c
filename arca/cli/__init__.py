"""The commands of `arca`, one verb or noun in each module."""
