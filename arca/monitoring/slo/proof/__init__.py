"""The search for incidents that an objective's alarms page too late, too often or for nothing."""
