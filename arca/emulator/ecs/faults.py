"""The faults that a person may inject into the emulated ECS, as typed models.

The server, its client and `arca local fault` share these models. A fault concerns deployments that
begin and one-off tasks that run after it was injected.
"""

from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from arca.emulator.ecs.strategy import Stage

FAULTS_PATH = "/arca/faults"
IMAGES_PATH = "/arca/images"
ALIVE_PATH = "/arca/alive"
LISTEN_PATH = "/arca/listen"
ZONES_PATH = "/arca/zones"
PLACES_PATH = "/arca/places"
REGIONS_PATH = "/arca/regions"
"""Paths of the control API (control_api.py)."""


class _Fault(BaseModel):
    """What all faults share: they cannot change, and unknown keys are an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ImageMissing(_Fault):
    """The image cannot be pulled, so that no task of it starts."""

    fault: Literal["image-missing"] = "image-missing"
    image: str = Field(min_length=1)


class Exits(_Fault):
    """The image's container exits soon after each start."""

    fault: Literal["exits"] = "exits"
    image: str = Field(min_length=1)
    of: Literal["service", "run-task"] = "service"
    code: int = Field(default=1, ge=0, le=255)


class Unhealthy(_Fault):
    """The image's tasks run, and their health check never succeeds."""

    fault: Literal["unhealthy"] = "unhealthy"
    image: str = Field(min_length=1)


class AlarmAt(_Fault):
    """The first watched alarm fires when the new revision has this percentage of the traffic."""

    fault: Literal["alarm-at"] = "alarm-at"
    percent: float = Field(gt=0, le=100)


class HookRefuses(_Fault):
    """A lifecycle hook fails at the stage, whether the service declares one there or not."""

    fault: Literal["hook-refuses"] = "hook-refuses"
    stage: Stage = "POST_TEST_TRAFFIC_SHIFT"


class Throttle(_Fault):
    """The next calls to ECS are refused with ThrottlingException."""

    fault: Literal["throttle"] = "throttle"
    calls: int = Field(default=1, ge=1, le=1000)


class Stall(_Fault):
    """The deployment makes no progress in the stage; stopping and rolling back still work."""

    fault: Literal["stall"] = "stall"
    stage: Stage = "SCALE_UP"


class RollbackStalls(_Fault):
    """A rollback begins and never ends."""

    fault: Literal["rollback-stalls"] = "rollback-stalls"


class RollbackFails(_Fault):
    """A rollback fails before it changes anything: both revisions keep what they have."""

    fault: Literal["rollback-fails"] = "rollback-fails"


ENDED_BY_CLEAR = (AlarmAt, Stall, RollbackStalls)
"""Faults that end for running deployments too when all faults are cleared."""
AnyFault = (
    ImageMissing
    | Exits
    | Unhealthy
    | AlarmAt
    | HookRefuses
    | Throttle
    | Stall
    | RollbackStalls
    | RollbackFails
)
Fault = Annotated[AnyFault, Field(discriminator="fault")]
FAULT: TypeAdapter[AnyFault] = TypeAdapter(Fault)
"""Reads one fault."""
FAULT_LIST: TypeAdapter[list[AnyFault]] = TypeAdapter(list[Fault])
"""Reads and writes a list of faults."""
FAULT_NAMES: tuple[str, ...] = tuple(
    kind.model_fields["fault"].default for kind in get_args(AnyFault)
)
"""The names by which a person asks for faults."""
