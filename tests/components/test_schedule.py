"""The schedules that Application Auto Scaling accepts."""

import pytest

from components.service.schedule import accepts_schedule


@pytest.mark.parametrize(
    "text",
    [
        "cron(0 8 ? * MON-FRI *)",
        "cron(0/15 8-18 * * ? *)",
        "cron(0 0 L * ? *)",
        "cron(0 0 ? * 6#3 *)",
        "cron(0 0 1,15 JAN,JUL ? 2027)",
        "cron(30 9 15W * ? 2027-2030)",
        "rate(1 day)",
        "rate(5 minutes)",
        "at(2027-01-31T08:00:00)",
    ],
)
def test_accepted(text: str) -> None:
    """These are of the kinds that the user guide shows."""
    assert accepts_schedule(text)


@pytest.mark.parametrize(
    "text",
    [
        "cron(0 8 * * ?)",
        "cron(0 8 * * * *)",
        "cron(0 8 ? * ? *)",
        "cron(60 8 * * ? *)",
        "cron(0 24 * * ? *)",
        "cron(0 8 32 * ? *)",
        "cron(0 8 ? * 8 *)",
        "cron(0 8 ? * FRIDAY *)",
        "cron(0 8 ? 13 MON *)",
        "cron(0 8 ? * MON 1969)",
        "cron(0/0 8 * * ? *)",
        "cron(1-2-3 8 * * ? *)",
        "cron(?  8 * * ? *)",
        "cron()",
        "rate(0 minutes)",
        "rate(1 days)",
        "rate(2 day)",
        "rate(1 week)",
        "at(2027-13-45T08:00:00)",
        "at(2027-01-31 08:00)",
        "every day",
        "cron(٣ 8 * * ? *)",
    ],
)
def test_refused(text: str) -> None:
    """AWS would refuse each of them, but only in the update."""
    assert not accepts_schedule(text)
