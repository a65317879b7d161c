"""The moto services beside a deployment: task definitions, rules, targets, alarms and logs."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from arca.emulator.ecs.api import structure, structures
from arca.emulator.ecs.embedded_metrics import metric_data
from arca.emulator.ecs.model import EcsTask, EmulatedRevision, EmulatedService
from arca.emulator.ecs.task_needs import backends

FAULT_REASON = "a fault that was asked for"
"""The reason of an alarm that a fault set to ALARM."""
MOST_DATA = 1000
"""Metrics of one call (Amazon CloudWatch API Reference, PutMetricData)."""
Client = Callable[[str, str], Any]
"""Returns a boto3 client by service and region."""


class MotoServices:
    """Reads and changes what moto holds for a service."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._zones: dict[tuple[str, str], str] = {}
        self._triggered: set[tuple[str, str]] = set()
        """Region and name of the alarms that a fault set to ALARM."""
        self._streams: set[tuple[str, str, str]] = set()

    def definition(self, region: str, name: str) -> Mapping[str, Any]:
        """Return a task definition by ARN, family:revision or family; raises ClientError."""
        # It is not cached, because its status may change.
        found = self._client("ecs", region).describe_task_definition(taskDefinition=name)
        return found["taskDefinition"]

    def zone(self, region: str, subnet: str) -> str | None:
        """Return a subnet's availability zone; None for an unknown subnet."""
        if (region, subnet) not in self._zones:
            with suppress(ClientError):
                found = self._client("ec2", region).describe_subnets(SubnetIds=[subnet])["Subnets"]
                self._zones[region, subnet] = found[0]["AvailabilityZone"]
        return self._zones.get((region, subnet))

    def was_deleted(self, region: str, cluster: str, service: str) -> bool:
        """Return whether a service existed and was deleted."""
        with suppress(ClientError):
            found = self._client("ecs", region).describe_services(
                cluster=cluster, services=[service]
            )
            return any(one["status"] != "ACTIVE" for one in found["services"])
        return False

    def cluster(self, region: str, name: str) -> str | None:
        """Return an active cluster's ARN; None if there is none of this name."""
        found = self._client("ecs", region).describe_clusters(clusters=[name])["clusters"]
        return next((one["clusterArn"] for one in found if one["status"] == "ACTIVE"), None)

    def set_weights(self, service: EmulatedService) -> None:
        """Set both listener rules' weights to the revisions' traffic; raises ClientError."""
        for balancer in structures(service.request, "loadBalancers"):
            advanced = structure(balancer, "advancedConfiguration")
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
                    self._modify(
                        service.region, advanced[key], groups, target_group_weights(second)
                    )

    def _modify(
        self, region: str, rule: str, groups: tuple[str, str], shares: tuple[int, int]
    ) -> None:
        elbv2 = self._client("elbv2", region)
        actions: list[dict[str, Any]] = elbv2.describe_rules(RuleArns=[rule])["Rules"][0]["Actions"]
        targets = [
            {"TargetGroupArn": group, "Weight": share}
            for group, share in zip(groups, shares, strict=True)
        ]
        forwards = [action for action in actions if action["Type"] == "forward"]
        if all(
            action.get("ForwardConfig", {}).get("TargetGroups") == targets for action in forwards
        ):
            return
        for action in forwards:
            # Moto gives the short form beside the long one, and refuses both together.
            action.pop("TargetGroupArn", None)
            action["ForwardConfig"] = {**action.get("ForwardConfig", {}), "TargetGroups": targets}
        elbv2.modify_rule(RuleArn=rule, Actions=actions)

    def register(self, service: EmulatedService, tasks: Sequence[EcsTask], at: datetime) -> None:
        """Register tasks in their target groups."""
        self._each_group(service, tasks, at, "register_targets")

    def deregister(self, service: EmulatedService, tasks: Sequence[EcsTask], at: datetime) -> None:
        """Deregister tasks from their target groups."""
        self._each_group(service, tasks, at, "deregister_targets")

    def _each_group(
        self, service: EmulatedService, tasks: Sequence[EcsTask], at: datetime, call: str
    ) -> None:
        elbv2, done = self._client("elbv2", service.region), call.replace("_targets", "ed")
        for group, targets in _targets(tasks).items():
            try:
                getattr(elbv2, call)(TargetGroupArn=group, Targets=targets)
            except ClientError as error:
                service.add_event(at, f"cannot change the targets in {group}: {error}.")
            else:
                service.add_event(at, f"{done} {len(targets)} targets in (target-group {group}).")

    def health_path(self, service: EmulatedService, revision: EmulatedRevision) -> str:
        """Return the health check's path of a revision's target group."""
        for balancer in structures(revision.request, "loadBalancers"):
            group = target_group(balancer, revision.group)
            if group is not None:
                with suppress(ClientError):
                    found = self._client("elbv2", service.region).describe_target_groups(
                        TargetGroupArns=[group]
                    )
                    return found["TargetGroups"][0].get("HealthCheckPath") or "/"
        return "/"

    def firing_alarms(self, service: EmulatedService, names: Sequence[str]) -> tuple[str, ...]:
        """Return those of the alarms that are in state ALARM.

        It reads moto's own objects: an API call at each request would take most of the time.
        """
        known = backends("cloudwatch")[service.arn.split(":")[4]][service.region].alarms
        return tuple(
            name for name in sorted(names) if name in known and known[name].state_value == "ALARM"
        )

    def trigger_alarm(self, region: str, name: str) -> None:
        """Set an alarm to state ALARM; an alarm that does not exist is ignored."""
        if self._alarm_reason(region, name) is not None:
            return
        with suppress(ClientError):
            self._client("cloudwatch", region).set_alarm_state(
                AlarmName=name, StateValue="ALARM", StateReason=FAULT_REASON
            )
            self._triggered.add((region, name))

    def reset_alarms(self) -> None:
        """Set the alarms that `trigger_alarm` set back to OK; others keep their state."""
        for region, name in sorted(self._triggered):
            # Somebody else may have set the alarm since.
            if self._alarm_reason(region, name) == FAULT_REASON:
                self._client("cloudwatch", region).set_alarm_state(
                    AlarmName=name, StateValue="OK", StateReason="the fault was cleared"
                )
        self._triggered.clear()

    def _alarm_reason(self, region: str, name: str) -> str | None:
        """Return why an alarm is in state ALARM; None if it is not or does not exist."""
        found = self._client("cloudwatch", region).describe_alarms(
            AlarmNames=[name], AlarmTypes=["CompositeAlarm", "MetricAlarm"]
        )
        alarms = [*found.get("MetricAlarms", []), *found.get("CompositeAlarms", [])]
        return next((one["StateReason"] for one in alarms if one["StateValue"] == "ALARM"), None)

    def log(self, task: EcsTask, lines: Sequence[str], at: datetime) -> None:
        """Write a container's lines, and the metrics in them, to where `awslogs` sends them."""
        options = structure(structure(task.container, "logConfiguration"), "options")
        group = options.get("awslogs-group")
        if not lines or group is None:
            return
        prefix = options.get("awslogs-stream-prefix", "ecs")
        stream = f"{prefix}/{task.container['name']}/{task.arn.rpartition('/')[2]}"
        region = options.get("awslogs-region", task.region)
        logs = self._client("logs", region)
        # Without the log group the lines are lost, as on AWS.
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
            self._measure(region, lines)

    def _measure(self, region: str, lines: Sequence[str]) -> None:
        for namespace, data in metric_data(lines).items():
            cloudwatch = self._client("cloudwatch", region)
            for start in range(0, len(data), MOST_DATA):
                cloudwatch.put_metric_data(
                    Namespace=namespace, MetricData=data[start : start + MOST_DATA]
                )


def _targets(tasks: Sequence[EcsTask]) -> dict[str, list[dict[str, Any]]]:
    """Return the tasks' targets by the target groups of each task's own revision."""
    found: dict[str, list[dict[str, Any]]] = {}
    for task in tasks:
        if task.target is None or task.revision is None:
            continue
        target = {"Id": task.target[0], "Port": task.target[1]}
        for balancer in structures(task.revision.request, "loadBalancers"):
            group = target_group(balancer, task.revision.group)
            if group is not None:
                found.setdefault(group, []).append(target)
    return found


def target_group_weights(second: float) -> tuple[int, int]:
    """Return two whole weights that add up to 100; a percentage above 0 never becomes 0."""
    rounded = round(second)
    if 0 < second < 100:
        rounded = min(99, max(1, rounded))
    return 100 - rounded, rounded


def target_group(balancer: Mapping[str, Any], index: int) -> str | None:
    """Return the first or the second target group's ARN."""
    if index == 0:
        return balancer.get("targetGroupArn")
    return structure(balancer, "advancedConfiguration").get("alternateTargetGroupArn")
