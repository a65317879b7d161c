"""Migrations of a release: the image's own runner, as a task with the owner's credentials."""

import json
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any, cast

from arca_migrate import guard
from arca_migrate.applied import Applied
from arca_migrate.errors import MigrationError, MigrationRefused
from arca_migrate.phase import Phase

from arca.clients import client, explained
from arca.clock import Clock
from arca.errors import ArcaError, Refused
from arca.release import definition, gates, history, journal
from arca.release.judge import serving
from arca.release.service import Service, image_of, short
from arca.release.tasks import STARTED_BY, Result, Task
from arca.stack import Stack

WHAT = "migrate"
"""How the journal names it."""


@contextmanager
def as_own_errors() -> Generator[None]:
    """Turn the errors of `arca_migrate`, which stands alone in an image, into ArcaError."""
    try:
        yield
    except MigrationError as error:
        kind = Refused if isinstance(error, MigrationRefused) else ArcaError
        raise kind(error.what, where=error.where, wanted=error.wanted, do=error.do) from None


@contextmanager
def alone(stack: Stack, image: str, phases: Sequence[str], clock: Clock) -> Generator[Clock]:
    """Hold the release's lock; gives the clock that shows others a sign of life.

    Raises Refused while somebody else releases or migrates.
    """
    held = journal.read(stack)
    if held is not None and held.what == WHAT:
        # One that was killed has no step to resume: its task, if it lives, holds the runner's lock.
        journal.close_dead(stack)
    # The phases keep `arca deploy --resume` from shipping it: that is no image's name.
    named = f"{image} ({','.join(phases)})"
    mine = journal.Journal.begin(stack, what=WHAT, image=named, clock=clock)
    try:
        yield mine.clock
    except BaseException:
        # What ended the migration is what has to be known.
        with suppress(ArcaError):
            mine.end()
        raise
    mine.end()


class Migrations:
    """The migration task of a stack."""

    def __init__(self, service: Service, clock: Clock, say: Callable[[str], None]) -> None:
        self._service, self._clock, self._say = service, clock, say

    def image(self, wanted: str | None) -> str:
        """The whole reference of a tag or digest; what the service runs where none is named."""
        stack = self._service.stack
        return gates.image_reference(stack, wanted)[0] if wanted else image_of(self._running())

    def require_contract(self, image: str, *, phases: Sequence[str], wait: timedelta) -> None:
        """Raise Refused where a contract is among the phases and may not run yet.

        What it removes must be what no release uses that runs or may come back: it is the contract
        of the release that alone serves, and has served for a while.
        """
        if Phase.CONTRACT not in phases:
            return
        under_way = self._service.under_way()
        if under_way is not None:
            raise self._refused(
                f"{short(under_way.arn)} is {under_way.status}",
                wanted="no deployment under way: its code, or that of before, may use what goes",
                do="run it when the new release has been live for a while",
            )
        running = self._running()
        arn, runs = running["taskDefinitionArn"], image_of(running)
        found = serving(self._service)
        if not found.only(arn):
            raise self._refused(
                f"{found} serves, and {short(arn)} should",
                wanted="one release that serves alone",
                do=f"see what runs: `arca status --stack {self._service.stack.name}`",
            )
        if not self._same(image, runs):
            raise self._refused(
                f"{image} is not what serves, which is {runs}",
                wanted="the migrations of the release that serves",
                do="release it first; without --image the contract is that of what serves",
            )
        with as_own_errors():
            guard.contract_allowed(
                tuple(map(Phase, phases)),
                live_since=history.live_since(self._service, arn),
                now=self._clock.now(),
                wait=wait,
            ).require(where=f"{self._service.stack.where}, {short(arn)}")

    def _refused(self, why: str, *, wanted: str, do: str) -> Refused:
        return Refused(
            f"The contract is refused: {why}.",
            where=self._service.stack.where,
            wanted=wanted,
            do=do,
        )

    def _same(self, image: str, runs: str) -> bool:
        """Whether both name one image, be it by tag or by digest."""
        if image == runs:
            return True
        found = self._digest(image)
        return found is not None and found == self._digest(runs)

    def _digest(self, image: str) -> str | None:
        """ECR's; None of an image that it does not have."""
        stack = self._service.stack
        try:
            _, wanted = gates.image_reference(stack, image)
        except ArcaError:
            return None
        ecr = client(stack, "ecr")
        with explained(stack, f"The image {image} cannot be looked up"):
            try:
                found = ecr.describe_images(
                    repositoryName=stack.outputs.registry.repository_name, imageIds=[wanted]
                )["imageDetails"]
            except ecr.exceptions.ImageNotFoundException:
                return None
        return found[0]["imageDigest"] if found else None

    def _running(self) -> Mapping[str, Any]:
        return self._service.definition(str(self._service.describe()["taskDefinition"]))

    def run(
        self, image: str, *, phases: Sequence[str], timeout: timedelta, token: str = STARTED_BY
    ) -> Result:
        """Bring the schema up through these phases, in the task of that token if it still runs."""
        arguments = ["--phases", ",".join(phases), "--release", _release(image)]
        return self._run(image, arguments, timeout, token)

    def applied(self, image: str, *, timeout: timedelta) -> Result:
        """Have the task print what was applied, one `migration.history` line."""
        return self._run(image, ["--applied"], timeout, STARTED_BY)

    def _run(self, image: str, arguments: Sequence[str], timeout: timedelta, token: str) -> Result:
        family = self._service.stack.outputs.service.migration_family
        arn = definition.register(self._service, family, image)
        found = self._service.definition(arn)
        command = [*found["containerDefinitions"][0]["command"], *arguments]
        self._say(f"{short(arn)}: {' '.join(command)}")
        task = Task(self._service, found, self._clock)
        return task.run(command, show=self._say, timeout=timeout, token=token)


def _release(image: str) -> str:
    """The image's tag or digest, which names the release."""
    return image.rpartition("@" if "@" in image else ":")[2]


def refusal(result: Result) -> str | None:
    """Why the runner refused, in its words; None where it did not.

    It refuses before it changes anything: the order, a mislabelled revision, another runner, a
    database of another history (docs/migrations.md).
    """
    if result.exit_code != Refused.exit_code:
        return None
    for line in result.lines:
        content = _json(line)
        if content.get("event") == "migration.refused":
            do = content.get("do")
            return f"{content.get('message')}" + (f" To do: {do}" if do else "")
    return result.reason or "the task did not say why"


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
