"""The actions that an operator needs to fail over, to fail back and to test a backup, and on what.

A role that is scoped to the platform's resources may not act on `*`. So each action is simulated on
a resource as the step meets it; where the step creates the resource, on one with such a name.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from arca.naming import prefix, role_path, state_bucket
from arca.stack import Stack
from arca.stackfile import PULUMI_PROJECT

ANY = "*"


@dataclass(frozen=True)
class Need:
    """Actions that a step takes on one resource."""

    on: str
    """Its key in `resources`."""
    actions: tuple[str, ...]


STEPS: Mapping[str, tuple[Need, ...]] = {
    "declare": (Need("journal", ("ssm:DeleteParameter", "ssm:GetParameter", "ssm:PutParameter")),),
    # `pulumi up` reads, locks and writes both stacks' states.
    "update": (
        Need("state bucket", ("s3:ListBucket",)),
        Need("state of the standby", ("s3:GetObject", "s3:PutObject")),
        Need("state of the primary", ("s3:GetObject", "s3:PutObject")),
        Need("lock of a state", ("s3:DeleteObject", "s3:GetObject", "s3:PutObject")),
    ),
    "fence": (
        Need("primary's scaling", ("application-autoscaling:RegisterScalableTarget",)),
        Need("primary's service", ("ecs:DescribeServices", "ecs:UpdateService")),
        Need(ANY, ("ecs:DescribeTasks", "ecs:ListTasks")),
        Need("primary's listener", ("elasticloadbalancing:CreateRule",)),
    ),
    "lag": (
        Need(ANY, ("cloudwatch:GetMetricStatistics",)),
        Need("database", ("rds:DescribeDBInstances",)),
    ),
    "promote": (Need("database", ("rds:ModifyDBInstance", "rds:PromoteReadReplica")),),
    "activate": (
        Need("scaling", ("application-autoscaling:PutScalingPolicy",)),
        Need("backup plan", ("backup:CreateBackupPlan", "backup:CreateBackupSelection")),
        Need("restore test", ("backup:CreateRestoreTestingPlan",)),
        Need("alarm", ("cloudwatch:PutMetricAlarm",)),
        Need("NAT gateway", ("ec2:CreateNatGateway",)),
        Need("route table", ("ec2:ReplaceRoute",)),
        Need("service", ("ecs:ListServiceDeployments", "ecs:UpdateService")),
        Need("deployment", ("ecs:DescribeServiceDeployments",)),
        Need("revision", ("ecs:DescribeServiceRevisions",)),
        Need(ANY, ("ecs:DescribeTaskDefinition",)),
        Need("task definition", ("ecs:RegisterTaskDefinition",)),
        Need("cache", ("elasticache:CreateReplicationGroup",)),
        Need("rule of events", ("events:PutRule",)),
        Need(
            "role",
            ("iam:AttachRolePolicy", "iam:CreateRole", "iam:PassRole", "iam:PutRolePolicy"),
        ),
        Need("key", ("kms:CreateGrant",)),
        Need("proxy", ("rds:CreateDBProxy",)),
        Need("parameter", ("ssm:PutParameter",)),
        Need("canary", ("synthetics:CreateCanary",)),
    ),
    "smoke": (
        Need("service", ("ecs:DescribeServices",)),
        Need(ANY, ("elasticloadbalancing:DescribeTargetHealth",)),
    ),
    "switch": (Need("lever", ("route53:GetHealthCheck", "route53:UpdateHealthCheck")),),
    "verify": (Need(ANY, ("cloudwatch:DescribeAlarms",)),),
    "fail back": (
        Need(
            "primary's database",
            (
                "rds:CreateDBInstanceReadReplica",
                "rds:DeleteDBInstance",
                "rds:StartDBInstanceAutomatedBackupsReplication",
                "rds:StopDBInstanceAutomatedBackupsReplication",
            ),
        ),
        Need("database", ("rds:CreateDBInstanceReadReplica", "rds:DeleteDBInstance")),
    ),
    "restore test": (
        Need(ANY, ("rds:DescribeDBInstances", "rds:DescribeDBSnapshots")),
        Need(
            "restored database",
            (
                "rds:AddTagsToResource",
                "rds:DeleteDBInstance",
                "rds:RestoreDBInstanceFromDBSnapshot",
                "rds:RestoreDBInstanceToPointInTime",
            ),
        ),
        Need("primary's migrations", ("ecs:RunTask",)),
        Need("primary's role", ("iam:PassRole",)),
        Need(ANY, ("ecs:DescribeTasks", "logs:GetLogEvents")),
    ),
}
"""IAM's names. `activate` needs more, and these are the ones that take longest to get.

Source: AWS Service Authorization Reference, which also says on what an action is taken.
"""


def resources(standby: Stack, primary: Stack) -> Mapping[str, str]:
    """Return the ARN of each resource that `STEPS` names.

    Where the primary's exports are lost, pass the standby twice: its names differ by a word only.
    """
    out, theirs = standby.outputs, primary.outputs
    account, name = out.account_id, prefix(out.stack)
    bucket = f"arn:aws:s3:::{state_bucket(account)}"

    def arn(service: str, rest: str, *, of: Stack = standby) -> str:
        return f"arn:aws:{service}:{of.outputs.region}:{account}:{rest}"

    def state(stack: Stack) -> str:
        return f"{bucket}/{state_key(stack)}"

    service = f"{out.service.cluster}/{out.service.name}"
    return {
        ANY: ANY,
        "alarm": arn("cloudwatch", f"alarm:{name}-x"),
        "backup plan": arn("backup", f"backup-plan:{name}"),
        "cache": arn("elasticache", f"replicationgroup:{name}"),
        "canary": arn("synthetics", f"canary:{name}"),
        "database": out.database.arn,
        "deployment": arn("ecs", f"service-deployment/{service}/x"),
        "journal": arn("ssm", f"parameter/{name}/operations/failover"),
        "key": out.key_arns["data"],
        "lever": f"arn:aws:route53:::healthcheck/{theirs.edge.failover_lever_id or 'x'}",
        "lock of a state": f"{bucket}/.pulumi/locks/organization/{PULUMI_PROJECT}/x/x.json",
        "NAT gateway": arn("ec2", "natgateway/x"),
        "parameter": arn("ssm", f"parameter/{name}/x"),
        "primary's database": theirs.database.arn,
        "primary's listener": _listener(theirs.service.production_rule_arn),
        "primary's migrations": arn(
            "ecs", f"task-definition/{theirs.service.migration_family}:1", of=primary
        ),
        "primary's role": f"arn:aws:iam::{account}:role{role_path(theirs.stack)}x",
        "primary's scaling": arn("application-autoscaling", "scalable-target/x", of=primary),
        "primary's service": arn(
            "ecs", f"service/{theirs.service.cluster}/{theirs.service.name}", of=primary
        ),
        "proxy": arn("rds", "db-proxy:x"),
        "restored database": arn("rds", f"db:{prefix(theirs.stack)}-restore-test", of=primary),
        "restore test": arn("backup", f"restore-testing-plan:{name.replace('-', '_')}-x"),
        "revision": arn("ecs", f"service-revision/{service}/x"),
        "role": f"arn:aws:iam::{account}:role{role_path(out.stack)}x",
        "route table": arn("ec2", "route-table/x"),
        "rule of events": arn("events", f"rule/{name}-x"),
        "scaling": arn("application-autoscaling", "scalable-target/x"),
        "service": arn("ecs", f"service/{service}"),
        "state bucket": bucket,
        "state of the primary": state(primary),
        "state of the standby": state(standby),
        "task definition": arn("ecs", f"task-definition/{out.service.task_family}:1"),
    }


def state_key(stack: Stack) -> str:
    """Return the key of a stack's state in the account's bucket.

    Source: github.com/pulumi/pulumi, pkg/backend/diy/store.go (`.pulumi/stacks`).
    """
    return f".pulumi/stacks/{PULUMI_PROJECT}/{stack.name.rpartition('/')[2]}.json"


def _listener(rule_arn: str) -> str:
    """Return the listener of a rule, whose ARN continues the listener's."""
    return rule_arn.replace(":listener-rule/", ":listener/").rpartition("/")[0]
