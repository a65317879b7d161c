"""The monitoring of a running stack: reads CloudWatch and the logs, draws and writes reports."""
