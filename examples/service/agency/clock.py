"""The agency's time."""

from datetime import timedelta, timezone

ARGENTINA = timezone(timedelta(hours=-3))
