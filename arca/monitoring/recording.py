"""A recording: the metrics of some hours, as a file and for a dashboard's picture."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

import numpy as np
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from arca.errors import ArcaError
from arca.monitoring.alarm import Reading
from arca.monitoring.slo.metric_math import Series


class RecordingFile(BaseModel):
    """The file's content; series by `metric/statistic` and, where one is split, `/value`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    start: AwareDatetime
    period_seconds: int = Field(ge=60, le=86400)
    series: dict[str, list[float | None]]
    rows: dict[str, list[dict[str, str | int | float]]] = {}

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        lengths = {len(values) for values in self.series.values()}
        if len(lengths) > 1:
            message = f"series of one length, not of {' and '.join(map(str, sorted(lengths)))}"
            raise ValueError(message)
        if self.start.year not in range(2000, 2100):
            message = "start in this century"
            raise ValueError(message)
        return self


@dataclass(frozen=True)
class Recording:
    """Series of equal length from one moment on, with the rows of log tables."""

    file: RecordingFile

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a file that `arca dashboard record` wrote; raises ArcaError for another."""
        try:
            return cls(RecordingFile.model_validate_json(path.read_text(encoding="utf-8")))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, first["loc"]))
            said = first["msg"].removeprefix("Value error, ")
            raise _unreadable(path, f"{place}: {said}" if place else said) from None
        except (OSError, UnicodeDecodeError) as error:
            raise _unreadable(path, str(error)) from None

    def write(self, path: Path) -> None:
        """Write the file; raises OSError where that fails."""
        path.write_text(json.dumps(self.file.model_dump(mode="json"), indent=1), encoding="utf-8")

    @property
    def title(self) -> str:
        """The recording's name, for a picture's title."""
        return self.file.title

    @property
    def times(self) -> Sequence[datetime]:
        """The beginning of each period."""
        length = max((len(values) for values in self.file.series.values()), default=0)
        step = timedelta(seconds=self.file.period_seconds)
        return [self.file.start + number * step for number in range(length)]

    def split(self, reading: Reading) -> Mapping[str, Series]:
        """Return the reading's series, by the values of the dimensions that split it."""
        key = reading_key(reading)
        return {
            name.removeprefix(key).removeprefix("/"): np.array(values, dtype=float)
            for name, values in self.file.series.items()
            if name == key or name.startswith(f"{key}/")
        }

    def series(self, reading: Reading) -> Series:
        """Return the reading's only series; empty where there is none."""
        return self.split(reading).get("", np.array([]))

    def rows(self, title: str) -> Sequence[Mapping[str, Any]]:
        """Return the rows of a log table."""
        return self.file.rows.get(title, [])


def _unreadable(path: Path, why: str) -> ArcaError:
    return ArcaError(
        f"The recording cannot be read: {why}",
        where=str(path),
        wanted="a file that `arca dashboard record` wrote",
        do="record again, or leave --data out for the made-up day",
    )


def reading_key(reading: Reading) -> str:
    """Return a reading's name in the file."""
    fixed = "".join(f"/{name}={value}" for name, value in sorted(reading.fixed.items()))
    return f"{reading.metric}/{reading.stat}{fixed}"
