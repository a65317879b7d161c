"""Search a stack's log groups: for a correlation id, or for the last lines of the service."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from arca.clients import client, explained
from arca.errors import ArcaError
from arca.monitoring.contract import LOG_LEVELS
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
        """Return the line with its log group, for a terminal."""
        return self.shown(self.group)

    def shown(self, *between: str) -> str:
        """Return the line for a terminal, with these texts between its time and its content."""
        content = _content(self.text)
        shown = (
            "  ".join(
                str(cast("dict[str, Any]", content)[key]) for key in SHOWN_FIELDS if key in content
            )
            if isinstance(content, dict)
            else self.text.rstrip()
        )
        clock = self.moment.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        return "  ".join((f"{clock}Z", *between, shown))


@dataclass(frozen=True)
class LogFilter:
    """Which lines a search returns; without any field it returns all."""

    identifier: str | None = None
    """A text that the line contains anywhere."""
    level: str | None = None
    """The lowest level of LOG_LEVELS; a line without a level is then left out."""

    @property
    def levels(self) -> Sequence[str]:
        """The levels that are returned; empty for all lines."""
        return LOG_LEVELS[LOG_LEVELS.index(self.level) :] if self.level else ()

    @property
    def pattern(self) -> str:
        """The pattern for CloudWatch, which takes an id or levels, and not both.

        Source: Amazon CloudWatch Logs User Guide, "Filter pattern syntax". A quoted term finds the
        id wherever it stands in the line.
        """
        if self.identifier is not None:
            return f'"{self.identifier}"'
        if self.level is None:
            return ""
        return "{ " + " || ".join(f'($.level = "{one}")' for one in self.levels) + " }"

    def accepts(self, text: str) -> bool:
        """Return whether a line that CloudWatch found has one of the levels."""
        if self.level is None:
            return True
        content = _content(text)
        if not isinstance(content, dict):
            return False
        return cast("dict[str, Any]", content).get("level") in self.levels


class LogSearch:
    """A search that returns each line once, however often it is repeated."""

    PAUSE_SECONDS = 2.0
    TAIL_SECONDS = (60, 600, 3600, 6 * 3600, 24 * 3600)
    """How far back the last lines are looked for, step by step, before all of the span is read."""
    LATE_MILLISECONDS = 60_000
    """How late a line may arrive after the time that it carries."""

    def __init__(
        self, stack: Stack, groups: Sequence[str], wanted: LogFilter, *, start: datetime
    ) -> None:
        self._stack, self._groups, self._wanted = stack, groups, wanted
        self._since = max(0, int(start.timestamp() * 1000))
        self._latest = self._since
        self._seen: set[str] = set()
        self._logs = client(stack, "logs")

    def new(self) -> list[LogLine]:
        """Return the lines since the last call, in the order of their times."""
        found = self._between(self._since, None)
        self._since = max(self._since, self._latest - self.LATE_MILLISECONDS)
        return found

    def tail(self, number: int, *, now: datetime) -> list[LogLine]:
        """Return the last lines since the start; `new` returns only later ones afterwards.

        It looks further and further back, so that an hour of a busy service is not read for them.
        """
        end = int(now.timestamp() * 1000)
        steps = (end - seconds * 1000 for seconds in self.TAIL_SECONDS)
        starts = [*(start for start in steps if start > self._since), self._since]
        found: list[LogLine] = []
        until: int | None = None
        for start in starts:
            found = sorted((*self._between(start, until), *found))
            if len(found) >= number:
                break
            until = start
        self._since = max(self._since, self._latest - self.LATE_MILLISECONDS)
        return found[-number:]

    def _between(self, start: int, end: int | None) -> list[LogLine]:
        """Return the lines of a span of time, milliseconds, that were not returned before."""
        with explained(self._stack, "The logs cannot be searched"):
            found = sorted(line for group in self._groups for line in self._in(group, start, end))
        for line in found:
            self._seen.add(line.event_id)
            self._latest = max(self._latest, int(line.moment.timestamp() * 1000))
        return found

    def _in(self, group: str, start: int, end: int | None) -> Iterator[LogLine]:
        try:
            yield from self._read(group, start, end)
        except self._logs.exceptions.ResourceNotFoundException:
            raise _no_group(self._stack, group) from None

    def _read(self, group: str, start: int, end: int | None) -> Iterator[LogLine]:
        asked: dict[str, Any] = {"logGroupName": group, "startTime": start}
        if end is not None:
            asked["endTime"] = end
        if self._wanted.pattern:
            asked["filterPattern"] = self._wanted.pattern
        pages = self._logs.get_paginator("filter_log_events").paginate(**asked)
        for page in pages:
            for event in page["events"]:
                if event["eventId"] not in self._seen and self._wanted.accepts(event["message"]):
                    moment = datetime.fromtimestamp(event["timestamp"] / 1000, tz=UTC)
                    yield LogLine(moment, group, event["eventId"], event["message"])


def _no_group(stack: Stack, group: str) -> ArcaError:
    bring_up = "make up STACK=" if stack.endpoint else "pulumi up --stack "
    return ArcaError(
        f"There is no log group {group}.",
        where=stack.where,
        wanted="the log groups of the stack's exports",
        do=f"run `{bring_up}{stack.name}`, which creates it, and then this again",
    )


def _content(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
