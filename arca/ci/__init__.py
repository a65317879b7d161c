"""The logic of the GitHub workflows: pure functions behind the commands of `arca ci`."""
