"""Search a stack's log groups for a correlation id."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from arca.clients import client, explained
from arca.stack import Stack

SHOWN_FIELDS = ("level", "event", "route", "status", "duration_ms", "message")


@dataclass(frozen=True, order=True)
class LogLine:
    """A line of a log group."""

    moment: datetime
    group: str
    event_id: str
    text: str

    def as_json(self) -> dict[str, Any]:
        """Return the line for `--json`; its text as JSON where it is some."""
        return {
            "timestamp": self.moment.isoformat(),
            "log_group": self.group,
            "line": _content(self.text),
        }

    def __str__(self) -> str:
        """Return the line for a terminal."""
        content = _content(self.text)
        shown = (
            "  ".join(
                str(cast("dict[str, Any]", content)[key]) for key in SHOWN_FIELDS if key in content
            )
            if isinstance(content, dict)
            else self.text.rstrip()
        )
        clock = self.moment.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        return f"{clock}Z  {self.group}  {shown}"


class LogSearch:
    """A search for lines with an id that returns each line once, however often it is repeated."""

    PAUSE_SECONDS = 2.0
    LATE_MILLISECONDS = 60_000
    """How late a line may arrive after the time that it carries."""

    def __init__(
        self, stack: Stack, groups: Sequence[str], identifier: str, *, start: datetime
    ) -> None:
        self._stack, self._groups, self._identifier = stack, groups, identifier
        self._since = max(0, int(start.timestamp() * 1000))
        self._latest = self._since
        self._seen: set[str] = set()
        self._logs = client(stack, "logs")

    def new(self) -> list[LogLine]:
        """Return the lines since the last call, in the order of their times."""
        with explained(self._stack, "The logs cannot be searched"):
            found = sorted(line for group in self._groups for line in self._in(group))
        for line in found:
            self._seen.add(line.event_id)
            self._latest = max(self._latest, int(line.moment.timestamp() * 1000))
        self._since = max(self._since, self._latest - self.LATE_MILLISECONDS)
        return found

    def _in(self, group: str) -> Iterator[LogLine]:
        # A quoted term finds the id wherever it stands in the line (Amazon CloudWatch Logs User
        # Guide, "Filter pattern syntax").
        pages = self._logs.get_paginator("filter_log_events").paginate(
            logGroupName=group, startTime=self._since, filterPattern=f'"{self._identifier}"'
        )
        for page in pages:
            for event in page["events"]:
                if event["eventId"] not in self._seen:
                    moment = datetime.fromtimestamp(event["timestamp"] / 1000, tz=UTC)
                    yield LogLine(moment, group, event["eventId"], event["message"])


def _content(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
