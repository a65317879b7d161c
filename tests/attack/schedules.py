"""Random schedules: what breaks in the emulator and on the wire, and who meddles when."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from botocore.exceptions import ClientError

from tests.arca.emulator.ecs.emulated_ecs import ALARMS, CLUSTER, SERVICE
from tests.arca.release.stage import URL
from tests.attack.scenarios import SCENARIOS, Scenario, words
from tests.attack.wire import FAULTS, Call, Fault, Line
from tests.attack.world import Operator, World

STRATEGIES = ("CANARY", "CANARY", "BLUE_GREEN", "LINEAR", "ROLLING")
STAGES = ("PRE_SCALE_UP", "SCALE_UP", "PRODUCTION_TRAFFIC_SHIFT", "BAKE_TIME", "CLEAN_UP")
LATEST = 90
"""The call before which the last thing happens; a release makes about so many."""
OTHERS = (
    ("deploy", "3", "--skip-migrations"),
    ("deploy", "2"),
    ("deploy", "--resume"),
    ("rollback",),
    ("stop", "--yes"),
    ("migrate",),
    ("promote",),
    ("scale", "--min", "3"),
    ("status",),
)
"""What a second and a third operator do."""
FIRST = (
    *("deploy", "deploy", "deploy", "rollback", "resume", "resume-unfollowed"),
    *("rollback-under-way", "stop", "migrate"),
)
"""What the first operator does."""
WIRED = (
    *("ssm.PutParameter", "ssm.GetParameter", "ssm.DeleteParameter", "ecs.UpdateService"),
    *("ecs.DescribeServiceDeployments", "ecs.ContinueServiceDeployment", "ecs.RunTask"),
    *("ecs.StopServiceDeployment", "ecs.ListServiceDeployments", "ecs.DescribeTasks"),
    *("elastic-load-balancing-v2.DescribeRules", "ecs.DescribeServices"),
)


@dataclass(frozen=True)
class Plan:
    """What a schedule is made of."""

    strategy: str
    scenario: str
    broken: tuple[Mapping[str, Any], ...]
    """Faults of the emulator."""
    faults: tuple[tuple[str, int, str, bool], ...]
    """Faults on the first operator's wire: operation, number, kind, lasting."""
    strangers: tuple[tuple[int, str], ...]
    """Before which call of the first operator somebody without `arca` does what."""
    others: tuple[tuple[int, tuple[str, ...]], ...]
    """Before which call of the first operator another one begins."""
    switching: float


def draw(rng: Random) -> Plan:
    """Draw a schedule.

    Calls are throttled on the wire and not in the emulator, whose throttling the oracle meets too.
    """
    name = rng.choice(FIRST)
    image = f"{URL}:{rng.choice('221')}"
    broken: list[dict[str, Any]] = [
        {"fault": "image-missing", "image": image},
        {"fault": "exits", "image": image, "code": rng.randrange(256), "of": "service"},
        {"fault": "exits", "image": image, "code": rng.choice((1, 6)), "of": "run-task"},
        {"fault": "unhealthy", "image": image},
        {"fault": "alarm-at", "percent": rng.choice((10, 50, 100))},
        {"fault": "hook-refuses", "stage": rng.choice(STAGES)},
        {"fault": "stall", "stage": rng.choice(STAGES)},
        {"fault": "rollback-stalls"},
        {"fault": "rollback-fails"},
    ]
    return Plan(
        strategy=rng.choice(STRATEGIES),
        scenario=name,
        broken=tuple(rng.sample(broken, rng.choice((0, 0, 1, 1, 2)))),
        faults=tuple(
            (rng.choice(WIRED), rng.randint(1, 5), rng.choice([*FAULTS]), rng.random() < 0.3)
            for _ in range(rng.choice((0, 0, 0, 1, 2)))
        ),
        strangers=tuple(
            sorted(
                (rng.randint(3, LATEST), rng.choice([*STRANGERS]))
                for _ in range(rng.choice((0, 1, 1, 2)))
            )
        ),
        others=tuple(
            sorted(
                (rng.randint(1, LATEST), rng.choice(OTHERS))
                for _ in range(rng.choice((0, 1, 1, 2)))
            )
        ),
        switching=rng.choice((0.05, 0.2, 0.5)),
    )


def play(plan: Plan, world: World) -> list[Operator]:
    """Carry a schedule out; returns everybody who ran `arca` in it, the first one first."""
    scenario: Scenario = SCENARIOS[plan.scenario]
    scenario.prepare(world)
    prepared = len(world.operators)
    world.stage.cloud.control("PUT", "/arca/faults", [dict(one) for one in plan.broken])
    world.broken = bool(plan.broken)
    world.switching = plan.switching
    line = Line(
        faults=[Fault(Call(label, n), kind, lasting) for label, n, kind, lasting in plan.faults]
    )

    def before(_call: Call) -> None:
        number = len(line.calls)
        for moment, what in plan.strangers:
            if moment == number:
                meddle(world, what)
        for moment, said in plan.others:
            if moment == number:
                world.begin(*said, "--json")

    line.before = before
    world.run(*words(scenario, as_json=world.rng.random() < 0.7), line=line)
    world.switching = 0
    return world.operators[prepared:]


def mend(world: World) -> None:
    """End everything that is broken, so that an operator can tidy up."""
    cloud = world.stage.cloud
    cloud.control("DELETE", "/arca/faults")
    for name in ALARMS:
        cloud.alarm("OK", name)
    world.sick.clear()


def meddle(world: World, what: str) -> None:
    """Let somebody without `arca` change something; what ECS refuses changes nothing."""
    with world.stranger():
        try:
            STRANGERS[what](world)
        except (ClientError, IndexError, KeyError):
            return


def _update(world: World, **changes: Any) -> None:
    world.stage.client("ecs").update_service(cluster=CLUSTER, service=SERVICE, **changes)


def _stop(world: World, kind: str) -> None:
    newest = world.state().deployments[0]
    world.stage.client("ecs").stop_service_deployment(
        serviceDeploymentArn=newest.arn, stopType=kind
    )


def _groups(world: World) -> list[str]:
    blue, green = world.stage.cloud.weights()
    cloud = world.stage.cloud
    return [group for group, weight in ((cloud.blue, blue), (cloud.green, green)) if weight]


def _deregister(world: World, *, most: int) -> None:
    for group in _groups(world):
        targets = sorted(world.stage.cloud.targets(group))[:most]
        world.stage.client("elbv2").deregister_targets(
            TargetGroupArn=group, Targets=[{"Id": one, "Port": port} for one, port in targets]
        )


def _sicken(world: World, *, most: int) -> None:
    for group in _groups(world):
        world.sick |= {address for address, _ in sorted(world.stage.cloud.targets(group))[:most]}


def _split(world: World) -> None:
    cloud = world.stage.cloud
    groups = [{"TargetGroupArn": arn, "Weight": 50} for arn in (cloud.blue, cloud.green)]
    world.stage.client("elbv2").modify_rule(
        RuleArn=cloud.rule, Actions=[{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}]
    )


def _stop_task(world: World) -> None:
    task = world.stage.cloud.tasks()[0]["taskArn"]
    world.stage.client("ecs").stop_task(cluster=CLUSTER, task=task, reason="somebody")


def _promote(world: World) -> None:
    found = world.stage.cloud.deployment()
    waits = [one for one in found["lifecycleHookDetails"] if one["status"] == "AWAITING_ACTION"]
    world.stage.client("ecs").continue_service_deployment(
        serviceDeploymentArn=found["serviceDeploymentArn"],
        hookId=waits[0]["hookId"],
        action="CONTINUE",
    )


STRANGERS: Mapping[str, Callable[[World], None]] = {
    "force a new deployment": lambda world: _update(world, forceNewDeployment=True),
    "deploy another image": lambda world: _update(
        world, taskDefinition=world.stage.cloud.register(f"{URL}:3")
    ),
    "deploy the old image": lambda world: _update(world, taskDefinition="api:1"),
    "scale": lambda world: _update(world, desiredCount=3),
    "stop": lambda world: _stop(world, "ROLLBACK"),
    "abort": lambda world: _stop(world, "ABORT"),
    "promote": _promote,
    "turn the rule": lambda world: world.stage.turn_the_rule(),
    "split the rule": _split,
    "deregister one target": lambda world: _deregister(world, most=1),
    "deregister all targets": lambda world: _deregister(world, most=100),
    "one target falls sick": lambda world: _sicken(world, most=1),
    "all targets fall sick": lambda world: _sicken(world, most=100),
    "an alarm fires": lambda world: world.stage.cloud.alarm("ALARM", ALARMS[0]),
    "stop a task": _stop_task,
    "hours pass": lambda world: world.stage.cloud.advance(100),
}
"""What somebody without `arca` does."""
