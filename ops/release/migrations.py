"""Migrations of a release: the image's own runner, as a task with the owner's credentials."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from errors import Refused
from migrate import guard
from migrate.applied import Applied
from ops.release import definition, gates, history
from ops.release.clock import Clock
from ops.release.service import Service, image_of, short
from ops.release.tasks import Result, Task


class Migrations:
    """The migration task of a stack."""

    def __init__(self, service: Service, clock: Clock, say: Callable[[str], None]) -> None:
        self._service, self._clock, self._say = service, clock, say

    def image(self, wanted: str | None) -> str:
        """The whole reference of a tag or digest; what the service runs where none is named."""
        stack = self._service.stack
        return gates.image_reference(stack, wanted)[0] if wanted else image_of(self._running())

    def require_contract(self, *, wait: timedelta) -> None:
        """Raise Refused until what runs has been live for a while."""
        running = self._running()
        since = history.live_since(self._service, running["taskDefinitionArn"])
        if since is not None and self._clock.now() >= since + wait:
            return
        live = f"live since {since:%Y-%m-%d %H:%M} UTC" if since else "not live by a deployment"
        raise Refused(
            f"The contract is refused: {short(running['taskDefinitionArn'])} is {live}, and a "
            f"rollback must stay possible for {wait.total_seconds() / 3600:g} hours.",
            where=self._service.stack.where,
            wanted="the release that no longer uses what goes, live for that long",
            do="run it later; nothing that runs needs it earlier",
        )

    def _running(self) -> Mapping[str, Any]:
        return self._service.definition(str(self._service.describe()["taskDefinition"]))

    def run(self, image: str, *, phases: Sequence[str], timeout: timedelta) -> Result:
        """Bring the schema up through these phases."""
        return self._run(
            image, ["--phases", ",".join(phases), "--release", _release(image)], timeout
        )

    def applied(self, image: str, *, timeout: timedelta) -> Result:
        """Have the task print what was applied, one `migration.history` line."""
        return self._run(image, ["--applied"], timeout)

    def _run(self, image: str, arguments: Sequence[str], timeout: timedelta) -> Result:
        family = self._service.stack.outputs.service.migration_family
        arn = definition.register(self._service, family, image)
        found = self._service.definition(arn)
        command = [*found["containerDefinitions"][0]["command"], *arguments]
        self._say(f"{short(arn)}: {' '.join(command)}")
        return Task(self._service, found, self._clock).run(command, show=self._say, timeout=timeout)


def _release(image: str) -> str:
    """The image's tag or digest, which names the release."""
    return image.rpartition("@" if "@" in image else ":")[2]


def contract_since(result: Result, moment: datetime | None, *, emulated: bool) -> str | None:
    """Which contract ran since a release was last live, in words; None where none did.

    A migration task that cannot tell is a reason too: nobody knows what was dropped.
    """
    if result.exit_code != 0:
        return f"the applied migrations are unknown: the task ended with {result.exit_code}"
    for line in result.lines:
        content = _json(line)
        if content.get("event") != "migration.history":
            continue
        try:
            applied = [Applied.from_json(one) for one in content["applied"]]
        except (KeyError, TypeError, ValueError) as error:
            return f"the applied migrations are unknown: the task printed {line!r} ({error!r})"
        verdict = guard.rollback_allowed(None, applied, last_live=moment)
        return None if verdict.allowed else f"{verdict.reason} To do: {verdict.do}"
    # Without a stand-in nothing runs in the emulated cloud, and nothing was ever dropped there.
    return None if emulated else "the applied migrations are unknown: the task printed none"


def _json(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}
