"""`python -m invoicing.account`: create an account and print its id and its API key.

It reads the service's variables of the database. Run it again to change a quota or a key.
"""

import argparse
import asyncio
import json
import os
import secrets
import sys

import psycopg
from psycopg.rows import DictRow, dict_row

from invoicing.accounts import NewAccount, is_cuit
from invoicing.clock import Clock

QUOTA = 600


def main() -> int:
    """Create the account."""
    parser = argparse.ArgumentParser(prog="invoicing.account", description=__doc__)
    parser.add_argument("--name", required=True)
    parser.add_argument("--cuit", required=True, help="eleven digits")
    parser.add_argument("--requests-per-minute", type=int, default=QUOTA)
    parser.add_argument("--api-key", help="instead of a new random one")
    asked = parser.parse_args()
    if not is_cuit(asked.cuit):
        parser.error("--cuit is not a CUIT: eleven digits, of which the last one checks the others")
    key = asked.api_key or f"key_{secrets.token_urlsafe(32)}"
    wanted = NewAccount(asked.name, asked.cuit, key, asked.requests_per_minute)
    id_ = asyncio.run(create(wanted))
    sys.stdout.write(json.dumps({"account_id": id_, "api_key": key}) + "\n")
    return 0


async def create(wanted: NewAccount) -> str:
    """Create the account in the database of the environment; return its id."""
    read = os.environ
    connection = await psycopg.AsyncConnection[DictRow].connect(
        host=read["DATABASE_HOST"],
        port=int(read["DATABASE_PORT"]),
        dbname=read["DATABASE_NAME"],
        user=read["DATABASE_USERNAME"],
        password=read["DATABASE_PASSWORD"],
        sslmode=read.get("DATABASE_SSLMODE") or "verify-full",
        row_factory=dict_row,
    )
    async with connection:
        statement, values = wanted.statement(Clock())
        row = await (await connection.execute(statement.encode(), values)).fetchone()
    return str(row["id"]) if row else ""


if __name__ == "__main__":
    sys.exit(main())
