"""Back to what was live before."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from arca.clock import Clock
from arca.errors import Refused
from arca.release import ending, history, journal
from arca.release.deploy import Release
from arca.release.follow import Acts, Follower
from arca.release.judge import serving
from arca.release.migrations import Migrations, contract_since
from arca.release.service import Deployment, Service, image_of, short
from arca.release.verdict import Interrupted, Outcome, Verdict
from arca.release.wishes import Wishes
from arca.stack import Stack


@dataclass(frozen=True)
class Plan:
    """What a rollback does: stops a deployment, or deploys a release of before."""

    to: str
    """The task definition."""
    image: str
    stops: Deployment | None = None
    past: history.Past | None = None

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        stops = short(self.stops.arn) if self.stops else None
        return {"stops": stops, "to": short(self.to), "image": self.image}

    def __str__(self) -> str:
        """For a person."""
        first = f"stop {short(self.stops.arn)} and go back" if self.stops else "go back"
        return f"{first} to {short(self.to)} ({self.image})"


class Rollback:
    """A rollback of a stack's service."""

    def __init__(
        self,
        stack: Stack,
        *,
        timeout: timedelta,
        say: Callable[[str], None],
        watch: Callable[[Deployment], None],
        to: str | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._to = to
        self._stack, self._timeout, self._say, self._watch = stack, timeout, say, watch
        self._clock = clock or Clock()
        self._service = Service(stack)

    def plan(self) -> Plan:
        """Where it leads; raises Refused or ArcaError where it leads nowhere."""
        under_way = self._stoppable()
        if under_way is not None:
            source = history.source_of(self._service, under_way)
            return Plan(source, image_of(self._service.definition(source)), stops=under_way)
        past = self._past()
        return Plan(past.task_definition, past.image, past=past)

    def run(self, plan: Plan, *, past_contract: str | None = None) -> Outcome:
        """Do what was planned, and judge by what runs; `past_contract` says why all the same.

        A rollback that ends well is a deployment that ends well: the verdict is LIVE for the
        release of before, or ROLLED_BACK where a deployment was stopped.
        """
        if plan.stops is not None:
            return self.stop(plan.stops)
        if plan.past is not None and past_contract is None:
            refused = self._contract(plan.past)
            if refused is not None:
                return refused
        release = Release(
            self._stack,
            wishes=Wishes(timeout=self._timeout),
            say=self._say,
            watch=self._watch,
            clock=self._clock,
        )
        outcome = release.back_to(plan.to, plan.image)
        opened = {} if past_contract is None else {"contract": past_contract}
        return replace(outcome, opened=opened)

    def _stoppable(self) -> Deployment | None:
        """What is under way; raises Refused where its end leads elsewhere than asked for."""
        under_way = self.under_way()
        if under_way is not None and self._to is not None:
            raise Refused(
                "A deployment is under way, and stopping it leads to what ran before it.",
                where=f"{self._stack.where}, {short(under_way.arn)}",
                wanted=f"no deployment under way; nothing was done for {self._to}",
                do=f"stop it first: `arca stop --stack {self._stack.name}`",
            )
        return under_way

    def _past(self) -> history.Past:
        if self._to is not None:
            return history.named(self._service, self._to)
        return history.before(self._service)

    def under_way(self) -> Deployment | None:
        """The deployment that is not at its end, if there is one."""
        return self._service.under_way()

    def _contract(self, past: history.Past) -> Outcome | None:
        """Refuse where a contract ran after that release was last live."""
        migrations = Migrations(self._service, self._clock, self._say)
        result = migrations.applied(migrations.image(None), timeout=timedelta(minutes=10))
        finding = contract_since(result, past.replaced, emulated=self._stack.endpoint is not None)
        if finding is None:
            return None
        return Outcome(
            Verdict.REFUSED,
            f"{finding}; deploy a repaired image instead, or say --contract-ran with a --reason "
            "when the old code is known to work",
            past.image,
            past.task_definition,
            runs=serving(self._service).alone,
        )

    def stop(self, under_way: Deployment) -> Outcome:
        """Have ECS roll a deployment back; one that has ended meanwhile is left as it is."""
        source = history.source_of(self._service, under_way)
        self._say(f"{short(under_way.arn)} is under way: asking ECS to roll it back")
        follower = Follower(
            self._service,
            self._clock,
            self._watch,
            Acts(None, lambda _deployment: None),
            self._timeout,
        )
        target = self._service.task_definition(under_way.target.arn)
        try:
            follower.stop(under_way, "an operator asked for it")
            ended = follower.to_the_end(under_way.arn)
            verdict, reason, found = ending.settled(
                self._service, self._clock, ended, target=target, source=source
            )
        except KeyboardInterrupt:
            raise Interrupted from None
        held = journal.read(self._stack)
        if held is not None and held.deployment == ended.arn and verdict is not Verdict.UNKNOWN:
            journal.forget(self._stack)
        return ending.outcome(
            self._service,
            ended,
            verdict,
            reason,
            image=image_of(self._service.definition(target)),
            task_definition=target,
            found=found,
        )
