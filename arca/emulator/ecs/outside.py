"""What a deployment changes outside ECS: listener rules, targets, alarms, logs, all in moto."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, cast

from botocore.exceptions import ClientError
from moto.backends import get_backend

from arca.emulator.ecs.model import Revision, Service, Task
from arca.emulator.ecs.shapes import part, parts

Client = Callable[[str, str], Any]
"""A boto3 client by service and region."""


class Outside:
    """The rest of the emulated cloud."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._zones: dict[tuple[str, str], str] = {}
        self._streams: set[tuple[str, str, str]] = set()

    def definition(self, region: str, name: str) -> Mapping[str, Any]:
        """A task definition, by ARN, family:revision or family; raises ClientError."""
        # Its status changes, so that none is kept.
        found = self._client("ecs", region).describe_task_definition(taskDefinition=name)
        return found["taskDefinition"]

    def zone(self, region: str, subnet: str) -> str | None:
        """The availability zone of a subnet that is there."""
        if (region, subnet) not in self._zones:
            with suppress(ClientError):
                found = self._client("ec2", region).describe_subnets(SubnetIds=[subnet])["Subnets"]
                self._zones[region, subnet] = found[0]["AvailabilityZone"]
        return self._zones.get((region, subnet))

    def gone(self, region: str, cluster: str, service: str) -> bool:
        """Whether a service was deleted; one that never was is not."""
        with suppress(ClientError):
            found = self._client("ecs", region).describe_services(
                cluster=cluster, services=[service]
            )
            return any(one["status"] != "ACTIVE" for one in found["services"])
        return False

    def cluster(self, region: str, name: str) -> str | None:
        """The ARN of a cluster that is active."""
        found = self._client("ecs", region).describe_clusters(clusters=[name])["clusters"]
        return next((one["clusterArn"] for one in found if one["status"] == "ACTIVE"), None)

    def weigh(self, service: Service) -> None:
        """Give both rules the revisions' shares of the traffic; raises ClientError."""
        for balancer in parts(service.request, "loadBalancers"):
            advanced = part(balancer, "advancedConfiguration")
            if "alternateTargetGroupArn" not in advanced:
                continue
            groups = (balancer["targetGroupArn"], advanced["alternateTargetGroupArn"])
            for key, shares in (
                ("productionListenerRule", [one.production for one in service.revisions]),
                ("testListenerRule", [one.test for one in service.revisions]),
            ):
                if key in advanced:
                    second = sum(
                        share
                        for one, share in zip(service.revisions, shares, strict=True)
                        if one.group == 1
                    )
                    self._modify(service.region, advanced[key], groups, weights(second))

    def _modify(
        self, region: str, rule: str, groups: tuple[str, str], shares: tuple[int, int]
    ) -> None:
        elbv2 = self._client("elbv2", region)
        actions: list[dict[str, Any]] = elbv2.describe_rules(RuleArns=[rule])["Rules"][0]["Actions"]
        targets = [
            {"TargetGroupArn": group, "Weight": share}
            for group, share in zip(groups, shares, strict=True)
        ]
        for action in actions:
            if action["Type"] == "forward":
                # Moto gives the short form beside the long one, and refuses both together.
                action.pop("TargetGroupArn", None)
                action["ForwardConfig"] = {
                    **action.get("ForwardConfig", {}),
                    "TargetGroups": targets,
                }
        elbv2.modify_rule(RuleArn=rule, Actions=actions)

    def register(self, service: Service, tasks: Sequence[Task], at: datetime) -> None:
        """Put tasks into their target groups."""
        self._each_group(service, tasks, at, "register_targets")

    def deregister(self, service: Service, tasks: Sequence[Task], at: datetime) -> None:
        """Take tasks out of their target groups."""
        self._each_group(service, tasks, at, "deregister_targets")

    def _each_group(self, service: Service, tasks: Sequence[Task], at: datetime, call: str) -> None:
        elbv2, done = self._client("elbv2", service.region), call.replace("_targets", "ed")
        for group, targets in _targets(tasks).items():
            try:
                getattr(elbv2, call)(TargetGroupArn=group, Targets=targets)
            except ClientError as error:
                service.tell(at, f"cannot change the targets in {group}: {error}.")
            else:
                service.tell(at, f"{done} {len(targets)} targets in (target-group {group}).")

    def health_path(self, service: Service, revision: Revision) -> str:
        """Where the load balancer asks a target for its health."""
        for balancer in parts(revision.request, "loadBalancers"):
            group = group_of(balancer, revision.group)
            if group is not None:
                with suppress(ClientError):
                    found = self._client("elbv2", service.region).describe_target_groups(
                        TargetGroupArns=[group]
                    )
                    return found["TargetGroups"][0].get("HealthCheckPath") or "/"
        return "/"

    def firing(self, service: Service, names: Sequence[str]) -> tuple[str, ...]:
        """Those of these alarms that are in ALARM.

        They are looked up in moto itself: a request each time that somebody looks would take
        longer than all the rest.
        """
        backends = cast("Callable[[str], Any]", get_backend)("cloudwatch")
        known = backends[service.arn.split(":")[4]][service.region].alarms
        return tuple(
            name for name in sorted(names) if name in known and known[name].state_value == "ALARM"
        )

    def fire(self, region: str, name: str) -> None:
        """Set an alarm to ALARM; one that is not there stays so."""
        with suppress(ClientError):
            self._client("cloudwatch", region).set_alarm_state(
                AlarmName=name, StateValue="ALARM", StateReason="a fault that was asked for"
            )

    def log(self, task: Task, lines: Sequence[str], at: datetime) -> None:
        """Put a container's lines where its `awslogs` options want them."""
        options = part(part(task.container, "logConfiguration"), "options")
        group = options.get("awslogs-group")
        if not lines or group is None:
            return
        prefix = options.get("awslogs-stream-prefix", "ecs")
        stream = f"{prefix}/{task.container['name']}/{task.arn.rpartition('/')[2]}"
        region = options.get("awslogs-region", task.region)
        logs = self._client("logs", region)
        # A group that is not there loses the lines, as with AWS.
        with suppress(ClientError):
            if (region, group, stream) not in self._streams:
                logs.create_log_stream(logGroupName=group, logStreamName=stream)
                self._streams.add((region, group, stream))
            moment = int(at.timestamp() * 1000)
            logs.put_log_events(
                logGroupName=group,
                logStreamName=stream,
                logEvents=[{"timestamp": moment, "message": line or " "} for line in lines],
            )


def _targets(tasks: Sequence[Task]) -> dict[str, list[dict[str, Any]]]:
    """The tasks' targets by group; which groups, each task's own revision says."""
    found: dict[str, list[dict[str, Any]]] = {}
    for task in tasks:
        if task.target is None or task.revision is None:
            continue
        target = {"Id": task.target[0], "Port": task.target[1]}
        for balancer in parts(task.revision.request, "loadBalancers"):
            group = group_of(balancer, task.revision.group)
            if group is not None:
                found.setdefault(group, []).append(target)
    return found


def weights(second: float) -> tuple[int, int]:
    """Whole weights of two target groups; a share is never rounded to nothing."""
    rounded = round(second)
    if 0 < second < 100:
        rounded = min(99, max(1, rounded))
    return 100 - rounded, rounded


def group_of(balancer: Mapping[str, Any], index: int) -> str | None:
    """The first or the second target group."""
    if index == 0:
        return balancer.get("targetGroupArn")
    return part(balancer, "advancedConfiguration").get("alternateTargetGroupArn")
