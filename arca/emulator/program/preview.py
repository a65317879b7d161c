"""Preview a stack: run its program once, which checks the settings and creates nothing."""

from collections.abc import Callable, Mapping
from typing import Any

from arca.emulator.program import engine
from arca.emulator.program.engine import Registration


class PreviewCloud:
    """A cloud that creates nothing and counts the resources that a provider would create."""

    def __init__(self, exports: Callable[[str], Mapping[str, Any]]) -> None:
        self.total = 0
        self._exports = exports

    def create(self, registration: Registration) -> tuple[None, dict[str, Any]]:
        """Return the inputs alone, as in a first preview."""
        self.total += registration.custom
        return None, dict(registration.inputs)

    def read_stack(self, name: str) -> Mapping[str, Any]:
        """Return the exports of a stack that is up beside this one."""
        return self._exports(name.rpartition("/")[2])


def preview(
    stack: str, config: Mapping[str, str], *, exports: Callable[[str], Mapping[str, Any]]
) -> int:
    """Return the number of resources that a run of the program would create.

    Raises what `engine.run` raises.
    """
    cloud = PreviewCloud(exports)
    engine.run(engine.main, stack=stack, config=config, cloud=cloud, preview=True)
    return cloud.total
