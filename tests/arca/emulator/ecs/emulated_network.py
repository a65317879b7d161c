"""The network and the load balancer of the emulated service."""

from typing import Any

REGION = "sa-east-1"


def make_network(ec2: Any) -> tuple[str, dict[str, Any]]:
    """Create a VPC; returns its id and the network configuration of tasks."""
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(
            VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"{REGION}{zone}"
        )["Subnet"]["SubnetId"]
        for number, zone in enumerate("ab")
    ]
    group = ec2.create_security_group(GroupName="api", Description="api", VpcId=vpc)["GroupId"]
    placed = {"subnets": subnets, "securityGroups": [group], "assignPublicIp": "DISABLED"}
    return vpc, {"awsvpcConfiguration": placed}


def make_balancer(elbv2: Any, vpc: str, network: dict[str, Any]) -> tuple[str, str, str, str]:
    """Create the blue and green target groups, and a production and a test rule."""
    blue, green = (
        elbv2.create_target_group(
            Name=name,
            Protocol="HTTP",
            Port=8080,
            VpcId=vpc,
            TargetType="ip",
            HealthCheckPath="/health/ready",
        )["TargetGroups"][0]["TargetGroupArn"]
        for name in ("blue", "green")
    )
    balancer = elbv2.create_load_balancer(
        Name="arca-test", Subnets=network["awsvpcConfiguration"]["subnets"]
    )["LoadBalancers"][0]["LoadBalancerArn"]
    answer = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}
    listener = elbv2.create_listener(
        LoadBalancerArn=balancer, Protocol="HTTP", Port=80, DefaultActions=[answer]
    )["Listeners"][0]["ListenerArn"]
    # As the platform makes them: the test rule begins on green.
    production, test = (
        elbv2.create_rule(
            ListenerArn=listener,
            Priority=priority,
            Conditions=[{"Field": "path-pattern", "Values": [f"/{priority}"]}],
            Actions=[
                {
                    "Type": "forward",
                    "ForwardConfig": {
                        "TargetGroups": [
                            {"TargetGroupArn": blue, "Weight": share},
                            {"TargetGroupArn": green, "Weight": 100 - share},
                        ]
                    },
                }
            ],
        )["Rules"][0]["RuleArn"]
        for priority, share in ((1, 100), (2, 0))
    )
    return blue, green, production, test
