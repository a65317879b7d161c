"""A release: gates, a new revision, migrations, the deployment, smoke tests, a verdict.

Each step may be done twice: whoever resumes begins with the step that the journal names.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from arca.check import Check
from arca.clock import Clock
from arca.errors import ArcaError, Refused
from arca.monitoring.runbooks import RUNBOOKS
from arca.release import definition, failures, gates, journal
from arca.release.journal import Journal
from arca.release.judge import serving
from arca.release.migrations import Migrations, refusal
from arca.release.service import Deployment, Service, image_of, short
from arca.release.shipment import Shipment
from arca.release.verdict import Interrupted, Lost, Outcome, Verdict
from arca.release.wishes import Wishes
from arca.stack import Stack

WITH_ECS = ("updating", "following")
"""Steps in which ECS works on the deployment, with us or without."""


class Release:
    """One release of a stack, told step by step to `say`."""

    def __init__(
        self,
        stack: Stack,
        *,
        wishes: Wishes,
        say: Callable[[str], None],
        watch: Callable[[Deployment], None],
        clock: Clock | None = None,
    ) -> None:
        self._stack, self._wishes, self._say, self._watch = stack, wishes, say, watch
        self._clock = clock or Clock()
        self._service = Service(stack)
        self._checks = list[Check]()
        self._opened = dict[str, str]()

    def deploy(self, image: str) -> Outcome:
        """Ship an image; raises Refused while somebody else releases."""
        reference, _ = gates.image_reference(self._stack, image)
        return self._guarded(self._begin("deploy", reference))

    def resume(self) -> Outcome:
        """Go on with a release that was interrupted, or follow a deployment that nobody follows."""
        left = self._unfollowed()
        if left is not None:
            return self._guarded(self._adopt(left))
        held = Journal.resume(self._stack, clock=self._clock)
        self._wishes = held.entry.wishes.resumed(self._wishes)
        self._say(f"resuming {held.entry.what} of {held.entry.image} at {held.entry.step}")
        return self._guarded(held, again=True)

    def resumable(self) -> dict[str, Any]:
        """What `resume` would go on with, and where; raises ArcaError where there is nothing."""
        left = self._unfollowed()
        if left is not None:
            target = self._service.task_definition(left.target.arn)
            image = image_of(self._service.definition(target))
            return {"what": "follow", "image": image, "step": "following", "id": short(left.arn)}
        found = journal.interrupted(self._stack, now=self._clock.now())
        known = short(found.deployment) if found.deployment else None
        return {"what": found.what, "image": found.image, "step": found.step, "id": known}

    def back_to(self, task_definition: str, image: str) -> Outcome:
        """Deploy a revision that ran before: no migrations, and no gate but one at a time."""
        begun = self._begin(
            "rollback",
            image,
            step="migrated",
            task_definition=task_definition,
            source=self._current(),
        )
        return self._guarded(begun, again=True)

    def _begin(self, what: str, image: str, **known: Any) -> Journal:
        return Journal.begin(
            self._stack, what=what, image=image, clock=self._clock, wishes=self._wishes, **known
        )

    def _unfollowed(self) -> Deployment | None:
        """A deployment under way that somebody began without a journal: `pulumi up`, a console."""
        under_way = self._service.under_way()
        if under_way is not None and journal.read(self._stack) is None:
            return under_way
        return None

    def _adopt(self, deployment: Deployment) -> Journal:
        target = self._service.task_definition(deployment.target.arn)
        sources = [self._service.task_definition(one.arn) for one in deployment.sources]
        return self._begin(
            "follow",
            image_of(self._service.definition(target)),
            step="following",
            task_definition=target,
            source=sources[0] if sources else None,
            deployment=deployment.arn,
        )

    def _guarded(self, begun: Journal, *, again: bool = False) -> Outcome:
        """Close the journal when the release has ended, whatever its verdict."""
        try:
            outcome = self._go(begun, again=again)
        except (Exception, KeyboardInterrupt) as error:
            # From `updating` on ECS goes on without us: the journal says where to begin again.
            if begun.entry.step not in WITH_ECS:
                with suppress(ArcaError):
                    begun.end()
            elif isinstance(error, KeyboardInterrupt):
                raise Interrupted from None
            elif isinstance(error, ArcaError) and not isinstance(error, Refused):
                raise Lost(error, self._stack) from None
            raise
        if outcome.verdict is not Verdict.UNKNOWN:
            begun.end()
        checks = tuple(check.as_json() for check in self._checks)
        return replace(outcome, checks=checks, opened=self._opened)

    def _go(self, begun: Journal, *, again: bool) -> Outcome:
        refused = None
        if begun.entry.step == "preflight":
            refused = self._gates(begun) or self._register(begun)
        elif again and begun.entry.step not in WITH_ECS:
            refused = self._gates_again(begun)
        if refused is None and begun.entry.step == "registered":
            refused = self._migrate(begun)
        if refused is not None:
            return refused
        shipment = Shipment(self._service, begun, self._wishes, say=self._say, watch=self._watch)
        return shipment.ship()

    def _gates(self, begun: Journal) -> Outcome | None:
        image = begun.entry.image
        self._say("checking the gates")
        self._checks = gates.run(self._service, image)
        closed = [check for check in self._checks if check.verdict == "FAILED"]
        for check in closed:
            if check.name in self._wishes.override:
                self._opened[check.name] = self._wishes.reason or ""
                self._say(
                    f"gate {check.name} opened by hand ({self._wishes.reason}): {check.detail}"
                )
        reasons = [f"{one.name}: {one.detail}" for one in closed if one.name not in self._opened]
        return self._refused(begun, "; ".join(reasons)) if reasons else None

    def _gates_again(self, begun: Journal) -> Outcome | None:
        """Much may have happened since the gates were asked."""
        if begun.entry.what == "deploy":
            closed = self._gates(begun)
        else:
            busy = self._service.under_way()
            closed = self._refused(begun, f"{short(busy.arn)} is under way") if busy else None
        if closed is None:
            begun.record(source=self._current())
        return closed

    def _register(self, begun: Journal) -> None:
        image = begun.entry.image
        made = definition.register(self._service, self._stack.outputs.service.task_family, image)
        self._say(f"revision {short(made)} runs {image}")
        begun.record(step="registered", task_definition=made, source=self._current())

    def _migrate(self, begun: Journal) -> Outcome | None:
        entry = begun.entry
        if self._wishes.migrate:
            result = Migrations(self._service, begun.clock, self._say).run(
                entry.image,
                phases=("expand", "migrate"),
                timeout=self._wishes.timeout,
                token=entry.token,
            )
            if result.exit_code != 0:
                refused = refusal(result)
                return Outcome(
                    Verdict.REFUSED if refused else Verdict.FAILED,
                    f"the migrations ended with {result.exit_code}: {refused or result.reason}; "
                    "nothing was deployed",
                    entry.image,
                    entry.task_definition,
                    runs=serving(self._service).alone,
                    log_lines=result.lines[-failures.MOST_LINES :],
                    runbook=RUNBOOKS["database-migration-failure"].path,
                )
        begun.record(step="migrated")
        return None

    def _refused(self, begun: Journal, reason: str) -> Outcome:
        return Outcome(
            Verdict.REFUSED, reason, begun.entry.image, runs=serving(self._service).alone
        )

    def _current(self) -> str:
        """The task definition that serves, before anything is changed."""
        return serving(self._service).alone or str(self._service.describe()["taskDefinition"])
