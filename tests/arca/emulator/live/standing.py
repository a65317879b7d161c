"""What several tests of the living cloud use."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import psycopg
from moto.backends import get_backend

from arca.emulator.live.postgres import Postgres

OWNER, PASSWORD, DATABASE = "arca_owner", "not-a-secret", "arca"


def forget(*services: str) -> None:
    """Empty some of moto's services, of which each process has one state."""
    # Moto's backends are dictionaries by account, which its types do not say.
    backends = cast("Callable[[str], dict[str, Any]]", get_backend)
    for service in services:
        for account in backends(service).values():
            account.reset()


@dataclass(frozen=True)
class Home:
    """A directory of the living cloud, and the environment that marks what runs in it."""

    path: Path
    environment: Mapping[str, str]


def ask(server: Postgres, question: str, **options: Any) -> list[tuple[Any, ...]]:
    """Ask a server's database as its owner; a statement without rows returns none."""
    with psycopg.connect(
        host="127.0.0.1",
        port=server.port,
        dbname=DATABASE,
        user=OWNER,
        password=PASSWORD,
        autocommit=True,
        **options,
    ) as session:
        done = session.execute(question.encode())
        return done.fetchall() if done.description else []
