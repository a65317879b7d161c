"""Smoke tests of a release: at the pause from inside the VPC, after the shift from outside."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

from arca.clients import Unreachable
from arca.clock import Clock
from arca.errors import ArcaError
from arca.naming import TEST_PORT
from arca.release.service import EcsDeployment, EcsService
from arca.release.steps import LockLost
from arca.release.tasks import OneOffTask
from arca.smoke import suite
from arca.stack import Stack

TASK_TIMEOUT = timedelta(minutes=5)
SMOKE_CHECK_TIMEOUT_SECONDS = 10


def check_at_pause(
    service: EcsService, deployment: EcsDeployment, clock: Clock, say: Callable[[str], None]
) -> str | None:
    """Ask the new tasks before customers reach them; returns what is wrong, None if nothing is.

    Raises LockLost where somebody else has taken over the release, and asks too; Unreachable where
    AWS is, which says nothing about the new tasks.
    """
    say("paused before production traffic: smoke tests on the test listener")
    # The test listener lets in only the stack's NAT gateways, so a one-off task of the new image
    # asks it (docs/service-contract.md, `/app/smoke`). This name is on the listener's certificate.
    address = f"https://{service.stack.outputs.edge.regional_origin_name}:{TEST_PORT}"
    try:
        definition = service.definition(service.task_definition(deployment.target.arn))
        result = OneOffTask(service, definition, clock).run(
            ["/app/smoke", address], show=say, timeout=TASK_TIMEOUT
        )
    except (LockLost, Unreachable):
        raise
    except ArcaError as error:
        return f"smoke tests on the test listener could not be run: {error.what}"
    if result.exit_code == 0:
        return None
    return f"smoke tests on the test listener ended with {result.exit_code}: {result.reason}"


def check_after_shift(stack: Stack, say: Callable[[str], None]) -> str | None:
    """Run the smoke tests from outside while a rollback still takes seconds.

    Returns what is wrong, or None.
    """
    say("production traffic has moved: smoke tests from outside")
    ask = partial(suite.run, stack, url=None, timeout=SMOKE_CHECK_TIMEOUT_SECONDS)
    report = ask()
    if report.failed:
        # One lost packet is no reason to take a release back.
        report = ask()
    wrong = [f"{check.name}: {check.detail}" for check in report.failed]
    return f"smoke tests failed: {'; '.join(wrong)}" if wrong else None
