"""The command `arca`, which operates ARCA API's infrastructure, and its parts."""
