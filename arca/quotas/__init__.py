"""What stacks need of an account's quotas, and whether AWS allows as much."""
