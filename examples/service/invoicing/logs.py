"""The service's log: one JSON object a line on stdout (docs/service-log.schema.json)."""

import json
import logging
import sys
from collections.abc import Callable
from typing import Any

from invoicing.clock import Clock
from invoicing.context import CURRENT, new_id

SERVICE = "api"
WITHOUT_REQUEST = ("service.start", "service.stop", "metrics")
LEVELS = {logging.DEBUG: "DEBUG", logging.INFO: "INFO", logging.WARNING: "WARN"}
QUIET_SECONDS = 60
"""A library that repeats itself, as an exporter without a collector does, says it once a minute."""


def write_line(text: str) -> None:
    """Write one line to stdout at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


class Events:
    """Writes the lines of the log; the current context adds the correlation id."""

    def __init__(self, clock: Clock, write: Callable[[str], None] = write_line) -> None:
        self._clock, self._write, self._process = clock, write, new_id()

    def note(self, event: str, message: str, **fields: Any) -> None:
        """Write a line of level INFO."""
        self._line("INFO", event, message, fields)

    def warn(self, event: str, message: str, **fields: Any) -> None:
        """Write a line of level WARN."""
        self._line("WARN", event, message, fields)

    def fail(self, event: str, message: str, error_class: str, **fields: Any) -> None:
        """Write a line of level ERROR; errors are grouped by their class."""
        self._line("ERROR", event, message, {"error_class": error_class, **fields})

    def audit(self, event: str, message: str, *, actor: str, action: str, target: str) -> None:
        """Write a line that goes to the locked bucket."""
        fields = {"audit": True, "actor": actor, "action": action, "target": target}
        self._line("INFO", event, message, fields)

    def _line(self, level: str, event: str, message: str, fields: dict[str, Any]) -> None:
        line: dict[str, Any] = {
            "timestamp": self._clock.now().isoformat(timespec="milliseconds")[:23] + "Z",
            "level": level,
            "service": SERVICE,
            "event": event,
            "message": message,
        }
        context = CURRENT.get()
        if event not in WITHOUT_REQUEST:
            line["correlation_id"] = context.correlation_id if context else self._process
        if context is not None and context.trace_id is not None:
            line["trace_id"] = context.trace_id
        if context is not None and context.account_id is not None:
            line["account_id"] = context.account_id
        self._write(json.dumps(line | fields, ensure_ascii=False, separators=(",", ":")))


class LibraryHandler(logging.Handler):
    """Writes what libraries log, without their values: the place and the class, not the text.

    A library's text may hold anything, a CUIT too.
    """

    def __init__(self, events: Events, clock: Clock) -> None:
        super().__init__(logging.WARNING)
        self._events, self._clock = events, clock
        self._said: dict[tuple[str, int], float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, unless the same place wrote one within the last minute."""
        place, now = (record.name, record.lineno), self._clock.monotonic()
        if now - self._said.get(place, -QUIET_SECONDS) < QUIET_SECONDS:
            return
        self._said[place] = now
        raised = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else ""
        message = f"{record.name}:{record.lineno} {record.levelname} {raised}".rstrip()
        if record.levelno >= logging.ERROR:
            self._events.fail("library.error", message, raised or record.name)
        else:
            self._events.warn("library.warning", message)


def take_over_libraries(events: Events, clock: Clock) -> None:
    """Send what libraries log to this log, from level WARNING on."""
    root = logging.getLogger()
    root.handlers = [LibraryHandler(events, clock)]
    root.setLevel(logging.WARNING)
