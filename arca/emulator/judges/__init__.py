"""Judges that AWS's own rules made: what its services would refuse, said before they see it."""
