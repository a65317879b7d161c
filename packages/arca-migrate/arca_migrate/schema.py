"""The schema of a database as one short text, so that two databases can be compared."""

import hashlib
import json
from typing import Any

import psycopg

SCHEMA = """
SELECT table_name, column_name, data_type, is_nullable, coalesce(column_default, '')
FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2
"""


def digest(session: psycopg.Connection[Any]) -> str:
    """Return a hash of the tables and columns in the schema public."""
    rows = session.execute(SCHEMA).fetchall()
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16]
