"""The service: an ECS cluster, the task it runs, and how a new revision comes live."""

import json
from dataclasses import dataclass, replace
from typing import Any

import pulumi
import pulumi_aws as aws

from arca.naming import physical
from components.component import Component, Place
from components.service import alarms, deployment, roles, scaling, task
from components.service.environment import Environment
from components.service.spec import ServiceSpec

Text = pulumi.Input[str]


@dataclass(frozen=True)
class Traffic:
    """Where the service's traffic comes from."""

    load_balancer: pulumi.Output[str]
    """ARN suffix, the dimension of its metrics."""
    blue_arn: pulumi.Output[str]
    green_arn: pulumi.Output[str]
    production_rule: aws.lb.ListenerRule
    test_rule: aws.lb.ListenerRule


class Service(Component):
    """The service.

    Produces: log group, the collector's configuration, roles, cluster and its capacity
    providers, the task definitions of the service and of migrations, deployment alarms, the
    service, and its autoscaling.
    """

    cluster: pulumi.Output[str]
    name: pulumi.Output[str]
    task_family: pulumi.Output[str]
    migration_family: pulumi.Output[str]
    log_group: pulumi.Output[str]
    alarm_names: list[pulumi.Output[str]]
    task_role_arn: pulumi.Output[str]
    passed_role_arns: list[pulumi.Output[str]]
    """What whoever registers or runs a task hands to ECS."""

    def __init__(
        self,
        name: str,
        spec: ServiceSpec,
        place: Place,
        *,
        image: str,
        subnet_ids: list[pulumi.Output[str]],
        security_group_id: Text,
        traffic: Traffic,
        environment: Environment,
        permissions: roles.Permissions,
        log_key_arn: Text,
    ) -> None:
        super().__init__("arca:service:Service", name, place, data_class="confidential")
        self._name, self._spec = name, spec
        stack = place.prefix

        log = aws.cloudwatch.LogGroup(
            name,
            name=f"/{stack}/api",
            kms_key_id=log_key_arn,
            retention_in_days=spec.log_days,
            opts=self.child(),
        )
        config = aws.ssm.Parameter(
            f"{name}-collector",
            name=f"/{stack}/collector",
            type="String",
            value=json.dumps(
                task.collector_config(
                    spec.collector,
                    stage=place.stage,
                    region=place.region,
                    log_group=f"/{stack}/api",
                ),
                indent=1,
            ),
            opts=self.child(),
        )
        allowed = replace(permissions, parameter_arns=[*permissions.parameter_arns, config.arn])
        owned = roles.declare(self, name, allowed, environment, log.arn)
        cluster = self._cluster(stack)
        contents = task.Task(
            image, place.region, log.name, {**environment.variables, **environment.secrets}
        )
        api = self._task(
            name,
            physical(stack, task.API, limit=255),
            task.api_containers(spec, contents, collector_config_arn=config.arn),
            owned.execution,
            owned.task,
        )
        migrations = self._task(
            f"{name}-migrations",
            physical(stack, task.MIGRATIONS, limit=255),
            task.migration_containers(
                spec,
                task.Task(
                    image,
                    place.region,
                    log.name,
                    {**environment.variables, **environment.migration_secrets},
                ),
            ),
            owned.migration_execution,
            owned.migration,
        )
        self.alarm_names = (
            alarms.declare(self, name, spec.deployment_alarms, load_balancer=traffic.load_balancer)
            if spec.deployment_alarms.enabled
            else []
        )
        service = self._service(
            cluster,
            api,
            infrastructure_role_arn=owned.infrastructure,
            subnet_ids=subnet_ids,
            security_group_id=security_group_id,
            traffic=traffic,
        )
        if spec.desired_count_delegated:
            scaling.declare(
                self,
                name,
                spec.scaling,
                cluster=cluster.name,
                service=service.name,
                load_balancer=traffic.load_balancer,
            )
        self.cluster = cluster.name
        self.name = service.name
        self.task_family = api.family
        self.migration_family = migrations.family
        self.log_group = log.name
        self.task_role_arn = owned.task
        self.passed_role_arns = [
            *(owned.execution, owned.migration_execution),
            *(owned.task, owned.migration),
        ]
        self.register_outputs({"cluster": cluster.name, "service": service.name})

    @property
    def exports(self) -> dict[str, Any]:
        """Its part of the stack's exports."""
        return {
            "cluster": self.cluster,
            "name": self.name,
            "port": self._spec.port,
            "task_family": self.task_family,
            "migration_family": self.migration_family,
            "strategy": self._spec.deployment.strategy,
            "log_group": self.log_group,
            "alarm_names": self.alarm_names,
        }

    def _cluster(self, stack: str) -> aws.ecs.Cluster:
        spec = self._spec.fargate
        cluster = aws.ecs.Cluster(
            self._name,
            name=stack,
            settings=[{"name": "containerInsights", "value": "enhanced"}],
            opts=self.child(),
        )
        aws.ecs.ClusterCapacityProviders(
            self._name,
            cluster_name=cluster.name,
            capacity_providers=["FARGATE", "FARGATE_SPOT"],
            default_capacity_provider_strategies=[
                {
                    "capacity_provider": "FARGATE",
                    "base": spec.on_demand_base,
                    "weight": spec.on_demand_weight,
                }
            ],
            opts=self.child(),
        )
        return cluster

    def _task(
        self,
        logical: str,
        family: str,
        containers: pulumi.Output[str],
        execution_role_arn: Text,
        task_role_arn: Text,
    ) -> aws.ecs.TaskDefinition:
        return aws.ecs.TaskDefinition(
            logical,
            family=family,
            container_definitions=containers,
            requires_compatibilities=["FARGATE"],
            network_mode="awsvpc",
            cpu=str(self._spec.cpu),
            memory=str(self._spec.memory_mib),
            runtime_platform={
                "cpu_architecture": self._spec.architecture,
                "operating_system_family": "LINUX",
            },
            execution_role_arn=execution_role_arn,
            task_role_arn=task_role_arn,
            volumes=[{"name": volume} for volume in task.volumes(self._spec)],
            # A revision that was replaced must stay, or nobody could roll back to it.
            skip_destroy=True,
            # The family's latest revision is the pipeline's. Following it would make every
            # preview after a release want to take the image back (ADR 0007).
            track_latest=False,
            opts=self.child(),
        )

    def _service(
        self,
        cluster: aws.ecs.Cluster,
        definition: aws.ecs.TaskDefinition,
        *,
        infrastructure_role_arn: Text,
        subnet_ids: list[pulumi.Output[str]],
        security_group_id: Text,
        traffic: Traffic,
    ) -> aws.ecs.Service:
        spec = self._spec
        rolling = spec.deployment.strategy == "rolling"
        return aws.ecs.Service(
            self._name,
            name=task.API,
            cluster=cluster.arn,
            task_definition=definition.arn,
            desired_count=spec.scaling.min_tasks,
            capacity_provider_strategies=deployment.capacity(spec),
            network_configuration={
                "subnets": subnet_ids,
                "security_groups": [security_group_id],
                "assign_public_ip": False,
            },
            load_balancers=[
                {
                    "container_name": task.API,
                    "container_port": spec.port,
                    "target_group_arn": traffic.blue_arn,
                    "advanced_configuration": None
                    if rolling
                    else {
                        "alternate_target_group_arn": traffic.green_arn,
                        "production_listener_rule": traffic.production_rule.arn,
                        "test_listener_rule": traffic.test_rule.arn,
                        "role_arn": infrastructure_role_arn,
                    },
                }
            ],
            deployment_controller={"type": "ECS"},
            deployment_configuration=deployment.strategy(spec),
            deployment_minimum_healthy_percent=100,
            deployment_maximum_percent=200,
            # The circuit breaker belongs to rolling deployments alone (Amazon ECS Developer
            # Guide, "Amazon ECS deployment circuit breaker"); the others have their alarms.
            deployment_circuit_breaker={"enable": True, "rollback": True} if rolling else None,
            alarms={"enable": True, "rollback": True, "alarm_names": self.alarm_names}
            if self.alarm_names
            else None,
            health_check_grace_period_seconds=spec.grace_seconds,
            availability_zone_rebalancing="ENABLED",
            enable_execute_command=spec.execute_command,
            enable_ecs_managed_tags=True,
            propagate_tags="SERVICE",
            wait_for_steady_state=False,
            opts=self.child(
                # ECS refuses a target group that no listener forwards to.
                depends_on=[traffic.production_rule, traffic.test_rule],
                ignore_changes=deployment.delegated(spec),
                custom_timeouts=pulumi.CustomTimeouts(create="30m", update="2h", delete="30m"),
            ),
        )
