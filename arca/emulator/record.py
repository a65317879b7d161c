"""Record a stack: run its program once against outputs that look like AWS's, and create nothing."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from arca.clock import Clock
from arca.emulator.program import engine
from arca.emulator.program.engine import Registration
from arca.emulator.provider.simulated_outputs import simulate_outputs
from arca.errors import ArcaError
from arca.stackfile import PREFIX


@dataclass(frozen=True)
class Declared:
    """A declared resource with its simulated id and outputs, to which other resources refer."""

    registration: Registration
    id: str
    outputs: Mapping[str, Any]


@dataclass(frozen=True)
class Recorded:
    """The resources that a stack declares, and its exports."""

    resources: tuple[Declared, ...]
    exports: Mapping[str, Any]


class RecordingCloud:
    """A cloud that creates nothing and keeps every resource that a provider would create."""

    def __init__(self, config: Mapping[str, str], primary: Mapping[str, Any] | None) -> None:
        self.resources: list[Declared] = []
        self._region = config.get(f"{PREFIX}region", "")
        self._config = config
        self._primary = primary

    def create(self, registration: Registration) -> tuple[str | None, dict[str, Any]]:
        """Return simulated outputs."""
        if not registration.custom or registration.type.startswith("pulumi:"):
            return None, dict(registration.inputs)
        region = str(registration.inputs.get("region", self._region))
        # The program has accepted the settings before it declares the first resource.
        account = str(json.loads(self._config[f"{PREFIX}owner"])["account_id"])
        resource_id, outputs = simulate_outputs(
            registration, account=account, region=region, clock=Clock()
        )
        self.resources.append(Declared(registration, resource_id, outputs))
        return resource_id, outputs

    def read_stack(self, name: str) -> Mapping[str, Any]:
        """Return the exports of the primary that was recorded before."""
        if self._primary is None:
            raise ArcaError(
                f"The program reads the exports of {name}, which was not recorded.",
                where="recovery.primary_stack",
                wanted="the primary of this stack",
                do="name the primary's stack there",
            )
        return self._primary


def record(
    stack: str, config: Mapping[str, str], *, primary: Mapping[str, Any] | None = None
) -> Recorded:
    """Return what a stack's program declares; `primary` has the exports of the stack it follows.

    Raises what `engine.run` raises.
    """
    cloud = RecordingCloud(config, primary)
    exports = engine.run(engine.main, stack=stack, config=config, cloud=cloud)
    return Recorded(tuple(cloud.resources), engine.plain(exports))
