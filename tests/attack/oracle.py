"""What is true in an emulated AWS, and whether a command said so.

It reads with plain boto3 clients and knows the documented meaning of each exit code
(docs/deployment-guide.md, "Exit codes"). It shares no code with the verdict that it judges.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

UNDER_WAY = frozenset(
    {"PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"}
)
"""Statuses of a deployment that has not ended (Amazon ECS API Reference, ServiceDeployment)."""
WENT_BACK = frozenset({"ROLLBACK_SUCCESSFUL", "STOPPED"})
NO_REQUESTS = frozenset({"draining", "unused"})
RELEASES = ("deploy", "rollback", "stop")
"""Verbs whose exit code is a verdict on what runs."""
ORDERS = (
    "ecs.UpdateService",
    "ecs.StopServiceDeployment",
    "ecs.ContinueServiceDeployment",
    "application-auto-scaling.RegisterScalableTarget",
)
"""Calls whose success means that something was done."""
TRACEBACK = "Traceback (most recent call last)"


@dataclass(frozen=True)
class Places:
    """Where a stack's service is."""

    cluster: str
    service: str
    rule: str
    """ARN of the production listener rule."""
    lock: str
    """Name of the SSM parameter that is the release lock."""


@dataclass(frozen=True)
class Deployment:
    """A service deployment, as ECS describes it."""

    arn: str
    status: str
    target: str
    """The image of its target revision."""
    source: str
    """The image of the revision that it replaces."""
    wanted: int
    """The number of tasks that it wants."""
    paused: bool

    @property
    def under_way(self) -> bool:
        """True while it has not ended."""
        return self.status in UNDER_WAY


@dataclass(frozen=True)
class State:
    """What is true at one moment."""

    shares: Mapping[str, Mapping[str, int]]
    """For each target group with a positive weight: the number of targets by image; an image in
    brackets is unhealthy, and an address that belongs to no task is its own image."""
    running: Mapping[str, int]
    """The number of tasks that shall run, by image."""
    deployments: tuple[Deployment, ...]
    """Newest first."""
    desired: int
    lock: str | None

    @property
    def newest(self) -> Deployment | None:
        """The newest deployment."""
        return self.deployments[0] if self.deployments else None

    @property
    def under_way(self) -> Deployment | None:
        """The deployment that has not ended."""
        return self.newest if self.newest and self.newest.under_way else None

    @property
    def alone(self) -> str | None:
        """The one image that gets all production traffic, on healthy targets in every group."""
        images = set[str]()
        for targets in self.shares.values():
            healthy = {image for image in targets if not image.startswith("(")}
            if not healthy:
                return None
            images |= {image.strip("()") for image in targets}
        return next(iter(images)) if len(images) == 1 else None

    @property
    def healthy(self) -> int:
        """The number of healthy targets that get production traffic."""
        return sum(
            number
            for targets in self.shares.values()
            for image, number in targets.items()
            if not image.startswith("(")
        )

    @property
    def wanted(self) -> int:
        """The number of targets that are wanted."""
        return min(self.desired, self.newest.wanted) if self.newest else self.desired

    def serves(self, image: str | None, *, fewest: int | None = None) -> bool:
        """Return whether this image alone serves on every wanted target, and nothing else runs.

        `fewest` are enough healthy targets, by default as many as are wanted now.
        """
        sick = any(name.startswith("(") for targets in self.shares.values() for name in targets)
        return (
            image is not None
            and self.alone == image
            and not sick
            and set(self.running) == {image}
            and self.healthy >= (self.wanted if fewest is None else fewest)
        )

    def __str__(self) -> str:
        newest = f"{self.newest.status} of {self.newest.target}" if self.newest else "none"
        lock = "held" if self.lock else "free"
        traffic = [dict(targets) for targets in self.shares.values()]
        return f"{traffic=} tasks={dict(self.running)} deployment={newest} {lock=}"


class Reader:
    """Reads the state through clients of boto3: `client("ecs")`."""

    def __init__(self, client: Callable[[str], Any], places: Places) -> None:
        self._ecs, self._elb, self._ssm = client("ecs"), client("elbv2"), client("ssm")
        self._places = places
        self._images = dict[str, str]()
        self._revisions = dict[str, str]()

    def read(self) -> State:
        """Read the state now."""
        tasks = [*self._tasks()]
        names = {"cluster": self._places.cluster}
        described = self._ecs.describe_services(services=[self._places.service], **names)
        return State(
            shares=self._shares(tasks),
            running=Counter(self._image(task["taskDefinitionArn"]) for task in tasks),
            deployments=tuple(self._deployments()),
            desired=described["services"][0]["desiredCount"],
            lock=self._lock(),
        )

    def _tasks(self) -> Iterator[Mapping[str, Any]]:
        names = {"cluster": self._places.cluster}
        arguments = {**names, "serviceName": self._places.service, "desiredStatus": "RUNNING"}
        page = self._ecs.list_tasks(**arguments)
        while True:
            if page["taskArns"]:
                yield from self._ecs.describe_tasks(tasks=page["taskArns"], **names)["tasks"]
            if not page.get("nextToken"):
                return
            page = self._ecs.list_tasks(nextToken=page["nextToken"], **arguments)

    def _image(self, definition: str) -> str:
        """Return the tag of a task definition's image."""
        if definition not in self._images:
            found = self._ecs.describe_task_definition(taskDefinition=definition)["taskDefinition"]
            image = found["containerDefinitions"][0]["image"]
            self._images[definition] = image.rpartition(":")[2]
        return self._images[definition]

    def _shares(self, tasks: Sequence[Mapping[str, Any]]) -> Mapping[str, Mapping[str, int]]:
        images = {
            (address, port): self._image(task["taskDefinitionArn"])
            for task in tasks
            for address, port in _places(task)
        }
        anywhere = {address: image for (address, port), image in images.items() if port is None}
        shares = dict[str, Mapping[str, int]]()
        for rule in self._elb.describe_rules(RuleArns=[self._places.rule])["Rules"]:
            for group in rule["Actions"][-1].get("ForwardConfig", {}).get("TargetGroups", []):
                if not group.get("Weight", 1):
                    continue
                found = Counter[str]()
                arn = group["TargetGroupArn"]
                for one in self._elb.describe_target_health(TargetGroupArn=arn)[
                    "TargetHealthDescriptions"
                ]:
                    state, target = one["TargetHealth"]["State"], one["Target"]
                    if state in NO_REQUESTS:
                        continue
                    place = (target["Id"], target.get("Port"))
                    image = images.get(place) or anywhere.get(target["Id"], str(place))
                    found[image if state == "healthy" else f"({image})"] += 1
                shares[arn] = found
        return shares

    def _deployments(self) -> Iterator[Deployment]:
        names = {"cluster": self._places.cluster, "service": self._places.service}
        arns, page = list[str](), self._ecs.list_service_deployments(**names)
        while True:
            arns += [one["serviceDeploymentArn"] for one in page["serviceDeployments"]]
            if not page.get("nextToken"):
                break
            page = self._ecs.list_service_deployments(nextToken=page["nextToken"], **names)
        found = list[Mapping[str, Any]]()
        for begin in range(0, len(arns), 20):
            found += self._ecs.describe_service_deployments(
                serviceDeploymentArns=arns[begin : begin + 20]
            )["serviceDeployments"]
        for one in sorted(found, key=lambda one: one["createdAt"], reverse=True):
            sources = one.get("sourceServiceRevisions", [])
            yield Deployment(
                one["serviceDeploymentArn"],
                one["status"],
                self._revision(one["targetServiceRevision"]["arn"]),
                self._revision(sources[0]["arn"]) if sources else "",
                one["targetServiceRevision"].get("requestedTaskCount", 0),
                any(hook["status"] == "AWAITING_ACTION" for hook in one["lifecycleHookDetails"])
                if one.get("lifecycleHookDetails")
                else False,
            )

    def _revision(self, arn: str) -> str:
        if arn not in self._revisions:
            found = self._ecs.describe_service_revisions(serviceRevisionArns=[arn])
            self._revisions[arn] = self._image(found["serviceRevisions"][0]["taskDefinition"])
        return self._revisions[arn]

    def _lock(self) -> str | None:
        found = self._ssm.get_parameters(Names=[self._places.lock])["Parameters"]
        return found[0]["Value"] if found else None


def _places(task: Mapping[str, Any]) -> Iterator[tuple[str, int | None]]:
    """Yield a task's addresses: with the ports of its stand-in, or on any port."""
    for attachment in task.get("attachments", []):
        for detail in attachment.get("details", []):
            if detail["name"] == "privateIPv4Address":
                yield detail["value"], None
    for container in task.get("containers", []):
        for bound in container.get("networkBindings", []):
            yield bound.get("bindIP", ""), bound.get("hostPort")


@dataclass(frozen=True)
class Ending:
    """How a command ended: its words, its exit code (None where it was killed), its output."""

    words: tuple[str, ...]
    code: int | None
    out: str
    err: str
    crash: str
    """A traceback, or why it never ended."""
    state: State


@dataclass(frozen=True)
class Conduct:
    """What is known about a command's run beside its ending."""

    before: State
    after: Sequence[State]
    """The states that a true verdict may describe; the last one is the end."""
    seen: Sequence[State] = ()
    """All states that were noted while the command ran, and the end."""
    wanted: str | None = None
    """The image that the command was to make serve; None leaves that to `before`."""
    sent: Mapping[str, int] = field(default_factory=dict[str, int])
    """How often each operation was sent."""
    done: Sequence[tuple[str, str]] = ()
    """The operations that changed something, with what they made: an ARN, or their words."""
    lost: int = 0
    """Calls that failed in the end, because of a fault."""
    lock_lost: bool = False
    """Whether calls about the lock were among them."""
    faults: bool = False
    """Whether anything was injected: into the wire, or into the emulator."""
    strangers: bool = False
    """Whether anybody else worked on the stack."""
    held: str | None = None
    """What the command last wrote into the lock; None where it did not write, or not alone."""
    usual: int = 0
    """The exit code without a fault."""


@dataclass(frozen=True)
class Finding:
    """Something that a command said or did, and that is not so."""

    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}"


def judge(ending: Ending, conduct: Conduct) -> list[Finding]:
    """Return what was wrong with a command's run."""
    return [
        Finding(kind, f"`arca {' '.join(ending.words)}` ended with {ending.code}; {text}")
        for kind, text in _judge(ending, conduct)
    ]


def _judge(ending: Ending, conduct: Conduct) -> Iterator[tuple[str, str]]:
    if ending.crash:
        yield "traceback", ending.crash
    yield from _doubled(conduct)
    if ending.code is None:
        return
    yield from _printed(ending)
    yield from _code(ending, conduct)
    yield from _lock(ending, conduct)


def _printed(ending: Ending) -> Iterator[tuple[str, str]]:
    if "--json" not in ending.words or ending.code == 130:
        return
    try:
        documents = (
            [json.loads(line) for line in ending.out.splitlines()]
            if ending.words[0] == "logs"
            else [json.loads(ending.out)]
        )
    except json.JSONDecodeError as error:
        yield "json", f"stdout is not one JSON ({error}): {ending.out[:300]!r}"
        return
    for one in documents:
        said = one.get("error", one).get("exit_code")
        if said != ending.code and said is not None and ending.words[0] != "run":
            yield "json", f"its JSON says {said}: {ending.out[:300]}"


def _doubled(conduct: Conduct) -> Iterator[tuple[str, str]]:
    for (label, made), number in Counter(conduct.done).items():
        if label == "run" and number > 1:
            yield "doubled action", f"{number} tasks ran {made!r}"
    begun = {made for label, made in conduct.done if label == "deployment"}
    if len(begun) > 1:
        yield "doubled action", f"{len(begun)} deployments began: {sorted(begun)}"


def _lock(ending: Ending, conduct: Conduct) -> Iterator[tuple[str, str]]:
    end = conduct.after[-1]
    if end.lock is None or end.lock != conduct.held or ending.code in (5, 130):
        return
    # A lock that nobody could delete is left, and the command says so.
    if not conduct.lock_lost:
        yield "lock left", f"{end.lock[:200]}; {_said(ending)}"


def _code(ending: Ending, conduct: Conduct) -> Iterator[tuple[str, str]]:
    orders = [label for label, _ in conduct.done if label in ORDERS]
    if ending.code in (2, 6) and orders:
        yield "6 though done", f"{', '.join(orders)} took effect; {_said(ending)}"
    verb = ending.words[0]
    if "--dry-run" in ending.words or verb not in RELEASES:
        yield from _other_code(ending, conduct, orders)
        return
    for kind, text in _verdict(ending, conduct, orders):
        yield kind, f"{text}; {conduct.after[-1]}; {_said(ending)}"


def _other_code(
    ending: Ending, conduct: Conduct, orders: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Judge a command whose exit code is no verdict on what runs."""
    if ending.code == conduct.usual:
        return
    if not conduct.faults and not conduct.strangers:
        yield "fails without a fault", _said(ending)
    elif not conduct.lost and not conduct.strangers and ending.code != 5:
        yield "fails though nothing was lost", _said(ending)
    if ending.code == 1 and orders and conduct.lost == 0:
        yield "1 though done", f"{', '.join(orders)} took effect; {_said(ending)}"


@dataclass(frozen=True)
class _Claim:
    """A verdict that a command gave, and what it is about."""

    ending: Ending
    conduct: Conduct
    orders: Sequence[str]
    """The calls of ORDERS that took effect."""
    goes: str | None
    """The image that is to serve."""
    stays: set[str]
    """The images that serve where it comes to nothing."""

    @property
    def end(self) -> State:
        """What was true when the command ended."""
        return self.conduct.after[-1]

    @property
    def wrong_without_fault(self) -> bool:
        """True where nothing explains another exit code than the usual one."""
        conduct = self.conduct
        undisturbed = not conduct.faults and not conduct.strangers
        return undisturbed and conduct.usual != self.ending.code


def _verdict(ending: Ending, conduct: Conduct, orders: Sequence[str]) -> Iterator[tuple[str, str]]:
    goes, stays = _sides(ending.words[0], conduct)
    claim = _Claim(ending, conduct, orders, goes, stays)
    if ending.code in (None, 2, 130):
        return
    if ending.code not in CODES:
        yield "wrong code", "no such exit code is documented"
        return
    yield from CODES[ending.code](claim)


def _sides(verb: str, conduct: Conduct) -> tuple[str | None, set[str]]:
    """Return the image that is to serve, and those that serve where it comes to nothing."""
    before = conduct.before
    under_way = before.under_way
    if verb in ("stop", "rollback") and under_way is not None:
        # Going back is what 3 means: what was there before serves.
        return under_way.source, {under_way.source}
    known = {one.arn for one in before.deployments}
    later = {one.source for one in conduct.after[-1].deployments if one.arn not in known}
    first = under_way.source if under_way is not None else before.alone
    goes = conduct.wanted or (under_way.target if under_way is not None else None)
    return goes, {image for image in ({first} | later) if image is not None and image != goes}


def _done(claim: _Claim) -> Iterator[tuple[str, str]]:
    """Judge the exit code 0: the wanted release serves, or there was nothing to stop."""
    conduct = claim.conduct
    if claim.ending.words[0] == "stop" and not conduct.sent.get("ecs.StopServiceDeployment"):
        if all(one.under_way for one in conduct.seen):
            yield "false 0", "a deployment was under way all the time"
        return
    # A deployment that somebody begins after the end is another one.
    ended = any(one.under_way is None for one in conduct.seen)
    # Whoever scales a service up during a release does not make the release fail.
    fewest = min(one.wanted for one in conduct.seen)
    if not ended or not any(one.serves(claim.goes, fewest=fewest) for one in conduct.after):
        yield "false 0", f"{claim.goes} does not serve alone on all targets"


def _failed(claim: _Claim) -> Iterator[tuple[str, str]]:
    """Judge the exit code 1: the previous release serves, and ECS does not go on."""
    end, conduct = claim.end, claim.conduct
    if claim.wrong_without_fault:
        yield "fails without a fault", "nothing was injected, and nobody else was there"
    known = {one.arn for one in conduct.before.deployments}
    if not claim.orders and not conduct.sent.get("ecs.UpdateService"):
        return
    live = any(one.serves(claim.goes) for one in conduct.after)
    back = any(one.alone in claim.stays for one in conduct.after)
    if end.under_way is not None and (end.under_way.arn not in known or claim.orders):
        yield "1 though ECS goes on", f"{end.under_way.arn} is {end.under_way.status}"
    elif claim.goes not in claim.stays and live and not back:
        yield "1 though live", f"{claim.goes} serves"


def _rolled_back(claim: _Claim) -> Iterator[tuple[str, str]]:
    """Judge the exit code 3: the previous release serves."""
    if not any(one.alone in claim.stays and not one.under_way for one in claim.conduct.after):
        yield "false 3", f"none of {sorted(claim.stays)} serves alone"


def _rollback_failed(claim: _Claim) -> Iterator[tuple[str, str]]:
    """Judge the exit code 4: a rollback failed."""
    if not any(one.status == "ROLLBACK_FAILED" for one in claim.end.deployments[:3]):
        yield "false 4", "no rollback has failed"


def _unknown(claim: _Claim) -> Iterator[tuple[str, str]]:
    """Judge the exit code 5: what runs is not known, or the connection was lost."""
    end, conduct = claim.end, claim.conduct
    newest = end.newest
    if conduct.lost:
        acted = any(conduct.sent.get(label) for label in ORDERS)
        if not acted and newest in conduct.before.deployments and end.under_way is None:
            ending = claim.ending
            if "ECS goes on" in ending.out + ending.err or not conduct.lock_lost:
                yield "5 though nothing was asked", "no call that changes the service was sent"
        return
    if newest is None or any(one.under_way for one in conduct.after):
        return
    live = newest.status == "SUCCESSFUL" and newest.target == claim.goes and end.serves(claim.goes)
    # An aborted deployment may leave its tasks.
    back = end.alone in claim.stays and set(end.running) == {end.alone}
    gone = newest.status in WENT_BACK and newest.source == end.alone and back
    if (live or gone) and len(conduct.after) == 1:
        yield "5 though known", f"{newest.status}: {end.alone} serves"


def _refused(claim: _Claim) -> Iterator[tuple[str, str]]:
    """Judge the exit code 6, beside that nothing was done: there was a reason."""
    if claim.wrong_without_fault:
        yield "fails without a fault", "refused"


def _another(claim: _Claim) -> Iterator[tuple[str, str]]:
    """Judge the exit code 7: the release that was to go serves."""
    words = claim.ending.words
    deploys = words[0] == "deploy" and "--resume" not in words
    if deploys or not any(one.alone not in (None, claim.goes) for one in claim.conduct.after):
        yield "false 7", f"{claim.goes} was wanted"


CODES: Mapping[int, Callable[[_Claim], Iterator[tuple[str, str]]]] = {
    0: _done,
    1: _failed,
    3: _rolled_back,
    4: _rollback_failed,
    5: _unknown,
    6: _refused,
    7: _another,
}
"""What judges each exit code that is a verdict."""


def _said(ending: Ending) -> str:
    """Return what the command said, in short."""
    text = " ".join((ending.out.strip() + " " + ending.err.strip()).split())
    return f"it said: {text[-600:]}"
