"""The quotas that a new account may be too small for, with AWS's codes and defaults."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Quota:
    """A quota of an account in one region."""

    name: str
    default: int
    """What an account has before anybody asks for more; new accounts may have less."""
    source: str
    service: str = ""
    """The service's code in Service Quotas; empty where that API has no such quota."""
    code: str = ""
    """The quota's code in Service Quotas."""
    shared: bool = True
    """True where the stacks of an account add up; False where each resource has its own quota."""
    adjustable: bool = True


ON_DEMAND_VCPU = Quota(
    "Fargate On-Demand vCPU",
    6,
    "AWS General Reference, 'AWS Fargate endpoints and quotas'",
    "fargate",
    "L-3032A538",
)
SPOT_VCPU = Quota(
    "Fargate Spot vCPU",
    6,
    "AWS General Reference, 'AWS Fargate endpoints and quotas'",
    "fargate",
    "L-36FBB829",
)
ADDRESSES = Quota(
    "Elastic IP addresses",
    5,
    "Amazon VPC User Guide, 'Amazon VPC quotas', Elastic IP addresses",
    "ec2",
    "L-0263D0A3",
)
VPCS = Quota(
    "VPCs",
    5,
    "Amazon VPC User Guide, 'Amazon VPC quotas', VPC and subnets",
    "vpc",
    "L-F678F1CE",
)
RULES = Quota(
    "rules of a security group in one direction",
    60,
    "Amazon VPC User Guide, 'Amazon VPC quotas', Security groups",
    "vpc",
    "L-0EA8095F",
    shared=False,
)
LOG_POLICIES = Quota(
    "CloudWatch Logs resource policies",
    10,
    "Amazon CloudWatch Logs API Reference, PutResourcePolicy",
    adjustable=False,
)
QUOTAS = (ON_DEMAND_VCPU, SPOT_VCPU, ADDRESSES, VPCS, RULES, LOG_POLICIES)
"""All of them, in the order in which they are printed."""
