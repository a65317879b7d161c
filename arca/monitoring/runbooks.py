"""The runbooks, declared once: the alarms name them, their pages and diagnoses follow them."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Runbook:
    """A runbook's id and title."""

    id: str
    title: str

    @property
    def path(self) -> str:
        """The page, from the root of this repository."""
        return f"docs/runbooks/{self.id}.md"

    def address(self, repository_url: str) -> str:
        """The page's address; its path alone where no repository's address is set."""
        return f"{repository_url.rstrip('/')}/{self.path}" if repository_url else self.path


RUNBOOKS: Mapping[str, Runbook] = {
    runbook.id: runbook
    for runbook in (
        Runbook("arca-api-down", "ARCA API down or unresponsive"),
        Runbook("database-pool-exhausted", "Database connection pool exhausted"),
        Runbook("redis-out-of-memory", "Redis out of memory"),
        Runbook("high-api-latency", "High API latency"),
        Runbook("certificate-expiration", "Certificate expiration"),
        Runbook("deployment-rollback", "Deployment rollback"),
        Runbook("database-migration-failure", "Database migration failure"),
        Runbook("container-crashes", "Service container crashes"),
        Runbook("rate-limit-exceeded", "Rate limit exceeded"),
        Runbook("memory-leak", "Memory leak investigation"),
        Runbook("copies-behind", "Copies in the DR region are behind"),
    )
}
"""By id."""
