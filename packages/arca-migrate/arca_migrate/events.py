"""The runner's log: one JSON object a line on stdout, which the operator's commands read.

Every line keeps the log contract, docs/service-log.schema.json.
"""

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
class MigrationEvents:
    """The log of one run; all its lines share a correlation id."""

    release: str | None = None
    """The release that every line names; None where the run named none."""
    write: Callable[[str], None] = _write
    """Takes each line, without its end."""
    correlation_id: str = field(default_factory=lambda: f"migration-{uuid.uuid4().hex}")

    def emit(self, event: str, message: str, *, level: str = "INFO", **fields: Any) -> None:
        """Write one line at once, with these fields after the contract's own."""
        line = {
            "timestamp": utc(datetime.now(UTC)),
            "level": level,
            "service": SERVICE,
            "event": event,
            "message": message,
            "correlation_id": self.correlation_id,
            "release": self.release,
            **fields,
        }
        self.write(json.dumps(line, default=str))
