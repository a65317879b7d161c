"""Everything that watches a stack, declared from the data of arca/monitoring/."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from arca.monitoring import table
from arca.monitoring.catalogue import Binding
from arca.monitoring.dashboard import dashboard_body
from arca.monitoring.dashboards import all_dashboards
from arca.monitoring.queries import QUERIES
from arca.monitoring.slo.compiler import compile_objectives
from arca.monitoring.slo.objective import Objective
from arca.naming import Severity
from arca.outputs import ObservabilityOutputs
from components.alarms import declare_alarms
from components.component import Component, Place, Text
from components.objectives import declared_objectives
from components.observability import definitions, events, publisher, tracing
from components.observability.spec import ObservabilitySpec
from components.wires import BucketCopy, DeclaredTasks


@dataclass(frozen=True)
class Watched:
    """What a stack has that alarms and dashboards read."""

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
    copies: list[BucketCopy]
    """The buckets whose copies this stack makes, or receives on standby."""
    canary: str | None
    vault: Text | None
    """The vault of the stack's backups, if it has any."""
    database_sessions: int | None
    """The most sessions that the database takes, where known."""
    tasks: int
    """The fewest tasks that run."""
    definitions: DeclaredTasks
    repository_url: Text


class Observability(Component):
    """Alarms, dashboards, queries, trace groups, the two functions of our own, ECS's events.

    A standby stack watches its tasks and their definitions, its replica and its certificate: it
    serves no customers.
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
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(
            "arca:observability:Observability", name, place, data_class="internal", opts=opts
        )
        self.bindings = _bindings(place, watched)
        objectives = declared_objectives(self.bindings) if serving else ()
        self.objectives = [objective.name for objective in objectives]
        self.log_groups = {
            "events": events.declare_events(
                self,
                name,
                backups=watched.vault is not None,
                days=spec.events_days,
                key_arn=log_key_arn,
            ),
            definitions.NAME: definitions.declare_watch(
                self,
                name,
                watched.definitions,
                repository_url=watched.repository_url,
                artifacts=artifacts,
                key_arn=log_key_arn,
            ),
        }
        self.alarm_names = self._alarms(
            name,
            spec,
            objectives,
            topics,
            watched,
            serving=serving,
        )
        tracing.declare_tracing(self, name, objectives, sample_percent=sample_percent)
        self.dashboards = []
        if serving:
            self.log_groups["slo-publisher"] = publisher.declare_publisher(
                self,
                name,
                objectives,
                bindings=self.bindings,
                artifacts=artifacts,
                key_arn=log_key_arn,
            )
            if spec.dashboards:
                self._dashboards(name, objectives, watched.log_group)
        for query in QUERIES.values():
            aws.cloudwatch.QueryDefinition(
                f"{name}-{query.name}",
                name=f"{place.prefix}/{query.name}",
                query_string=query.query,
                log_group_names=[watched.log_group],
                opts=self.child(),
            )
        self.register_outputs({"dashboards": self.dashboards})

    def outputs(
        self, *, topics: dict[Severity, pulumi.Output[str]], api_log_group: pulumi.Output[str]
    ) -> ObservabilityOutputs[pulumi.Output[str]]:
        """The part of the stack's exports about alarms, dashboards and logs."""
        return ObservabilityOutputs[pulumi.Output[str]](
            alarm_names=self.alarm_names,
            dashboards=self.dashboards,
            objectives=self.objectives,
            bindings={
                name: [pulumi.Output.from_input(value) for value in values]
                for name, values in self.bindings.items()
            },
            topics=topics,
            log_groups={"api": api_log_group, **self.log_groups},
        )

    def _alarms(
        self,
        name: str,
        spec: ObservabilitySpec,
        objectives: tuple[Objective, ...],
        topics: Mapping[Severity, Text],
        watched: Watched,
        *,
        serving: bool,
    ) -> dict[str, pulumi.Output[str]]:
        if not spec.alarms:
            return {}
        chosen = (
            table.serving_alarms(spec.thresholds, sessions=watched.database_sessions)
            if serving
            else table.standby_alarms(spec.thresholds, tasks=watched.tasks)
        )
        if serving:
            chosen += compile_objectives(objectives)
        return declare_alarms(
            self,
            name,
            chosen,
            bindings=self.bindings,
            topics=topics,
            repository_url=spec.repository_url,
        )

    def _dashboards(self, name: str, objectives: tuple[Objective, ...], log_group: Text) -> None:
        for board in all_dashboards(objectives).values():
            physical_name = f"{self.place.prefix}-{board.name}"
            aws.cloudwatch.Dashboard(
                f"{name}-{board.name}",
                dashboard_name=physical_name,
                dashboard_body=pulumi.Output.json_dumps(
                    dashboard_body(
                        board,
                        self.bindings,
                        region=self.place.region,
                        logged=lambda query: pulumi.Output.concat(
                            "SOURCE '", log_group, "' | ", query
                        ),
                    )
                ),
                opts=self.child(),
            )
            self.dashboards.append(physical_name)


def _bindings(place: Place, watched: Watched) -> Mapping[Binding, list[Text]]:
    rules = events.rules(backups=watched.vault is not None)
    return {
        "stage": [place.stage],
        "load_balancer": [watched.load_balancer],
        "blue": [watched.blue],
        "green": [watched.green],
        "cluster": [watched.cluster],
        "service": [watched.service],
        "database": [watched.database],
        "cache_node": [*watched.cache_nodes],
        "vault": [watched.vault] if watched.vault is not None else [],
        "canary": [watched.canary] if watched.canary else [],
        "certificate": [watched.certificate_arn],
        "health_check": [watched.health_check_id],
        "copy_source": [one.source for one in watched.copies],
        "copy_destination": [one.destination for one in watched.copies],
        "copy_rule": [one.rule for one in watched.copies],
        "definition_watch": [definitions.function_name(place.prefix)],
        "backup_rule": [],
        **{rule: [events.rule_name(place.prefix, rule)] for rule in rules},
    }
