"""PostgreSQL on RDS: settings, and the instance with its copies."""

from components.database.instance import DATABASE, PORT, Database
from components.database.spec import DatabaseSpec

__all__ = ["DATABASE", "PORT", "Database", "DatabaseSpec"]
