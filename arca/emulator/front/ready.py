"""The ready file: where the front listens. It is there while the front serves."""

import os
import tempfile
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from arca.errors import ArcaError


class Frozen(BaseModel):
    """What both parts share: they cannot change, and unknown keys are an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class BalancerPorts(Frozen):
    """A load balancer and where its listeners are on this machine."""

    region: str
    name: str
    dns_name: str
    listeners: dict[str, str]
    """URL on loopback by the listener's port."""


class Ready(Frozen):
    """Where the front listens."""

    pid: int
    customers: str
    """The URL for customers."""
    control: str
    """The URL of the control paths."""
    balancers: tuple[BalancerPorts, ...] = ()

    def write(self, path: Path) -> None:
        """Replace the file as a whole, so that a reader never sees half of it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(self.model_dump_json(indent=1))
        Path(name).replace(path)


def read_ready(path: Path) -> Ready:
    """Read the file; raises ArcaError if the front does not serve."""
    try:
        return Ready.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise ArcaError(
            "The front of the emulated cloud does not serve.",
            where=str(path),
            wanted="the file that the front writes once it serves",
            do="start it: `arca local live`",
        ) from None
    except (OSError, ValidationError) as error:
        raise ArcaError(
            "The front's ready file cannot be read.",
            where=f"{path}: {str(error).splitlines()[0]}",
            wanted="the file that the front writes",
            do="start the front again: `arca local live`",
        ) from None
