"""The runner's structured lines: docs/service-log.schema.json, on stdout, read by the operator."""

import json
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from arca_migrate.applied import utc

SERVICE = "migrations"


def _write(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


@dataclass(frozen=True)
class Events:
    """The lines of one run; they share a correlation id."""

    release: str | None = None
    write: Callable[[str], None] = _write
    run: str = field(default_factory=lambda: f"migration-{uuid.uuid4().hex}")

    def emit(self, event: str, message: str, *, level: str = "INFO", **fields: Any) -> None:
        """Write one line, at once."""
        line = {
            "timestamp": utc(datetime.now(UTC)),
            "level": level,
            "service": SERVICE,
            "event": event,
            "message": message,
            "correlation_id": self.run,
            "release": self.release,
            **fields,
        }
        self.write(json.dumps(line, default=str))
