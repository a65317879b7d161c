"""Judges that need packages of the development environment, and what they say of the stacks."""
