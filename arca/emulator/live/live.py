"""Bring the stacks of the emulated cloud to life: `arca local live`.

Each step looks first, so that a second run does only what is missing, and one that was killed is
mended by the next.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from arca.emulator.live.background import Background
from arca.emulator.live.report import LiveReport
from arca.emulator.live.service import ACCOUNT_KEY, Service
from arca.emulator.state import State
from arca.errors import ArcaError

EXAMPLE_INVOICE = '{"point_of_sale": 1, "type": "B", "net": "1000.00"}'
"""What `arca local live` proposes to issue."""


@dataclass(frozen=True)
class LiveCloud:
    """What is alive now."""

    report: LiveReport
    account_id: str
    api_key: str
    tasks: Mapping[str, int]
    """Healthy tasks by stack."""


def bring(state: State, *, port: int, say: Callable[[str], None]) -> LiveCloud:
    """Bring all stacks that are up to life; returns when their tasks are as they should be.

    Raises ArcaError where no cloud is up, or where something does not start.
    """
    with state.lock():
        stacks = {name: state.exports(name) for name in stacks_up(state)}
        record = state.read()
        assert record is not None
        background = Background(state, record)
        say("databases, caches, the tax agency's double and the way of the customers")
        background.start(port)
        # Nothing of a lost region answers; it is brought to life by running this again.
        services = [
            Service(state, record, background, one)
            for one in stacks.values()
            if one["region"] not in background.report().lost
        ]
        for service in services:
            service.secrets()
            service.image()
        account_id = ""
        for service in services:
            if service.active:
                say(f"{service.stack}: migrations, and an account")
                service.migrate()
                account_id = service.account()
        tasks: dict[str, int] = {}
        for service in services:
            say(f"{service.stack}: tasks")
            tasks[service.stack] = service.tasks()
        return LiveCloud(background.settled(), account_id, ACCOUNT_KEY, tasks)


def stacks_up(state: State) -> tuple[str, ...]:
    """Return the stacks that are up, a primary before the secondary that reads its secrets.

    Raises ArcaError where none is.
    """
    record = state.read()
    if record is None or not record.stacks:
        raise ArcaError(
            "No stack is up.",
            where=str(state.directory),
            wanted="a stack in the emulated cloud",
            do="run `make up STACK=prod` first",
        )
    return tuple(sorted(record.stacks, key=lambda name: state.exports(name)["role"] != "primary"))
