"""The actions that an operator needs for each phase of a failover."""

from collections.abc import Mapping

from arca.recovery.budgets import PhaseName

STEPS: Mapping[PhaseName, tuple[str, ...]] = {
    "declare": ("ssm:DeleteParameter", "ssm:GetParameter", "ssm:PutParameter"),
    "fence": (
        "application-autoscaling:RegisterScalableTarget",
        "ecs:DescribeServices",
        "ecs:DescribeTasks",
        "ecs:ListTasks",
        "ecs:UpdateService",
    ),
    "lag": ("cloudwatch:GetMetricStatistics", "rds:DescribeDBInstances"),
    "promote": ("rds:ModifyDBInstance", "rds:PromoteReadReplica"),
    "activate": (
        "application-autoscaling:PutScalingPolicy",
        "cloudwatch:PutMetricAlarm",
        "ec2:CreateNatGateway",
        "ec2:ReplaceRoute",
        "ecs:DescribeServiceDeployments",
        "ecs:DescribeServiceRevisions",
        "ecs:DescribeTaskDefinition",
        "ecs:ListServiceDeployments",
        "ecs:RegisterTaskDefinition",
        "ecs:UpdateService",
        "elasticache:CreateReplicationGroup",
        "iam:CreateRole",
        "iam:PassRole",
        "kms:CreateGrant",
        "rds:CreateDBProxy",
        "ssm:PutParameter",
    ),
    "smoke": ("ecs:DescribeServices", "elasticloadbalancing:DescribeTargetHealth"),
    "switch": ("route53:GetHealthCheck", "route53:UpdateHealthCheck"),
    "verify": ("cloudwatch:DescribeAlarms",),
}
"""By phase; IAM's names. `activate` needs more, and these are the ones that take longest to get.

Source: AWS Service Authorization Reference.
"""
