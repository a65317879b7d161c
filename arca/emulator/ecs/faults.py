"""What may be made to go wrong, on purpose.

Faults concern deployments that begin, and one-off tasks that are run, after they were asked for.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter


class _Fault(BaseModel):
    """Frozen, and unknown keys are an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ImageMissing(_Fault):
    """Tasks of the image cannot be started: it cannot be pulled."""

    fault: Literal["image-missing"] = "image-missing"
    image: str = Field(min_length=1)


class Exits(_Fault):
    """The image's container ends by itself, again and again: the service's, or one-off tasks'."""

    fault: Literal["exits"] = "exits"
    image: str = Field(min_length=1)
    of: Literal["service", "run-task"] = "service"
    code: int = Field(default=1, ge=0, le=255)


class Unhealthy(_Fault):
    """The image's tasks run, and their health check never succeeds."""

    fault: Literal["unhealthy"] = "unhealthy"
    image: str = Field(min_length=1)


class AlarmAt(_Fault):
    """The first watched alarm fires when the new revision has so much of the traffic."""

    fault: Literal["alarm-at"] = "alarm-at"
    percent: float = Field(gt=0, le=100)


Stage = Literal[
    "RECONCILE_SERVICE",
    "PRE_SCALE_UP",
    "SCALE_UP",
    "POST_SCALE_UP",
    "TEST_TRAFFIC_SHIFT",
    "POST_TEST_TRAFFIC_SHIFT",
    "PRODUCTION_TRAFFIC_SHIFT",
    "POST_PRODUCTION_TRAFFIC_SHIFT",
    "BAKE_TIME",
    "CLEAN_UP",
]
"""The service model's ServiceDeploymentLifecycleStage (ecs, 2014-11-13)."""


class HookRefuses(_Fault):
    """A lifecycle hook refuses at the stage, whether the service declares one there or not."""

    fault: Literal["hook-refuses"] = "hook-refuses"
    stage: Stage = "POST_TEST_TRAFFIC_SHIFT"


class Throttle(_Fault):
    """So many calls to ECS are refused with ThrottlingException."""

    fault: Literal["throttle"] = "throttle"
    calls: int = Field(default=1, ge=1, le=1000)


class Stall(_Fault):
    """The controller makes no progress in the stage; stopping and rolling back still work."""

    fault: Literal["stall"] = "stall"
    stage: Stage = "SCALE_UP"


class RollbackStalls(_Fault):
    """A rollback begins and never ends."""

    fault: Literal["rollback-stalls"] = "rollback-stalls"


class RollbackFails(_Fault):
    """A rollback ends before it changed anything: both revisions keep what they have."""

    fault: Literal["rollback-fails"] = "rollback-fails"


STALLS = (Stall, RollbackStalls)
"""What ends when all faults are taken back."""
Fault = Annotated[
    ImageMissing
    | Exits
    | Unhealthy
    | AlarmAt
    | HookRefuses
    | Throttle
    | Stall
    | RollbackStalls
    | RollbackFails,
    Field(discriminator="fault"),
]
FAULTS: TypeAdapter[list[Fault]] = TypeAdapter(list[Fault])
NAMES = (
    "image-missing",
    "exits",
    "unhealthy",
    "alarm-at",
    "hook-refuses",
    "throttle",
    "stall",
    "rollback-stalls",
    "rollback-fails",
)
