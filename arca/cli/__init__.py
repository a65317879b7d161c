"""The commands, one verb or noun a file."""
