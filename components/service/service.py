"""The ECS cluster, its service, and the task definitions of service and migrations."""

from __future__ import annotations

import json

import pulumi
import pulumi_aws as aws

from arca.naming import physical
from arca.outputs import ServiceOutputs
from components.component import Component, Place, Text
from components.service import alarms, deployment, roles, scaling, task
from components.service.environment import Environment
from components.service.spec import ServiceSpec
from components.wires import DeclaredTask, DeclaredTasks, Placement, ReleaseScope, Traffic


class Service(Component):
    """The service.

    Produces: log group, the collector's configuration, roles, cluster, capacity providers, the
    task definitions of service and migrations, deployment alarms, the service, autoscaling.
    """

    cluster: pulumi.Output[str]
    name: pulumi.Output[str]
    task_family: pulumi.Output[str]
    migration_family: pulumi.Output[str]
    log_group: pulumi.Output[str]
    alarm_names: list[pulumi.Output[str]]
    task_role_arn: pulumi.Output[str]
    declared_tasks: DeclaredTasks

    def __init__(
        self,
        name: str,
        spec: ServiceSpec,
        place: Place,
        *,
        image: str,
        at: Placement,
        traffic: Traffic,
        environment: Environment,
        permissions: roles.Permissions,
        log_key_arn: Text,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("arca:service:Service", name, place, data_class="confidential", opts=opts)
        self._name, self._spec, self._traffic = name, spec, traffic
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
        owned = roles.declare(
            self,
            name,
            permissions,
            environment,
            parameter_arns=[*environment.variables.values(), config.arn],
            log_group_arn=log.arn,
            execute_command=spec.execute_command,
        )
        cluster, providers = self._cluster(stack)
        contents = task.TaskInputs(
            image, place.region, log.name, {**environment.variables, **environment.secrets}
        )
        of_api = DeclaredTask(
            task.api_containers(spec, contents, collector_config_arn=config.arn),
            owned.execution,
            owned.task,
        )
        of_migrations = DeclaredTask(
            task.migration_containers(
                spec,
                task.TaskInputs(
                    image,
                    place.region,
                    log.name,
                    {**environment.variables, **environment.migration_secrets},
                ),
            ),
            owned.migration_execution,
            owned.migration,
        )
        families = [physical(stack, one, limit=255) for one in (task.API, task.MIGRATIONS)]
        self.declared_tasks = DeclaredTasks(
            dict(zip(families, (of_api, of_migrations), strict=True)),
            [image, spec.collector.image],
        )
        api = self._task(name, families[0], of_api)
        migrations = self._task(f"{name}-migrations", families[1], of_migrations)
        self.alarm_names = (
            alarms.declare(self, name, spec.deployment_alarms, load_balancer=traffic.arn_suffix)
            if spec.deployment_alarms.enabled
            else []
        )
        service = self._service(
            cluster,
            providers,
            api,
            infrastructure_role_arn=owned.infrastructure,
            at=at,
        )
        if spec.desired_count_delegated:
            scaling.declare(
                self,
                name,
                spec.scaling,
                cluster=cluster.name,
                service=service.name,
                load_balancer=traffic.arn_suffix,
            )
        self.cluster = cluster.name
        self.name = service.name
        self.task_family = api.family
        self.migration_family = migrations.family
        self.log_group = log.name
        self.task_role_arn = owned.task
        self._service_roles = [owned.execution, owned.task]
        self._migration_roles = [owned.migration_execution, owned.migration]
        self.register_outputs({"cluster": cluster.name, "service": service.name})

    def release_scope(self, repository_name: pulumi.Output[str]) -> ReleaseScope:
        """Return what a release of the service changes or reads."""
        return ReleaseScope(
            cluster=self.cluster,
            service=self.name,
            service_family=self.task_family,
            service_role_arns=self._service_roles,
            migration_family=self.migration_family,
            migration_role_arns=self._migration_roles,
            log_group=self.log_group,
            repository_name=repository_name,
        )

    def outputs(
        self, *, load_balancer_arn: pulumi.Output[str], load_balancer_dns_name: pulumi.Output[str]
    ) -> ServiceOutputs[pulumi.Output[str]]:
        """The part of the stack's exports about the service and its load balancer."""
        traffic = self._traffic
        return ServiceOutputs[pulumi.Output[str]](
            cluster=self.cluster,
            name=self.name,
            port=self._spec.port,
            task_family=self.task_family,
            migration_family=self.migration_family,
            strategy=self._spec.deployment.strategy,
            deployment_configuration=deployment.exported(self._spec, self.alarm_names),
            capacity_provider_strategy=deployment.exported_capacity(self._spec),
            min_tasks=self._spec.scaling.min_tasks,
            log_group=self.log_group,
            alarm_names=self.alarm_names,
            blue_target_group_arn=traffic.blue_arn,
            green_target_group_arn=traffic.green_arn,
            production_rule_arn=traffic.production_rule.arn,
            test_rule_arn=traffic.test_rule.arn,
            load_balancer_arn=load_balancer_arn,
            load_balancer_dns_name=load_balancer_dns_name,
        )

    def _cluster(self, stack: str) -> tuple[aws.ecs.Cluster, aws.ecs.ClusterCapacityProviders]:
        spec = self._spec.fargate
        cluster = aws.ecs.Cluster(
            self._name,
            name=stack,
            settings=[{"name": "containerInsights", "value": "enhanced"}],
            opts=self.child(),
        )
        providers = aws.ecs.ClusterCapacityProviders(
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
        return cluster, providers

    def _task(
        self,
        logical: str,
        family: str,
        declared: DeclaredTask,
    ) -> aws.ecs.TaskDefinition:
        return aws.ecs.TaskDefinition(
            logical,
            family=family,
            container_definitions=declared.containers,
            requires_compatibilities=["FARGATE"],
            network_mode="awsvpc",
            cpu=str(self._spec.cpu),
            memory=str(self._spec.memory_mib),
            runtime_platform={
                "cpu_architecture": self._spec.architecture,
                "operating_system_family": "LINUX",
            },
            execution_role_arn=declared.execution_role_arn,
            task_role_arn=declared.task_role_arn,
            volumes=[{"name": volume} for volume in task.volumes(self._spec)],
            # A replaced revision must stay, so that a release can roll back to it.
            skip_destroy=True,
            # The pipeline registers the family's latest revision. If this followed it, every
            # preview after a release would revert the image (ADR 0007).
            track_latest=False,
            opts=self.child(),
        )

    def _service(
        self,
        cluster: aws.ecs.Cluster,
        providers: aws.ecs.ClusterCapacityProviders,
        definition: aws.ecs.TaskDefinition,
        *,
        infrastructure_role_arn: Text,
        at: Placement,
    ) -> aws.ecs.Service:
        spec, traffic = self._spec, self._traffic
        rolling = spec.deployment.strategy == "rolling"
        return aws.ecs.Service(
            self._name,
            name=task.API,
            cluster=cluster.arn,
            task_definition=definition.arn,
            # The first release starts the tasks: before it there is no image, and no secret of the
            # owner has a value.
            desired_count=0 if spec.desired_count_delegated else spec.scaling.min_tasks,
            capacity_provider_strategies=deployment.capacity(spec),
            network_configuration={
                "subnets": at.subnet_ids,
                "security_groups": [at.security_group_id],
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
            deployment_minimum_healthy_percent=deployment.MINIMUM_HEALTHY_PERCENT,
            deployment_maximum_percent=deployment.MAXIMUM_PERCENT,
            # Only rolling deployments have the circuit breaker (Amazon ECS Developer Guide,
            # "Amazon ECS deployment circuit breaker"); alarms roll the others back.
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
                # ECS refuses a target group to which no listener forwards, and a strategy whose
                # capacity providers the cluster does not have.
                depends_on=[traffic.production_rule, traffic.test_rule, providers],
                ignore_changes=deployment.delegated(spec),
                custom_timeouts=pulumi.CustomTimeouts(create="30m", update="2h", delete="30m"),
            ),
        )
