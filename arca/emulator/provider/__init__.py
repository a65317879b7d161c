"""Turns each declared resource into the AWS calls that it stands for."""
