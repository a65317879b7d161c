"""The operator's command line: `arca`."""
