"""Everything that watches a stack, declared from arca/monitoring/ and slo/."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from arca.errors import ArcaError
from arca.monitoring import alarms as table
from arca.monitoring import objectives
from arca.monitoring.board import body
from arca.monitoring.dashboards import boards
from arca.monitoring.metric import Binding
from arca.monitoring.queries import QUERIES
from arca.monitoring.slo.cloudwatch import Alarms, Severity
from arca.monitoring.slo.compiler import compile_goal
from arca.monitoring.slo.goal import Goal
from components.component import Component, Place
from components.observability import alarms, events, publisher, tracing
from components.observability.spec import ObservabilitySpec

Text = pulumi.Input[str]


@dataclass(frozen=True)
class Watched:
    """What a stack has to be watched."""

    load_balancer: Text
    """ARN suffixes, as the metrics' dimensions have them."""
    blue: Text
    green: Text
    certificate_arn: Text
    health_check_id: Text
    cluster: Text
    service: Text
    log_group: Text
    database: Text
    cache_nodes: list[pulumi.Output[str]]
    canary: str | None
    database_sessions: int | None
    """Most sessions that the database takes, where known."""


class Observability(Component):
    """Alarms, dashboards, queries, trace groups, the budgets' publisher, ECS's events.

    A stack that stands by for another watches its replica and its certificate, and no more:
    it has no customers to answer.
    """

    alarm_names: dict[str, pulumi.Output[str]]
    dashboards: list[str]
    log_groups: dict[str, pulumi.Output[str]]
    bindings: Mapping[Binding, list[Text]]
    objectives: list[str]

    def __init__(
        self,
        name: str,
        spec: ObservabilitySpec,
        place: Place,
        *,
        serving: bool,
        watched: Watched,
        topics: Mapping[Severity, Text],
        artifacts: Text,
        log_key_arn: Text,
        sample_percent: float,
    ) -> None:
        super().__init__("arca:observability:Observability", name, place, data_class="internal")
        self.bindings = _bindings(place, watched)
        goals = _goals(self.bindings) if serving else ()
        self.objectives = [goal.name for goal in goals]
        self.log_groups = {
            "events": events.declare(self, name, days=spec.events_days, key_arn=log_key_arn)
        }
        self.alarm_names = self._alarms(
            name,
            spec,
            goals,
            topics,
            sessions=watched.database_sessions,
            serving=serving,
        )
        tracing.declare(self, name, goals, sample_percent=sample_percent)
        self.dashboards = []
        if serving:
            self.log_groups["slo-publisher"] = publisher.declare(
                self,
                name,
                goals,
                bindings=self.bindings,
                artifacts=artifacts,
                key_arn=log_key_arn,
            )
            if spec.dashboards:
                self._dashboards(name, goals, watched.log_group)
        for query in QUERIES.values():
            aws.cloudwatch.QueryDefinition(
                f"{name}-{query.name}",
                name=f"{place.prefix}/{query.name}",
                query_string=query.query,
                log_group_names=[watched.log_group],
                opts=self.child(),
            )
        self.register_outputs({"dashboards": self.dashboards})

    @property
    def exports(self) -> dict[str, Any]:
        """Its part of the stack's exports."""
        return {
            "alarm_names": self.alarm_names,
            "dashboards": self.dashboards,
            "objectives": self.objectives,
            "bindings": self.bindings,
        }

    def _alarms(
        self,
        name: str,
        spec: ObservabilitySpec,
        goals: tuple[Goal, ...],
        topics: Mapping[Severity, Text],
        *,
        sessions: int | None,
        serving: bool,
    ) -> dict[str, pulumi.Output[str]]:
        chosen = (
            table.serving(spec.thresholds, sessions=sessions)
            if serving
            else table.following(spec.thresholds)
        )
        for goal in goals:
            chosen += compile_goal(goal)
        window = alarms.declare(
            self,
            name,
            Alarms((table.maintenance(),)),
            bindings=self.bindings,
            topics=topics,
            repository_url=spec.repository_url,
            suppressor=None,
        )
        return window | alarms.declare(
            self,
            name,
            chosen,
            bindings=self.bindings,
            topics=topics,
            repository_url=spec.repository_url,
            suppressor=window["maintenance"],
        )

    def _dashboards(self, name: str, goals: tuple[Goal, ...], log_group: Text) -> None:
        for board in boards(goals).values():
            physical_name = f"{self.place.prefix}-{board.name}"
            aws.cloudwatch.Dashboard(
                f"{name}-{board.name}",
                dashboard_name=physical_name,
                dashboard_body=pulumi.Output.json_dumps(
                    body(board, self.bindings, region=self.place.region, log_group=log_group)
                ),
                opts=self.child(),
            )
            self.dashboards.append(physical_name)


def _goals(bindings: Mapping[Binding, list[Text]]) -> tuple[Goal, ...]:
    try:
        return objectives.goals(bindings)
    except ArcaError as error:
        # The engine shows a RunError's text and no traceback.
        raise pulumi.RunError(str(error)) from None


def _bindings(place: Place, watched: Watched) -> Mapping[Binding, list[Text]]:
    rules: tuple[Binding, ...] = ("deployment_rule", "migration_rule", "crash_rule")
    return {
        "stage": [place.stage],
        "load_balancer": [watched.load_balancer],
        "blue": [watched.blue],
        "green": [watched.green],
        "cluster": [watched.cluster],
        "service": [watched.service],
        "database": [watched.database],
        "cache_node": [*watched.cache_nodes],
        "canary": [watched.canary] if watched.canary else [],
        "certificate": [watched.certificate_arn],
        "health_check": [watched.health_check_id],
        **{rule: [events.rule_name(place.prefix, rule)] for rule in rules},
    }
