"""Cases with real processes on a real emulated server: SIGKILL, awscli and ecs-deploy.

The seed draws what happens and after which line of progress. The machine decides the rest, so that
a replay meets the same plan and not the same microsecond.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from threading import Thread
from time import monotonic, sleep
from typing import Any, cast

import boto3

from arca.emulator import up
from arca.emulator.client import manifest
from arca.emulator.state import State as LocalState
from tests import ROOT
from tests.arca.emulator.local_cloud import free_port, quiet
from tests.attack.conduct import wanted_by
from tests.attack.oracle import TRACEBACK, Conduct, Ending, Finding, Places, Reader, State, judge

PROCESS, FOREIGN = "process", "foreign"
MINUTE = "0.15"
"""Seconds of a simulated minute: a release takes ten seconds, and a pause of thirty lasts five."""
KILLS = 24
FOREIGN_BIN = ROOT / ".venv" / "foreign" / "bin"
"""Where `make attack` installs awscli and ecs-deploy."""
PATIENCE = 240
"""Seconds that a command may take: that the lock of a dead process is free, too."""
LOOK_EVERY = 0.2
"""Seconds between two looks at the cloud while a command runs."""
EVIDENCE_AGE = 1.5
"""Seconds before its end in which a command reads what its verdict says."""
ARCA = (sys.executable, "-P", "-m", "arca")
OLDEST = "0.0.1"
VERBS = ("deploy", "deploy", "deploy", "rollback", "stop", "migrate", "deploy-then-resume")
NEXT = (("deploy", "--resume"), ("stop", "--yes"), ("rollback",), ("deploy", "TAG"))


class ForeignMissing(RuntimeError):
    """awscli or ecs-deploy is not installed."""


class Command:
    """A process of `arca`, whose lines on stderr are counted while it runs."""

    def __init__(self, stack: "RealStack", words: Sequence[str]) -> None:
        self.words = tuple(words)
        self._stack, self.before = stack, stack.state()
        self.lines = list[str]()
        self._process = subprocess.Popen(
            [*ARCA, *words],
            cwd=ROOT,
            env=stack.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._out = ""
        self._seen = list[tuple[float, State]]()
        self._readers = [
            Thread(target=work) for work in (self._read_out, self._read_err, self._watch)
        ]
        for reader in self._readers:
            reader.start()

    def _read_out(self) -> None:
        assert self._process.stdout is not None
        self._out = self._process.stdout.read()

    def _read_err(self) -> None:
        assert self._process.stderr is not None
        self.lines.extend(line for line in self._process.stderr)

    def _watch(self) -> None:
        """Note what the cloud is until the command has ended: others change it meanwhile."""
        while True:
            ended = self._process.poll() is not None
            self._seen.append((monotonic(), self._stack.state()))
            if ended:
                return
            sleep(LOOK_EVERY)

    def wait_for_lines(self, number: int) -> None:
        """Wait until the command has printed so many lines, or has ended."""
        while len(self.lines) < number and self._process.poll() is None:
            sleep(0.02)

    def kill(self) -> None:
        """Kill the process, as the kernel does where memory ends."""
        self._process.send_signal(signal.SIGKILL)

    def end(self) -> Ending:
        """Wait for the end, and return it; a killed command has no exit code."""
        crash = ""
        try:
            code: int | None = self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            code, crash = None, "it never ends"
        for reader in self._readers:
            reader.join()
        err = "".join(self.lines)
        killed = code is not None and code < 0
        return Ending(
            self.words,
            None if killed else code,
            self._out,
            err,
            err if TRACEBACK in err else crash,
            self._seen[-1][1],
        )

    def _acceptable(self, known: set[str]) -> list[State]:
        """Return what the cloud was since the command's own deployment ended, or of late.

        A command reads its evidence after that end, and cannot know what changes after it looked.
        """
        states = [one for _, one in self._seen]
        under_way = [
            number
            for number, one in enumerate(states)
            if (own := next((it for it in reversed(one.deployments) if it.arn not in known), None))
            and own.under_way
        ]
        if under_way:
            return states[under_way[-1] + 1 :] or states[-1:]
        since = self._seen[-1][0] - EVIDENCE_AGE
        return [one for moment, one in self._seen if moment >= since]

    def judged(self, *, strangers: bool, faults: bool = True) -> list[Finding]:
        """Return what was wrong with the run."""
        ending = self.end()
        known = {one.arn for one in self.before.deployments}
        wanted = wanted_by(self.words, self.before)
        begun = [
            ("deployment", one.arn)
            for one in ending.state.deployments
            if one.arn not in known and one.target == wanted and not strangers
        ]
        conduct = Conduct(
            before=self.before,
            after=self._acceptable(known),
            seen=[one for _, one in self._seen],
            wanted=wanted,
            done=begun,
            faults=faults,
            strangers=strangers,
        )
        return judge(ending, conduct)


class RealStack:
    """A prod that is up in an emulated server of its own."""

    def __init__(self, directory: Path) -> None:
        self.environment = {
            **os.environ,
            "ARCA_STATE_DIR": str(directory),
            "ARCA_LOCAL_MINUTE": MINUTE,
            "NO_COLOR": "1",
        }
        record = json.loads((directory / "cloud.json").read_text(encoding="utf-8"))
        exports = json.loads((directory / "exports" / "prod.json").read_text(encoding="utf-8"))
        self.endpoint: str = record["endpoint"]
        self.region: str = exports["region"]
        self.service: Mapping[str, Any] = exports["service"]
        self.repository: Mapping[str, Any] = exports["registry"]
        self.lock = "/arca-prod/operations/release"
        self._reader = Reader(
            self.client,
            Places(
                self.service["cluster"],
                self.service["name"],
                self.service["production_rule_arn"],
                self.lock,
            ),
        )
        self._tags = 0

    def client(self, service: str) -> Any:
        """Make a client of boto3 itself."""
        make = cast("Any", boto3.client)
        return make(
            service,
            endpoint_url=self.endpoint,
            region_name=self.region,
            aws_access_key_id="x",
            aws_secret_access_key="x",  # noqa: S106 - the emulation checks none
        )

    def state(self) -> State:
        """Read what the emulated AWS is now."""
        return self._reader.read()

    def push(self) -> str:
        """Push an image of a tag that was never there; returns the tag."""
        self._tags += 1
        tag, ecr = f"{self._tags}.0.0", self.client("ecr")
        name = self.repository["repository_name"]
        ecr.put_image(repositoryName=name, imageTag=tag, imageManifest=manifest(tag))
        ecr.start_image_scan(repositoryName=name, imageId={"imageTag": tag})
        return tag

    def arca(self, *words: str) -> Command:
        """Start a command."""
        return Command(self, words)

    def foreign(self, *words: str) -> str:
        """Run a foreign client to its end; returns what it printed."""
        environment = {
            **self.environment,
            "AWS_ACCESS_KEY_ID": "x",
            "AWS_SECRET_ACCESS_KEY": "x",
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_PAGER": "",
        }
        # The tests' own clock and packages are none of a foreign client's business.
        for name in ("PYTHONPATH", "VIRTUAL_ENV"):
            environment.pop(name, None)
        done = subprocess.run(
            [str(FOREIGN_BIN / words[0]), *words[1:]],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        return done.stdout + done.stderr

    def tidy_up(self) -> list[Finding]:
        """Do what an operator does after trouble; returns what was wrong with that."""
        found = list[Finding]()
        for words in (("deploy", "--resume"), ("stop", "--yes"), ("deploy", "--resume")):
            state = self.state()
            if state.lock is None and state.under_way is None:
                return found
            found += self.arca(*words, "--json").judged(strangers=True)
        state = self.state()
        if state.lock is not None:
            text = f"the lock stays after `arca stop` and `arca deploy --resume`: {state.lock}"
            found.append(Finding("lock stays", text))
            self.client("ssm").delete_parameter(Name=self.lock)
        return found


@contextmanager
def brought_up() -> Generator[RealStack]:
    """Bring prod up in a server of its own, and end it."""
    with TemporaryDirectory() as folder:
        os.environ["ARCA_LOCAL_MINUTE"] = MINUTE
        state = LocalState(Path(folder) / "state")
        up.up("prod", port=free_port(), state=state, watch=quiet)
        try:
            yield RealStack(state.directory)
        finally:
            up.down(state=state)


def names(kind: str) -> list[str]:
    """Return the names of a kind's cases."""
    if kind == PROCESS:
        return [f"{PROCESS}/{number}" for number in range(KILLS)]
    return [f"{FOREIGN}/{name}" for name in FOREIGN_CASES]


def run(cases: Sequence[str], seed: int) -> Iterator[tuple[str, list[Finding]]]:
    """Run cases one after another on one server; yields each one's findings.

    Raises ForeignMissing where a case needs a client that is not installed.
    """
    if any(case.startswith(FOREIGN) for case in cases) and not (FOREIGN_BIN / "aws").exists():
        raise ForeignMissing(f"there is no aws in {FOREIGN_BIN}: run `make attack`")
    with brought_up() as stack:
        _release(stack)
        for case in cases:
            kind, _, rest = case.partition("/")
            rng = Random(f"{seed}:{case}")
            found = _kill(stack, rng) if kind == PROCESS else FOREIGN_CASES[rest](stack, rng)
            yield case, [*found, *stack.tidy_up()]


def _release(stack: RealStack) -> None:
    """Have two releases in the history, so that a rollback leads somewhere."""
    for _ in range(2):
        ending = stack.arca("deploy", stack.push()).end()
        if ending.code != 0:
            raise RuntimeError(f"a release without any fault failed: {ending.out}{ending.err}")


def _kill(stack: RealStack, rng: Random) -> list[Finding]:
    """Kill a command after a drawn line of progress and moment, then do what an operator does."""
    verb, tag = rng.choice(VERBS), stack.push()
    found = list[Finding]()
    other: Command | None = None
    if verb == "stop":
        other = stack.arca("deploy", tag)
        other.wait_for_lines(rng.randint(4, 7))
    words = {"rollback": ("rollback",), "stop": ("stop", "--yes"), "migrate": ("migrate",)}
    victim = stack.arca(*words.get(verb, ("deploy", tag)))
    victim.wait_for_lines(rng.randint(1, 9 if verb.startswith("deploy") else 5))
    sleep(rng.choice((0, 0, 0.05, 0.3, 0.8)))
    victim.kill()
    found += victim.judged(strangers=other is not None)
    if other is not None:
        found += other.judged(strangers=True)
    follow = NEXT[0] if verb.endswith("resume") else rng.choice(NEXT)
    then = [tag if word == "TAG" else word for word in follow]
    found += stack.arca(*then, "--json").judged(strangers=False)
    return found


# Foreign clients


def _beside(
    *foreign: str, words: Sequence[str] = ("deploy", "TAG", "--json")
) -> Callable[[RealStack, Random], list[Finding]]:
    """Return a case in which a foreign client does something beside a release."""

    def run_case(stack: RealStack, rng: Random) -> list[Finding]:
        tag = stack.push()
        command = stack.arca(*(tag if word == "TAG" else word for word in words))
        command.wait_for_lines(rng.randint(4, 8))
        stack.foreign(*_filled(stack, foreign))
        return command.judged(strangers=True)

    return run_case


def _filled(stack: RealStack, words: Sequence[str]) -> list[str]:
    """Return a foreign client's words with the stack's own names in them."""
    state = stack.state()
    service = stack.service
    listed = stack.client("ecs").list_tasks(
        cluster=service["cluster"], serviceName=service["name"]
    )["taskArns"]
    newest = state.newest
    values = {
        "CLUSTER": service["cluster"],
        "SERVICE": service["name"],
        "FAMILY": service["task_family"],
        "RULE": service["production_rule_arn"],
        "BLUE": service["blue_target_group_arn"],
        "GREEN": service["green_target_group_arn"],
        "LOCK": stack.lock,
        "TASK": listed[0] if listed else "none",
        "DEPLOYMENT": newest.arn if newest else "none",
        "IMAGE": f"{stack.repository['repository_url']}:{stack.push()}",
    }
    found = list[str]()
    for word in words:
        for name, value in values.items():
            word = word.replace(f"<{name}>", value)  # noqa: PLW2901 - one name after another
        found.append(word)
    return found


def _adopted(stack: RealStack, rng: Random) -> list[Finding]:
    """Have ecs-deploy begin a deployment, which `arca deploy --resume` follows."""
    stack.foreign(*_filled(stack, ECS_DEPLOY))
    del rng
    return stack.arca("deploy", "--resume", "--json").judged(strangers=True)


def _stopped(stack: RealStack, rng: Random) -> list[Finding]:
    """Have ecs-deploy begin a deployment, which `arca stop` stops."""
    stack.foreign(*_filled(stack, ECS_DEPLOY))
    del rng
    return stack.arca("stop", "--yes", "--json").judged(strangers=True)


def _garbage(stack: RealStack, rng: Random) -> list[Finding]:
    """Have somebody write nonsense into the lock, in whose face commands still work."""
    del rng
    stack.foreign(
        *("aws", "ssm", "put-parameter", "--name", stack.lock, "--type", "String"),
        *("--value", "not json", "--overwrite"),
    )
    found = list[Finding]()
    for words in (("status",), ("stop", "--yes"), ("rollback", "--dry-run")):
        found += stack.arca(*words, "--json").judged(strangers=True)
    # A damaged lock is free minutes after it was written; nobody waits for that here.
    if stack.state().lock == "not json":
        stack.client("ssm").delete_parameter(Name=stack.lock)
    return found


ECS = ("aws", "ecs")
SERVICE = ("--cluster", "<CLUSTER>", "--service", "<SERVICE>")
ECS_DEPLOY = (
    *("ecs", "deploy", "<CLUSTER>", "<SERVICE>", "-i", "api", "<IMAGE>"),
    *("--timeout", "-1", "--no-deregister"),
)
FORWARD = (
    "Type=forward,ForwardConfig={TargetGroups=[{TargetGroupArn=<BLUE>,Weight=50},"
    "{TargetGroupArn=<GREEN>,Weight=50}]}"
)
FOREIGN_CASES: Mapping[str, Callable[[RealStack, Random], list[Finding]]] = {
    "aws-forces-a-new-deployment": _beside(
        *ECS, "update-service", *SERVICE, "--force-new-deployment"
    ),
    "aws-deploys-the-oldest-revision": _beside(
        *ECS, "update-service", *SERVICE, "--task-definition", "<FAMILY>:1"
    ),
    "aws-stops-the-deployment": _beside(
        *(*ECS, "stop-service-deployment", "--service-deployment-arn", "<DEPLOYMENT>"),
        *("--stop-type", "ROLLBACK"),
    ),
    "aws-aborts-the-deployment": _beside(
        *(*ECS, "stop-service-deployment", "--service-deployment-arn", "<DEPLOYMENT>"),
        *("--stop-type", "ABORT"),
    ),
    "aws-scales": _beside(*ECS, "update-service", *SERVICE, "--desired-count", "4"),
    "aws-splits-the-rule": _beside(
        "aws", "elbv2", "modify-rule", "--rule-arn", "<RULE>", "--actions", FORWARD
    ),
    "aws-stops-a-task": _beside(*ECS, "stop-task", "--cluster", "<CLUSTER>", "--task", "<TASK>"),
    "aws-deletes-the-lock": _beside("aws", "ssm", "delete-parameter", "--name", "<LOCK>"),
    "aws-forces-beside-a-rollback": _beside(
        *(*ECS, "update-service", *SERVICE, "--force-new-deployment"), words=("rollback", "--json")
    ),
    "ecs-deploy-beside-a-release": _beside(*ECS_DEPLOY),
    "ecs-deploy-beside-a-rollback": _beside(*ECS_DEPLOY, words=("rollback", "--json")),
    "ecs-deploy-is-adopted": _adopted,
    "ecs-deploy-is-stopped": _stopped,
    "aws-writes-nonsense-into-the-lock": _garbage,
}
