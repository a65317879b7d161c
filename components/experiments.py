"""Experiments of AWS FIS: a zone is lost, and the database fails over. A person starts them.

A template costs nothing and does nothing. No role of the platform may start one: the permissions
boundary denies `fis:StartExperiment`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi
import pulumi_aws as aws
from pydantic import Field

from components.component import Component, Place
from components.iam import allow, service_role
from components.spec import LogRetention, Spec, Zone

STOPS = ("api-unreachable", "api-no-healthy-tasks")
"""Alarms that end an experiment: the probe fails, and nobody answers. Metric alarms, as a stop
condition wants (AWS FIS User Guide, "Stop conditions for AWS FIS")."""
LOG_SCHEMA = 2
"""AWS FIS User Guide, "Experiment logging": the newest version of a log record."""
CUT = (
    "ec2:CreateNetworkAcl",
    "ec2:CreateNetworkAclEntry",
    "ec2:CreateTags",
    "ec2:DeleteNetworkAcl",
    "ec2:DescribeManagedPrefixLists",
    "ec2:DescribeNetworkAcls",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
    "ec2:GetManagedPrefixListEntries",
    "ec2:ReplaceNetworkAclAssociation",
)
"""AWS FIS User Guide, "AWS FIS Actions reference", aws:network:disrupt-connectivity."""
LOGS = (
    "logs:CreateLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:PutResourcePolicy",
)
"""AWS FIS User Guide, "Experiment logging", permissions."""


class ExperimentsSpec(Spec):
    """Templates of experiments with AWS FIS; a person starts an experiment."""

    enabled: bool = Field(default=False, description="Declare the templates; they are free.")
    zone: Zone | None = Field(
        default=None,
        description="Letter of the zone that is lost; the last of `network.zones` when absent.",
    )
    minutes: int = Field(
        default=10, ge=2, le=60, description="Minutes that the zone is cut off from the others."
    )
    log_days: LogRetention = Field(
        default=365, description="Days that the log of an experiment is kept."
    )


class Experiments(Component):
    """The templates.

    Produces: a log group and a role; the template `zone`, which stops the tasks of a zone and cuts
    its subnets off, as AWS's scenario "AZ Availability: Power Interruption" does with what we have;
    where the database has a standby, `database`, which reboots it with a failover.
    """

    def __init__(
        self,
        name: str,
        spec: ExperimentsSpec,
        place: Place,
        *,
        zone: Zone,
        subnet_ids: Sequence[pulumi.Output[str]],
        cluster: pulumi.Output[str],
        service: pulumi.Output[str],
        database_arn: pulumi.Output[str] | None,
        alarm_names: Mapping[str, pulumi.Output[str]],
        log_key_arn: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(
            "arca:experiments:Experiments", name, place, data_class="internal", opts=opts
        )
        self._name = name
        self._log = aws.cloudwatch.LogGroup(
            name,
            # Delivered logs below this name need no longer policy for each group (Amazon
            # CloudWatch Logs User Guide, "Logs sent to CloudWatch Logs").
            name=f"/aws/vendedlogs/{place.prefix}/experiments",
            kms_key_id=log_key_arn,
            retention_in_days=spec.log_days,
            opts=self.child(),
        )
        arn = f"{place.region}:{place.account_id}"
        tasks = pulumi.Output.concat(f"arn:aws:ecs:{arn}:task/", cluster, "/*")
        reboots = [allow(["rds:RebootDBInstance"], [database_arn])] if database_arn else []
        self._role = service_role(
            self,
            name,
            "fis.amazonaws.com",
            allow(["ecs:StopTask"], [tasks]),
            *reboots,
            # These take no resource, or one that does not exist yet.
            allow(
                [
                    *("ecs:DescribeTasks", "ecs:ListTasks", "tag:GetResources"),
                    *(["rds:DescribeDBInstances"] if database_arn else []),
                    *CUT,
                    *LOGS,
                ],
                ["*"],
                condition={"StringEquals": {"aws:RequestedRegion": place.region}},
            ),
            confined=True,
        )
        self._stops = [
            pulumi.Output.concat(f"arn:aws:cloudwatch:{arn}:alarm:", alarm_names[stop])
            for stop in STOPS
        ]
        where = f"{place.region}{zone}"
        self._template(
            "zone",
            f"The zone {where} is lost: its tasks stop, and its subnets reach nobody.",
            actions=[
                {
                    "name": "stop-tasks",
                    "action_id": "aws:ecs:stop-task",
                    "target": {"key": "Tasks", "value": "tasks"},
                },
                {
                    "name": "cut-off",
                    "action_id": "aws:network:disrupt-connectivity",
                    "parameters": [
                        {"key": "duration", "value": f"PT{spec.minutes}M"},
                        {"key": "scope", "value": "all"},
                    ],
                    "target": {"key": "Subnets", "value": "subnets"},
                },
            ],
            targets=[
                {
                    "name": "tasks",
                    "resource_type": "aws:ecs:task",
                    "selection_mode": "ALL",
                    "parameters": {"cluster": cluster, "service": service},
                    "filters": [{"path": "AvailabilityZone", "values": [where]}],
                },
                {
                    "name": "subnets",
                    "resource_type": "aws:ec2:subnet",
                    "selection_mode": "ALL",
                    "resource_arns": [
                        pulumi.Output.concat(f"arn:aws:ec2:{arn}:subnet/", subnet)
                        for subnet in subnet_ids
                    ],
                },
            ],
        )
        if database_arn is not None:
            self._template(
                "database",
                "The database fails over to its standby in another zone.",
                actions=[
                    {
                        "name": "fail-over",
                        "action_id": "aws:rds:reboot-db-instances",
                        "parameters": [{"key": "forceFailover", "value": "true"}],
                        "target": {"key": "DBInstances", "value": "database"},
                    }
                ],
                targets=[
                    {
                        "name": "database",
                        "resource_type": "aws:rds:db",
                        "selection_mode": "ALL",
                        "resource_arns": [database_arn],
                    }
                ],
            )
        self.register_outputs({})

    def _template(
        self,
        what: str,
        description: str,
        *,
        actions: Sequence[aws.fis.ExperimentTemplateActionArgsDict],
        targets: Sequence[aws.fis.ExperimentTemplateTargetArgsDict],
    ) -> None:
        aws.fis.ExperimentTemplate(
            f"{self._name}-{what}",
            description=description,
            role_arn=self._role.arn_with_policy,
            actions=[*actions],
            targets=[*targets],
            stop_conditions=[
                {"source": "aws:cloudwatch:alarm", "value": one} for one in self._stops
            ],
            # An experiment without a target would prove nothing.
            experiment_options={
                "account_targeting": "single-account",
                "empty_target_resolution_mode": "fail",
            },
            log_configuration={
                "log_schema_version": LOG_SCHEMA,
                "cloudwatch_logs_configuration": {
                    "log_group_arn": pulumi.Output.concat(self._log.arn, ":*")
                },
            },
            opts=self.child(),
        )
