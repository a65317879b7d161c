"""The commands that are attacked, each with the situation in which an operator runs it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.arca.emulator.ecs.emulated_ecs import CLUSTER, SERVICE, ended
from tests.arca.release.stage import URL
from tests.attack.wire import Call
from tests.attack.world import Killed, World

HOUR = 60.0
"""Simulated minutes."""
LARGE = "deploy-large"
MANY = 104
"""More tasks than a page of ListTasks has."""


@dataclass(frozen=True)
class Scenario:
    """A command, what is prepared before it, and what it is to make serve."""

    words: tuple[str, ...]
    prepare: Callable[[World], None]
    wanted: str | None = None
    """The tag of the image that is to serve; None where the situation decides."""
    strategy: str = "CANARY"
    usual: int = 0
    """The exit code without a fault."""


def _push(world: World) -> None:
    world.stage.push("2")
    world.stage.push("3")


def _released(world: World) -> None:
    """Have image 2 live, an hour after the stack came up."""
    _push(world)
    world.stage.cloud.advance(HOUR)
    _console(world, "2")
    world.stage.cloud.until(ended, minutes=400, step=5)
    world.stage.cloud.advance(HOUR)


def _console(world: World, tag: str) -> None:
    """Begin a deployment as a person at the console does, and answer its pauses."""
    world.stage.cloud.deploy(f"{URL}:{tag}")
    answer_pause(world)


def answer_pause(world: World) -> None:
    """Let a deployment go on where it waits, or soon will."""
    cloud = world.stage.cloud
    for _ in range(30):
        found = cloud.deployment()
        waits = [
            one
            for one in found.get("lifecycleHookDetails", [])
            if one["status"] == "AWAITING_ACTION"
        ]
        if waits:
            world.stage.client("ecs").continue_service_deployment(
                serviceDeploymentArn=found["serviceDeploymentArn"],
                hookId=waits[0]["hookId"],
                action="CONTINUE",
            )
            return
        if ended(found) or found["status"] not in ("PENDING", "IN_PROGRESS"):
            return
        cloud.advance(1)


def _failed(world: World) -> None:
    """Have a release of image 2 that an alarm rolled back."""
    _push(world)
    world.stage.cloud.fault("alarm-at", percent=10)
    _console(world, "2")
    world.stage.cloud.until(ended, minutes=400, step=5)
    world.stage.cloud.control("DELETE", "/arca/faults")


def _under_way(world: World) -> None:
    """Have a deployment of image 2 under way that somebody began at the console."""
    _push(world)
    world.stage.cloud.deploy(f"{URL}:2")
    world.stage.cloud.advance(1)


def _shifted(world: World) -> None:
    """Have a deployment of image 2 under way whose pause is over."""
    _push(world)
    _console(world, "2")
    world.stage.cloud.advance(1)


def _large(world: World) -> None:
    """Have a service of many tasks."""
    _push(world)
    world.stage.client("ecs").update_service(cluster=CLUSTER, service=SERVICE, desiredCount=MANY)
    world.stage.cloud.advance(HOUR)


def _paused(world: World) -> None:
    """Have a deployment of image 2 that waits for an answer."""
    _under_way(world)
    for _ in range(60):
        if world.state().deployments[0].paused:
            return
        world.stage.cloud.advance(1)


def killed_release(world: World, label: str, number: int) -> None:
    """Have a release of image 2 that was killed after a call."""
    _push(world)

    def kill(call: Call) -> None:
        if call == Call(label, number):
            raise Killed

    one = world.begin("deploy", "2", "--skip-migrations")
    one.line.after = kill
    world.resume_turns(one)
    world.stage.abandon()


def _killed_following(world: World) -> None:
    killed_release(world, "ecs.UpdateService", 1)


def _killed_before(world: World) -> None:
    killed_release(world, "ecs.RegisterTaskDefinition", 1)


SCENARIOS: Mapping[str, Scenario] = {
    "deploy": Scenario(("deploy", "2"), _push, "2"),
    "deploy-rolling": Scenario(("deploy", "2", "--skip-migrations"), _push, "2", "ROLLING"),
    "deploy-blue-green": Scenario(("deploy", "2", "--skip-migrations"), _push, "2", "BLUE_GREEN"),
    LARGE: Scenario(("deploy", "2", "--skip-migrations"), _large, "2", "ROLLING"),
    "deploy-dry-run": Scenario(("deploy", "2", "--dry-run"), _push),
    "resume": Scenario(("deploy", "--resume"), _killed_following, "2"),
    "resume-early": Scenario(("deploy", "--resume"), _killed_before, "2"),
    "resume-unfollowed": Scenario(("deploy", "--resume"), _under_way, "2"),
    "rollback": Scenario(("rollback",), _released, "1"),
    "rollback-under-way": Scenario(("rollback",), _under_way, "1", usual=3),
    "rollback-dry-run": Scenario(("rollback", "--dry-run"), _released),
    "stop": Scenario(("stop", "--yes"), _killed_following, "1", usual=3),
    "stop-late": Scenario(("stop", "--yes"), _shifted, "1", usual=3),
    "stop-dead-lock": Scenario(("stop", "--yes"), _killed_before),
    "promote": Scenario(("promote",), _paused),
    "scale": Scenario(("scale", "--min", "3"), _push),
    "status": Scenario(("status",), _released),
    "history": Scenario(("history",), _released),
    "why": Scenario(("why",), _failed),
    "migrate": Scenario(("migrate",), _push),
    "run": Scenario(("run", "--", "/app/check"), _push),
    "smoke": Scenario(("smoke",), _push, usual=5),
    "logs": Scenario(("logs",), _released),
    "diff": Scenario(("diff",), _released),
    "verify": Scenario(("verify",), _released),
}
"""Every command that asks AWS about the service."""


def words(scenario: Scenario, *, as_json: bool) -> tuple[str, ...]:
    """Return the scenario's words, with `--json` before another program's words."""
    if not as_json:
        return scenario.words
    if "--" in scenario.words:
        at = scenario.words.index("--")
        return (*scenario.words[:at], "--json", *scenario.words[at:])
    return (*scenario.words, "--json")
