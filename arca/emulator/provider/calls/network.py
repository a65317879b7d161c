"""The network's calls: EC2."""

from collections.abc import Mapping
from typing import Any

from arca.emulator.provider.calls.table import Call, State, specify, tags, take


def _created(kind: str, identifier: str, **more: str) -> Any:
    def outputs(answer: Mapping[str, Any]) -> dict[str, Any]:
        made = answer[kind]
        return {"id": made[identifier], **{key: made[name] for key, name in more.items()}}

    return outputs


def _rule(direction: str) -> tuple[Call, ...]:
    peers = {
        "referencedSecurityGroupId": ("UserIdGroupPairs", "GroupId"),
        "prefixListId": ("PrefixListIds", "PrefixListId"),
        "cidrIpv4": ("IpRanges", "CidrIp"),
        "cidrIpv6": ("Ipv6Ranges", "CidrIpv6"),
    }

    def params(state: State) -> dict[str, Any]:
        peer = {
            kind: [{key: state[name], "Description": state["description"]}]
            for name, (kind, key) in peers.items()
            if name in state
        }
        return {
            "GroupId": state["securityGroupId"],
            "IpPermissions": [
                {
                    "IpProtocol": state["ipProtocol"],
                    "FromPort": state["fromPort"],
                    "ToPort": state["toPort"],
                    **peer,
                }
            ],
            "TagSpecifications": specify("security-group-rule", state),
        }

    return (Call("ec2", f"authorize_security_group_{direction}", params),)


def _regional(state: State) -> bool:
    return state.get("availabilityMode") == "regional"


TABLE: Mapping[str, tuple[Call, ...]] = {
    "aws:ec2/vpc:Vpc": (
        Call(
            "ec2",
            "create_vpc",
            lambda s: {
                "CidrBlock": s["cidrBlock"],
                "AmazonProvidedIpv6CidrBlock": s.get("assignGeneratedIpv6CidrBlock", False),
                "TagSpecifications": specify("vpc", s),
            },
            _created("Vpc", "VpcId"),
        ),
        Call(
            "ec2",
            "modify_vpc_attribute",
            lambda s: {"VpcId": s["id"], "EnableDnsSupport": {"Value": s["enableDnsSupport"]}},
        ),
        Call(
            "ec2",
            "modify_vpc_attribute",
            lambda s: {"VpcId": s["id"], "EnableDnsHostnames": {"Value": s["enableDnsHostnames"]}},
        ),
        Call(
            "ec2",
            "describe_security_groups",
            lambda s: {
                "Filters": [
                    {"Name": "vpc-id", "Values": [s["id"]]},
                    {"Name": "group-name", "Values": ["default"]},
                ]
            },
            lambda answer: {"defaultSecurityGroupId": answer["SecurityGroups"][0]["GroupId"]},
        ),
        Call(
            "ec2",
            "describe_vpcs",
            lambda s: {"VpcIds": [s["id"]]},
            lambda answer: {
                "ipv6CidrBlock": answer["Vpcs"][0]["Ipv6CidrBlockAssociationSet"][0][
                    "Ipv6CidrBlock"
                ]
            },
            when=lambda s: bool(s.get("assignGeneratedIpv6CidrBlock")),
        ),
    ),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": (
        Call(
            "ec2",
            "describe_security_groups",
            lambda s: {
                "Filters": [
                    {"Name": "vpc-id", "Values": [s["vpcId"]]},
                    {"Name": "group-name", "Values": ["default"]},
                ]
            },
            lambda answer: {
                "id": answer["SecurityGroups"][0]["GroupId"],
                "_ingress": answer["SecurityGroups"][0]["IpPermissions"],
                "_egress": answer["SecurityGroups"][0]["IpPermissionsEgress"],
            },
        ),
        *(
            Call(
                "ec2",
                f"revoke_security_group_{direction}",
                lambda s, key=f"_{direction}": {"GroupId": s["id"], "IpPermissions": s[key]},
                when=lambda s, key=f"_{direction}": bool(s[key]),
            )
            for direction in ("ingress", "egress")
        ),
        Call("ec2", "create_tags", lambda s: {"Resources": [s["id"]], "Tags": tags(s)}),
    ),
    "aws:ec2/subnet:Subnet": (
        Call(
            "ec2",
            "create_subnet",
            lambda s: {
                **take("vpcId", "cidrBlock", "availabilityZone", "ipv6CidrBlock")(s),
                "TagSpecifications": specify("subnet", s),
            },
            _created("Subnet", "SubnetId"),
        ),
    ),
    "aws:ec2/internetGateway:InternetGateway": (
        Call(
            "ec2",
            "create_internet_gateway",
            lambda s: {"TagSpecifications": specify("internet-gateway", s)},
            _created("InternetGateway", "InternetGatewayId"),
        ),
        Call("ec2", "attach_internet_gateway", take("vpcId", InternetGatewayId="id")),
    ),
    "aws:ec2/egressOnlyInternetGateway:EgressOnlyInternetGateway": (
        Call(
            "ec2",
            "create_egress_only_internet_gateway",
            lambda s: {
                "VpcId": s["vpcId"],
                "TagSpecifications": specify("egress-only-internet-gateway", s),
            },
            _created("EgressOnlyInternetGateway", "EgressOnlyInternetGatewayId"),
        ),
    ),
    "aws:ec2/eip:Eip": (
        Call(
            "ec2",
            "allocate_address",
            lambda s: {"Domain": s["domain"], "TagSpecifications": specify("elastic-ip", s)},
            lambda answer: {
                "id": answer["AllocationId"],
                "allocationId": answer["AllocationId"],
                "publicIp": answer["PublicIp"],
            },
        ),
    ),
    "aws:ec2/natGateway:NatGateway": (
        Call(
            "ec2",
            "create_nat_gateway",
            lambda s: {
                **take("subnetId", "allocationId")(s),
                "TagSpecifications": specify("natgateway", s),
            },
            _created("NatGateway", "NatGatewayId"),
            when=lambda s: not _regional(s),
        ),
        Call(
            "ec2",
            "create_nat_gateway",
            lambda s: {
                **take("vpcId", "availabilityMode")(s),
                "TagSpecifications": specify("natgateway", s),
            },
            when=_regional,
            only_validated="moto has no regional NAT gateway",
        ),
    ),
    "aws:ec2/routeTable:RouteTable": (
        Call(
            "ec2",
            "create_route_table",
            lambda s: {"VpcId": s["vpcId"], "TagSpecifications": specify("route-table", s)},
            _created("RouteTable", "RouteTableId"),
        ),
    ),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": (
        Call(
            "ec2",
            "associate_route_table",
            take("subnetId", "routeTableId"),
            lambda answer: {"id": answer["AssociationId"]},
        ),
    ),
    "aws:ec2/route:Route": (
        Call(
            "ec2",
            "create_route",
            take(
                "routeTableId",
                "destinationCidrBlock",
                "destinationIpv6CidrBlock",
                "gatewayId",
                "natGatewayId",
                EgressOnlyInternetGatewayId="egressOnlyGatewayId",
            ),
        ),
    ),
    "aws:ec2/vpcEndpoint:VpcEndpoint": (
        Call(
            "ec2",
            "create_vpc_endpoint",
            lambda s: {
                **take(
                    "vpcId",
                    "serviceName",
                    "vpcEndpointType",
                    "routeTableIds",
                    "subnetIds",
                    "securityGroupIds",
                    "privateDnsEnabled",
                )(s),
                "TagSpecifications": specify("vpc-endpoint", s),
            },
            _created("VpcEndpoint", "VpcEndpointId"),
        ),
    ),
    "aws:ec2/flowLog:FlowLog": (
        Call(
            "ec2",
            "create_flow_logs",
            lambda s: {
                "ResourceIds": [s["vpcId"]],
                "ResourceType": "VPC",
                "TrafficType": s["trafficType"],
                "LogDestinationType": s["logDestinationType"],
                # moto finds the group by its name alone.
                "LogGroupName": s["logDestination"].rpartition(":log-group:")[2],
                "DeliverLogsPermissionArn": s["iamRoleArn"],
                "MaxAggregationInterval": s["maxAggregationInterval"],
                "TagSpecifications": specify("vpc-flow-log", s),
            },
            lambda answer: {"id": answer["FlowLogIds"][0]},
        ),
    ),
    "aws:ec2/managedPrefixList:ManagedPrefixList": (
        Call(
            "ec2",
            "create_managed_prefix_list",
            lambda s: {
                "PrefixListName": s["name"],
                "AddressFamily": s["addressFamily"],
                "MaxEntries": s["maxEntries"],
                "Entries": [
                    {"Cidr": entry["cidr"], "Description": entry["description"]}
                    for entry in s["entries"]
                ],
                "TagSpecifications": specify("prefix-list", s),
            },
            _created("PrefixList", "PrefixListId", arn="PrefixListArn"),
        ),
    ),
    "aws:ec2/securityGroup:SecurityGroup": (
        Call(
            "ec2",
            "create_security_group",
            lambda s: {
                "GroupName": s["name"],
                "Description": s["description"],
                "VpcId": s["vpcId"],
                "TagSpecifications": specify("security-group", s),
            },
            lambda answer: {"id": answer["GroupId"]},
        ),
        # The provider does the same: AWS opens every new group towards the world.
        Call(
            "ec2",
            "revoke_security_group_egress",
            lambda s: {
                "GroupId": s["id"],
                "IpPermissions": [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}],
            },
        ),
    ),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _rule("ingress"),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": _rule("egress"),
}
