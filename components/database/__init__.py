"""PostgreSQL on RDS: settings, the instance, its replicas and backups."""

from components.database.instance import Database
from components.database.spec import DatabaseSpec

__all__ = ["Database", "DatabaseSpec"]
