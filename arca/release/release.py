"""A release, from an image to a verdict: the work of each step of the state machine in steps.py."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from arca_migrate.durations import in_words
from botocore.exceptions import ClientError

from arca.check import Check
from arca.clients import Unreachable, explained
from arca.clock import Clock
from arca.errors import ArcaError, ExitCode
from arca.monitoring.runbooks import RUNBOOKS
from arca.release import configuration, failures, gates, held_lock, journal_entry, smoke_tests
from arca.release.deployment import DeploymentFollower, who_answers
from arca.release.given_reasons import note_reason
from arca.release.image import (
    image_of,
    image_reference,
    is_active,
    register_again,
    register_revision,
)
from arca.release.journal import Journal
from arca.release.journal_entry import ReleaseOptions
from arca.release.migrations import (
    CONTRACT_GATE,
    RELEASE_PHASES,
    Migrations,
    contract_after,
    ending,
    refusal,
)
from arca.release.outage import outlast
from arca.release.service import EcsDeployment, EcsService, short
from arca.release.steps import (
    CHECKED_AGAIN,
    TRANSITIONS,
    ConnectionLost,
    Step,
    after_failure,
    ends_release,
)
from arca.release.verdict import (
    REPLACED,
    ReleaseOutcome,
    Verdict,
    deployment_outcome,
    judge_when_settled,
    read_serving,
    release_of,
)
from arca.stack import Stack

LISTED_WITHIN = timedelta(minutes=2)
"""UpdateService is eventually consistent: ECS may list the deployment so much later."""
Facts = dict[str, Any]
"""Fields of the journal's entry that a step's work has found out."""


class Release:
    """One release of a stack.

    `say` is called with a line of text for each event, `watch` with each state of the deployment.
    """

    def __init__(
        self,
        stack: Stack,
        *,
        options: ReleaseOptions,
        say: Callable[[str], None],
        watch: Callable[[EcsDeployment], None],
        clock: Clock,
    ) -> None:
        self._stack, self._options, self._say, self._watch = stack, options, say, watch
        self._clock = clock
        self._service = EcsService(stack)
        self._checks = list[Check]()
        self._opened = dict[str, str]()
        self._may_have_asked = False
        """True where a call to ECS may have taken effect without an answer."""
        self._ecs_goes_on: bool | None = None
        """Whether ECS may work on the release to resume; None until somebody could read it."""

    # Ways into the state machine

    def deploy(self, image: str) -> ReleaseOutcome:
        """Release an image; raises Refused while somebody else releases."""
        reference, _ = image_reference(self._stack, image)
        return self._run(self._begin("deploy", reference))

    def back_to(self, task_definition: str, image: str) -> ReleaseOutcome:
        """Deploy a revision that ran before, without migrations.

        Its gates are that no deployment is under way, and that no contract ran since.
        """
        begun = self._begin(
            journal_entry.ROLLBACK,
            image,
            step=Step.MIGRATED,
            task_definition=task_definition,
            source=self._current(),
            free_dead=True,
        )
        return self._run(begun, check_again=True)

    def resume(self) -> ReleaseOutcome:
        """Go on with a release that was interrupted, or follow a deployment that nobody follows.

        Raises ArcaError where there is neither, Refused while the release's process lives.
        """
        try:
            held = outlast(self._resumed, self._clock)
        except Unreachable as error:
            if self._ecs_goes_on is False:
                raise
            seen = self._ecs_goes_on is not None
            raise ConnectionLost(error, self._stack, seen=seen) from None
        return self._run(held, check_again=True)

    def _resumed(self) -> Journal:
        """Take over the lock of the release to resume, or that of one which nobody follows."""
        left = held_lock.read(self._stack)
        self._ecs_goes_on = left is None or TRANSITIONS[left.entry.step].ecs_goes_on
        unfollowed = self._unfollowed()
        if unfollowed is not None:
            return self._begin("follow", **self._facts_of(unfollowed))
        held = Journal.resume(self._stack, clock=self._clock)
        self._options = held.entry.options.resumed_with(self._options)
        try:
            successor = self._successor(held.entry)
            if successor is not None:
                held.record(what="follow", **self._facts_of(successor))
                self._say(f"{short(successor.arn)} has taken the deployment's place")
        except ArcaError:
            # Whoever resumes next, this command or another one, finds a dead run's lock.
            held.leave()
            raise
        self._say(f"resuming {held.entry.what} of {held.entry.image} at {held.entry.step}")
        return held

    def resumable(self) -> dict[str, Any]:
        """Tell what `resume` would go on with, and where; raises as `resume` does."""
        unfollowed = self._unfollowed()
        if unfollowed is not None:
            return self._as_adopted(unfollowed)
        found = held_lock.read_interrupted(self._stack).entry
        successor = self._successor(found)
        if successor is not None:
            return self._as_adopted(successor)
        known = short(found.deployment) if found.deployment else None
        return {"what": found.what, "image": found.image, "step": found.step, "id": known}

    def _as_adopted(self, deployment: EcsDeployment) -> dict[str, Any]:
        facts = self._facts_of(deployment)
        return {
            "what": "follow",
            "image": facts["image"],
            "step": facts["step"],
            "id": short(deployment.arn),
        }

    def _begin(self, what: str, image: str, **known: Any) -> Journal:
        return Journal.begin(
            self._stack, what=what, image=image, clock=self._clock, options=self._options, **known
        )

    def _unfollowed(self) -> EcsDeployment | None:
        """Return a deployment that was begun without a journal: by `pulumi up` or in a console."""
        under_way = self._service.under_way()
        if under_way is not None and held_lock.read(self._stack) is None:
            return under_way
        return None

    def _successor(self, entry: journal_entry.JournalEntry) -> EcsDeployment | None:
        """Return a deployment under way of another revision, which replaced the release's own."""
        if entry.deployment is None:
            return None
        newest = self._service.newest_after(self._service.deployment(entry.deployment))
        if newest is None or not newest.under_way:
            return None
        target = self._service.task_definition(newest.target.arn)
        return newest if target != entry.task_definition else None

    def _facts_of(self, deployment: EcsDeployment) -> Facts:
        """Return what the journal says about a deployment that this run did not begin."""
        target = self._service.task_definition(deployment.target.arn)
        sources = [self._service.task_definition(one.arn) for one in deployment.sources]
        return {
            "image": image_of(self._service.definition(target)),
            "step": Step.FOLLOWING,
            "task_definition": target,
            "source": sources[0] if sources else None,
            "deployment": deployment.arn,
        }

    # From step to step

    def _run(self, held: Journal, *, check_again: bool = False) -> ReleaseOutcome:
        """Go from step to step to the verdict; raises what `after_failure` says."""
        try:
            outcome = self._advance(held, check_again=check_again)
        except (Exception, KeyboardInterrupt) as error:
            after = after_failure(held.entry.step, error, self._stack)
            if after.closes_journal:
                # The error that ended the release is raised, not a second one of the journal.
                with suppress(ArcaError):
                    held.end()
            held.leave()
            if after.error is error:
                raise
            raise after.error from None
        if ends_release(outcome.verdict):
            outcome = self._close(held, outcome)
        held.leave()
        checks = tuple(check.as_json() for check in self._checks)
        return replace(outcome, checks=checks, opened=self._opened)

    def _close(self, held: Journal, outcome: ReleaseOutcome) -> ReleaseOutcome:
        """Free the lock; a failure to do so never hides the verdict."""
        try:
            held.end()
        except ArcaError as error:
            freed = f"`arca stop --stack {self._stack.name}` frees it"
            self._say(f"the release's lock is left: {error.what} {freed}")
            return replace(outcome, reason=f"{outcome.reason}; its lock is left, and {freed}")
        return outcome

    def _advance(self, held: Journal, *, check_again: bool) -> ReleaseOutcome:
        work: dict[Step, Callable[[Journal], ReleaseOutcome | Facts]] = {
            Step.PREFLIGHT: self._check_and_register,
            Step.REGISTERED: self._migrate,
            Step.MIGRATED: self._note_newest,
            Step.UPDATING: self._update_service,
            Step.FOLLOWING: self._follow,
        }
        self._may_have_asked = held.entry.step is Step.UPDATING
        if check_again and held.entry.step in CHECKED_AGAIN:
            refused = self._check_again(held)
            if refused is not None:
                return refused
        try:
            while True:
                step = held.entry.step
                found = self._work(work[step], held)
                if isinstance(found, ReleaseOutcome):
                    return found
                held.record(step=TRANSITIONS[step].then, **found)
        except KeyboardInterrupt:
            goes_on = TRANSITIONS[held.entry.step].ecs_goes_on
            if goes_on and self._options.rollback_on_interrupt:
                return self._roll_back(held)
            raise

    def _work(
        self, work: Callable[[Journal], ReleaseOutcome | Facts], held: Journal
    ) -> ReleaseOutcome | Facts:
        """Do a step's work; once ECS works on the deployment, an unreachable AWS is waited out."""
        if not TRANSITIONS[held.entry.step].ecs_goes_on:
            return work(held)
        return outlast(lambda: work(held), held.clock)

    # preflight

    def _check_and_register(self, held: Journal) -> ReleaseOutcome | Facts:
        refused = self._check_gates(held)
        if refused is not None:
            return refused
        image = held.entry.image
        family = self._stack.outputs.service.task_family
        revision = register_revision(self._service, family, image)
        self._say(f"revision {short(revision)} runs {image}")
        return {"task_definition": revision, "source": self._current()}

    def _check_gates(self, held: Journal) -> ReleaseOutcome | None:
        """Return a refusal where a gate is closed and the operator did not open it."""
        self._say("checking the gates")
        self._checks = gates.check_gates(self._service, held.entry.image, now=self._clock.now())
        reasons: list[str] = []
        for check in gates.closed(self._checks):
            if check.name in self._options.override:
                self._opened[check.name] = self._options.reason or ""
                self._say(
                    f"gate {check.name} opened by hand ({self._options.reason}): {check.detail}"
                )
            else:
                reasons.append(f"{check.name}: {check.detail}")
        return self._refused(held, "; ".join(reasons)) if reasons else None

    def _check_again(self, held: Journal) -> ReleaseOutcome | None:
        """Check once more before ECS is asked: the release may have begun long ago."""
        if held.entry.what == "deploy":
            refused = self._check_gates(held)
        else:
            busy = self._service.under_way()
            reason = f"{short(busy.arn)} is under way" if busy else self._check_contract(held)
            refused = self._refused(held, reason) if reason else None
        if refused is None:
            held.record(source=self._current())
        return refused

    def _check_contract(self, held: Journal) -> str | None:
        """Return why a rollback would miss what a contract dropped, unless it is to go on.

        The lock is held, so that two operators never both start the task that tells.
        """
        if CONTRACT_GATE in self._options.override:
            self._opened[CONTRACT_GATE] = self._options.reason or ""
            return None
        return contract_after(self._service, str(held.entry.task_definition), held.clock, self._say)

    def _refused(self, held: Journal, reason: str) -> ReleaseOutcome:
        runs = read_serving(self._service).alone
        entry = held.entry
        return ReleaseOutcome(
            Verdict.REFUSED, reason, entry.image, entry.task_definition, runs=runs
        )

    def _current(self) -> str:
        """Return the task definition that serves before anything is changed."""
        alone = read_serving(self._service).alone
        return alone or str(self._service.describe()["taskDefinition"])

    # registered

    def _migrate(self, held: Journal) -> ReleaseOutcome | Facts:
        if not self._options.migrate:
            return {}
        if self._stack.outputs.phase in ("standby", "promoting", "following"):
            self._say("no migrations here: the database follows the primary's")
            return {}
        entry = held.entry
        result = Migrations(self._service, held.clock, self._say).run(
            entry.image,
            phases=RELEASE_PHASES,
            timeout=self._options.timeout,
            token=entry.token,
        )
        if result.exit_code == ExitCode.DONE:
            return {}
        why = f"{ending(result)}; nothing was deployed"
        note_reason(self._stack, str(entry.task_definition), why, at=self._clock.now())
        return ReleaseOutcome(
            Verdict.REFUSED if refusal(result) else Verdict.FAILED,
            why,
            entry.image,
            entry.task_definition,
            runs=read_serving(self._service).alone,
            log_lines=result.lines[-failures.MOST_LINES :],
            runbook=RUNBOOKS["database-migration-failure"].path,
        )

    # migrated

    def _note_newest(self, held: Journal) -> ReleaseOutcome | Facts:
        busy = self._service.under_way()
        if busy is not None:
            return self._begun_meanwhile(held, busy)
        known = self._service.deployments(most=1)
        return {
            "newest": known[0].arn if known else None,
            "tasks": configuration.first_tasks(self._service),
            "task_definition": self._active_revision(held),
        }

    def _active_revision(self, held: Journal) -> str:
        """Return what ECS can deploy: a revision of long ago may have been deregistered since."""
        wanted = self._service.definition(str(held.entry.task_definition))
        if is_active(wanted):
            return wanted["taskDefinitionArn"]
        if held.entry.template is None:
            # A run that is killed between two registrations leaves it to the one that resumes.
            held.record(template=self._service.definition(wanted["family"])["taskDefinitionArn"])
        return register_again(self._service, wanted, str(held.entry.template))

    def _begun_meanwhile(self, held: Journal, busy: EcsDeployment) -> ReleaseOutcome:
        """Return the failure of a release that would replace a deployment of somebody else."""
        entry = held.entry
        return ReleaseOutcome(
            Verdict.FAILED,
            f"{short(busy.arn)} of {release_of(self._service, busy)} was begun meanwhile, and is "
            f"{busy.status}; nothing was deployed",
            entry.image,
            entry.task_definition,
            runs=read_serving(self._service).alone,
        )

    # updating

    def _update_service(self, held: Journal) -> ReleaseOutcome | Facts:
        """Ask ECS for the revision, and wait until it lists the deployment.

        A release that was killed here, or got no answer, may have asked already: then its
        deployment is found.
        """
        asked = self._may_have_asked
        self._may_have_asked = True
        found = None
        if asked and self._is_forced(held):
            # Asking twice for the same revision would begin two deployments.
            found = self._wait_for_deployment(held)
        elif asked:
            found = self._find_deployment(held)
        if asked:
            # During an outage somebody else may have taken the lock for a dead run's.
            held.record()
        if found is None:
            self._ask_for_deployment(held)
            found = self._wait_for_deployment(held)
        if found is None:
            return self._not_listed(held)
        return {"deployment": found}

    def _is_forced(self, held: Journal) -> bool:
        """Return whether the release asks for what serves already."""
        return held.entry.source == held.entry.task_definition

    def _ask_for_deployment(self, held: Journal) -> None:
        with explained(self._stack, "The service cannot be updated"):
            try:
                try:
                    self._call_update(held)
                except self._service.ecs.exceptions.InvalidParameterException as refused:
                    if not self._options.emergency:
                        raise
                    # A way back that takes longer is better than none.
                    self._say(f"ECS does not deploy at once, so the rollback is gradual: {refused}")
                    self._options = replace(self._options, emergency=False)
                    held.record(options=self._options)
                    self._call_update(held)
            except ClientError as error:
                # After an error within AWS, 500 and above, the deployment may have begun.
                status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
                rejected = TRANSITIONS[held.entry.step].rejected
                if rejected is not None and status < 500:
                    held.return_to(rejected)
                raise
        self._say(f"asked ECS for {short(str(held.entry.task_definition))}")

    def _call_update(self, held: Journal) -> None:
        forced = self._is_forced(held)
        ecs = self._service.ecs_once if forced else self._service.ecs
        ecs.update_service(
            **self._service.names,
            taskDefinition=str(held.entry.task_definition),
            forceNewDeployment=forced,
            deploymentConfiguration=self._configuration(),
            **configuration.capacity(self._service),
            **configuration.number(held.entry.tasks),
        )

    def _configuration(self) -> Any:
        """Return the deployment configuration; each release gives the service a whole one."""
        make = configuration.emergency if self._options.emergency else configuration.declared
        return make(self._service)

    def _restore_configuration(self) -> None:
        """Give the service the declared configuration again; a failure hides no verdict."""
        try:
            configuration.declare_again(self._service)
        except ArcaError as error:
            self._say(f"{error.what} The next `arca deploy` restores it.")

    def _find_deployment(self, held: Journal) -> str | None:
        """Return the ARN of the deployment that this release asked for, by what it targets."""
        entry = held.entry
        for one in self._service.deployments():
            if one.arn == entry.newest:
                return None
            if self._service.task_definition(one.target.arn) == entry.task_definition:
                return one.arn
        return None

    def _wait_for_deployment(self, held: Journal) -> str | None:
        deadline = held.clock.now() + LISTED_WITHIN
        while held.clock.now() < deadline:
            found = self._find_deployment(held)
            if found is not None:
                return found
            held.clock.sleep(1)
        return None

    def _not_listed(self, held: Journal) -> ReleaseOutcome:
        return deployment_outcome(
            self._service,
            None,
            Verdict.UNKNOWN,
            f"no deployment appeared within {in_words(LISTED_WITHIN)}",
            image=held.entry.image,
            task_definition=held.entry.task_definition,
            serving=read_serving(self._service),
        )

    # following

    def _follow(self, held: Journal) -> ReleaseOutcome:
        # Of two operators who resume at the same time, one finds that the lock is not its own.
        held.record(step=Step.FOLLOWING)
        return self._follow_to_verdict(held, str(held.entry.deployment), stop_because=None)

    def _roll_back(self, held: Journal) -> ReleaseOutcome:
        """Stop the deployment after Ctrl-C, and follow it to its end."""
        arn = held.entry.deployment or self._wait_for_deployment(held)
        if arn is None:
            return self._not_listed(held)
        held.record(step=Step.FOLLOWING, deployment=arn)
        return self._follow_to_verdict(held, arn, stop_because="interrupted")

    def _follow_to_verdict(
        self, held: Journal, arn: str, *, stop_because: str | None
    ) -> ReleaseOutcome:
        service, clock = self._service, held.clock
        follower = self._follower(clock)
        if stop_because is not None:
            follower.stop(service.deployment(arn), stop_because)
        ended = self._follow_service(held, follower, arn)
        entry = held.entry
        verdict, reason, serving = judge_when_settled(
            service, clock, ended, target=str(entry.task_definition), source=entry.source
        )
        if follower.stopped_because and verdict is not Verdict.LIVE:
            reason = f"{reason}; stopped because {follower.stopped_because}"
        if verdict is Verdict.LIVE:
            # ECS may accept a stop, and finish all the same.
            wrong = follower.too_late or follower.stopped_because
            if wrong is None and (self._options.emergency or not follower.checked_after_shift):
                wrong = smoke_tests.check_after_shift(self._stack, self._say)
            if wrong is not None:
                verdict = Verdict.FAILED
                reason = f"{reason}; it is live all the same, and {wrong}"
                note_reason(self._stack, ended.arn, f"it is live, and {wrong}", at=clock.now())
        if self._options.emergency and not ended.under_way:
            self._restore_configuration()
        return deployment_outcome(
            service,
            ended,
            verdict,
            reason,
            image=entry.image,
            task_definition=entry.task_definition,
            serving=serving,
        )

    def _follower(self, clock: Clock) -> DeploymentFollower:
        return DeploymentFollower(
            self._service,
            clock,
            self._watch,
            self._options.timeout,
            check_at_pause=None
            if self._options.hold
            else lambda found: smoke_tests.check_at_pause(self._service, found, clock, self._say),
            # In an emergency, failed smoke tests must not bring the bad release back.
            check_after_shift=None
            if self._options.emergency
            else lambda _: smoke_tests.check_after_shift(self._stack, self._say),
            ask_at_pause=lambda: self._say(who_answers(self._stack, None)),
        )

    def _follow_service(
        self, held: Journal, follower: DeploymentFollower, arn: str
    ) -> EcsDeployment:
        """Follow the deployment, and each successor that deploys the same revision, to its end.

        One of another revision is not followed, because nobody asked this run for it; `resume`
        adopts it.
        """
        while True:
            ended = follower.follow(arn)
            if ended.status != REPLACED:
                return ended
            successor = outlast(partial(self._service.newest_after, ended), held.clock)
            if successor is None:
                return ended
            target = self._service.task_definition(successor.target.arn)
            if target != held.entry.task_definition:
                return ended
            self._say(f"{short(arn)} was replaced by {short(successor.arn)} of the same revision")
            arn = successor.arn
            held.record(deployment=arn)
