"""The floor: the SDK modules that prod imports, and as many bare resources as prod declares."""

import sys

import pulumi
import pulumi_aws as aws
import pulumi_cloudflare as cloudflare
import pulumi_random as random
import pulumi_tls as tls

MODULES = (
    "acm",
    "appautoscaling",
    "cloudwatch",
    "ec2",
    "ecr",
    "ecs",
    "elasticache",
    "iam",
    "kms",
    "lb",
    "rds",
    "route53",
    "s3",
    "secretsmanager",
    "ssm",
    "vpc",
    "wafv2",
)  # fmt: skip - a list of names


class Bare(pulumi.CustomResource):
    """A resource with three plain inputs and nothing else."""

    def __init__(self, name: str) -> None:
        super().__init__("bench:index:Bare", name, {"a": "text", "b": 1, "c": {"d": "e"}})


def declare(count: int) -> None:
    """Register so many bare resources."""
    for number in range(count):
        Bare(f"bare-{number}")


def loaded(kinds: list[str]) -> None:
    """Load each resource class that prod uses: the SDK loads a class at its first use."""
    packages = {"aws": aws, "cloudflare": cloudflare, "random": random, "tls": tls}
    for kind in kinds:
        package, module, name = kind.split(":")
        space = module.split("/")[0]
        holder = packages[package]
        getattr(holder if space == "index" else getattr(holder, space), name)
    sys.stdout.flush()
