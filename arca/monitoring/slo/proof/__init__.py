"""The search for incidents that the alarms of an objective page too late, too often or for nothing."""
