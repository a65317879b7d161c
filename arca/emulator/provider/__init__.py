"""Turns each declared resource into the AWS API calls that create it."""
