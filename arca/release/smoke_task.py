"""Smoke tests of tasks that take no production traffic yet: from inside the VPC.

The test listener lets the jobs' security group in and nobody else, so that a one-off task of the
new image asks it (docs/service-contract.md, `/app/smoke`).
"""

from collections.abc import Callable
from datetime import timedelta

from arca.clock import Clock
from arca.release.service import Service
from arca.release.tasks import Task

TEST_PORT = 8443
TIMEOUT = timedelta(minutes=5)


def run(
    service: Service, task_definition: str, clock: Clock, show: Callable[[str], None]
) -> str | None:
    """Ask the new tasks through the test listener; None when all is well, else what is wrong."""
    address = f"https://{service.stack.outputs.service.load_balancer_dns_name}:{TEST_PORT}"
    result = Task(service, service.definition(task_definition), clock).run(
        ["/app/smoke", address], show=show, timeout=TIMEOUT
    )
    if result.exit_code == 0:
        return None
    return f"smoke tests on the test listener ended with {result.exit_code}: {result.reason}"
