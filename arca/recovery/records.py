"""The files of records: docs/drills/ has one for each drill and each recovery."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from arca import files
from arca.errors import ArcaError
from arca.recovery.budgets import Kind
from arca.recovery.record import VERSION, Environment, Record
from arca.recovery.verdict import judge

OVERDUE_DAYS = 92
"""A drill a quarter: the longest quarter has 92 days."""
RESTORE_OVERDUE_DAYS = 35
"""A restore test a month, and some days to do it."""
WANTED = "a record that a drill or a recovery wrote (arca/recovery/record.py)"


def as_json(record: Record) -> dict[str, Any]:
    """Return a record as its file has it: the facts, what follows from them, and the verdict."""
    return {
        **record.model_dump(mode="json"),
        "measured": {
            "rto_seconds": record.rto_seconds,
            "green_seconds": record.green_seconds,
            **({"served_seconds": record.served_seconds} if record.customers_served else {}),
            "rpo_seconds": record.rpo_seconds,
            **_by_databases(record),
        },
        "verdict": judge(record).model_dump(mode="json"),
    }


def _by_databases(record: Record) -> dict[str, float]:
    """Return the RPO that the databases show; nothing where they were not compared."""
    found = record.databases
    if found is None:
        return {}
    return {
        "rpo_seconds_by_databases": found.rpo_seconds(record.failed_ns),
        "rpo_bytes": found.lost_bytes,
    }


def text(record: Record) -> str:
    """Return the content of a record's file."""
    return f"{json.dumps(as_json(record), indent=2, sort_keys=True)}\n"


def write(record: Record, directory: Path) -> Path:
    """Write a record into a directory, and return its path.

    Raises ArcaError where the file is there already: a record is never written anew.
    """
    path = directory / f"{record.name}.json"
    with files.writing(path):
        directory.mkdir(parents=True, exist_ok=True)
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(text(record))
        except FileExistsError:
            raise ArcaError(
                f"There is a record {path.name} already.",
                where=str(path),
                wanted="a name that no file has",
                do="keep the old one; records are never changed",
            ) from None
    return path


def read(path: Path) -> tuple[Record, ...]:
    """Return the record of a file, or all of a directory, the oldest first.

    Raises ArcaError where there is none, or where a file is not a record of this version.
    """
    if not path.is_dir():
        return (_read(path),)
    found = [_read(one) for one in sorted(path.glob("*.json"))]
    if not found:
        raise ArcaError(
            "There is no record in the directory.",
            where=str(path),
            wanted="files that end with .json",
            do="run a drill first, or name another directory",
        )
    return tuple(sorted(found, key=lambda one: one.declared))


def _read(path: Path) -> Record:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _wrong(path, f"The record cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise _wrong(path, f"The record is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise _wrong(path, "The record is not a JSON object.")
    return parse(cast("dict[str, Any]", content), path)


def parse(content: dict[str, Any], path: Path) -> Record:
    """Return the record of a file's content; raises ArcaError with the field that is wrong."""
    if content.get("version") != VERSION:
        raise ArcaError(
            f"The record has version {content.get('version')!r}.",
            where=str(path),
            wanted=f"version {VERSION}",
            do="read it with the commit that it names under `versions`",
        )
    facts = {key: value for key, value in content.items() if key not in ("measured", "verdict")}
    try:
        record = Record.model_validate(facts)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        told = ": ".join(filter(None, (".".join(map(str, first["loc"])), first["msg"])))
        raise _wrong(path, f"The record is damaged: {told}") from None
    derived = as_json(record)
    for part in ("measured", "verdict"):
        if content.get(part) != derived[part]:
            raise ArcaError(
                f"What the record says under `{part}` does not follow from its facts.",
                where=str(path),
                wanted=json.dumps(derived[part], sort_keys=True),
                do="look in git who changed the file, and restore it",
            )
    return record


def _wrong(path: Path, what: str) -> ArcaError:
    return ArcaError(what, where=str(path), wanted=WANTED, do="name the file of a record")


@dataclass(frozen=True)
class LastDrill:
    """The last time that a failover, or a restore, was proved to work."""

    record: Record | None
    age: timedelta | None
    overdue: bool


def last_drill(
    records: Iterable[Record], *, primary: str, environment: Environment, now: datetime
) -> LastDrill:
    """Return the newest drill or failover of a primary that passed, and whether it is overdue.

    Only a drill on AWS proves anything about AWS; in the emulated cloud any drill counts.
    """
    return _last(records, primary, environment, now, kinds=("drill", "failover"), days=OVERDUE_DAYS)


def last_restore_test(
    records: Iterable[Record], *, primary: str, environment: Environment, now: datetime
) -> LastDrill:
    """Return the newest restore test of a primary that passed, and whether it is overdue."""
    return _last(
        records, primary, environment, now, kinds=("restore-test",), days=RESTORE_OVERDUE_DAYS
    )


def _last(
    records: Iterable[Record],
    primary: str,
    environment: Environment,
    now: datetime,
    *,
    kinds: tuple[Kind, ...],
    days: int,
) -> LastDrill:
    passed = [
        one
        for one in records
        if one.kind in kinds
        and one.primary == primary
        and environment in ("emulated", one.environment)
        and judge(one).passed
    ]
    newest = max(passed, key=lambda one: one.declared, default=None)
    if newest is None:
        return LastDrill(None, None, overdue=True)
    age = now - newest.declared
    return LastDrill(newest, age, overdue=age > timedelta(days=days))
