"""`GET /v1/status`, the business path of the probes."""

import pytest

from tests.examples.service.platform import Platform, Task, wait


def test_status_needs_no_credentials_and_changes_nothing(platform: Platform, task: Task) -> None:
    """It reads a row and a key, and the tables stay as they were."""

    def unchanged() -> bool:
        # A transaction gets a number only when it writes; background work may have one too.
        query = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text"
        before = platform.rows(query)
        answer = task.ask("GET", "/v1/status")
        assert (answer.status, answer.body) == (200, {"status": "ok", "arca": "ok"})
        return platform.rows(query) == before

    assert wait(unchanged)


@pytest.mark.slow
def test_status_asks_arca_once_a_minute(platform: Platform) -> None:
    """Ten probes are one call of FEDummy, and ARCA's failure is not the API's."""
    with platform.task() as task:
        before = [name for name, _ in platform.agency.calls].count("FEDummy")
        assert {task.ask("GET", "/v1/status").status for _ in range(10)} == {200}
        assert [name for name, _ in platform.agency.calls].count("FEDummy") == before + 1
    platform.fault("http", method="FEDummy")
    with platform.task() as task:
        answer = task.ask("GET", "/v1/status")
    assert (answer.status, answer.body["arca"]) == (200, "unavailable")
