"""The network (EC2)."""

from collections.abc import Mapping
from typing import Any

from arca.emulator.provider.resources.definition import (
    ApiCall,
    OutputTemplates,
    Resource,
    ResourceState,
    digest,
    tag_specifications,
    tags,
    take,
    take_outputs,
)


def _ec2_outputs(kind: str, identifier: str, name_input: str = "", **more: str) -> OutputTemplates:
    arn = f"arn:aws:ec2:{{region}}:{{account}}:{kind}/{{id}}"
    return OutputTemplates(f"{identifier}-{{hex}}", {"arn": arn, **more}, name_input)


def _rule(direction: str) -> tuple[ApiCall, ...]:
    peers = {
        "referencedSecurityGroupId": ("UserIdGroupPairs", "GroupId"),
        "prefixListId": ("PrefixListIds", "PrefixListId"),
        "cidrIpv4": ("IpRanges", "CidrIp"),
        "cidrIpv6": ("Ipv6Ranges", "CidrIpv6"),
    }

    def params(state: ResourceState) -> dict[str, Any]:
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
            "TagSpecifications": tag_specifications("security-group-rule", state),
        }

    return (ApiCall("ec2", f"authorize_security_group_{direction}", params),)


def _public_address(urn: str) -> str:
    """Return an address of the range for benchmarks, which nobody has (RFC 2544)."""
    third, fourth = bytes.fromhex(digest(urn))[:2]
    return f"198.18.{third}.{fourth}"


def _regional(state: ResourceState) -> bool:
    return state.get("availabilityMode") == "regional"


def _flow_log_destination(s: ResourceState) -> dict[str, Any]:
    """Return where flow logs go: a bucket, or a log group and the role that writes there."""
    if s["logDestinationType"] == "s3":
        # Moto only finds a bucket, and no folder in it.
        return {"LogDestination": s["logDestination"].partition("/")[0]}
    return {
        # Moto only finds a log group by its name.
        "LogGroupName": s["logDestination"].rpartition(":log-group:")[2],
        "DeliverLogsPermissionArn": s["iamRoleArn"],
    }


RESOURCES: Mapping[str, Resource] = {
    "aws:ec2/vpc:Vpc": Resource(
        _ec2_outputs("vpc", "vpc", ipv6CidrBlock="2600:1f1e:{hex4}:{hex2}00::/56"),
        calls=(
            ApiCall(
                "ec2",
                "create_vpc",
                lambda s: {
                    "CidrBlock": s["cidrBlock"],
                    "AmazonProvidedIpv6CidrBlock": s.get("assignGeneratedIpv6CidrBlock", False),
                    "TagSpecifications": tag_specifications("vpc", s),
                },
                take_outputs(id="Vpc.VpcId"),
            ),
            ApiCall(
                "ec2",
                "modify_vpc_attribute",
                lambda s: {"VpcId": s["id"], "EnableDnsSupport": {"Value": s["enableDnsSupport"]}},
            ),
            ApiCall(
                "ec2",
                "modify_vpc_attribute",
                lambda s: {
                    "VpcId": s["id"],
                    "EnableDnsHostnames": {"Value": s["enableDnsHostnames"]},
                },
            ),
            ApiCall(
                "ec2",
                "describe_security_groups",
                lambda s: {
                    "Filters": [
                        {"Name": "vpc-id", "Values": [s["id"]]},
                        {"Name": "group-name", "Values": ["default"]},
                    ]
                },
                take_outputs(defaultSecurityGroupId="SecurityGroups.0.GroupId"),
            ),
            ApiCall(
                "ec2",
                "describe_vpcs",
                lambda s: {"VpcIds": [s["id"]]},
                take_outputs(ipv6CidrBlock="Vpcs.0.Ipv6CidrBlockAssociationSet.0.Ipv6CidrBlock"),
                when=lambda s: bool(s.get("assignGeneratedIpv6CidrBlock")),
            ),
        ),
    ),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": Resource(
        _ec2_outputs("security-group", "sg"),
        calls=(
            ApiCall(
                "ec2",
                "describe_security_groups",
                lambda s: {
                    "Filters": [
                        {"Name": "vpc-id", "Values": [s["vpcId"]]},
                        {"Name": "group-name", "Values": ["default"]},
                    ]
                },
                take_outputs(
                    id="SecurityGroups.0.GroupId",
                    _ingress="SecurityGroups.0.IpPermissions",
                    _egress="SecurityGroups.0.IpPermissionsEgress",
                ),
            ),
            *(
                ApiCall(
                    "ec2",
                    f"revoke_security_group_{direction}",
                    lambda s, key=f"_{direction}": {"GroupId": s["id"], "IpPermissions": s[key]},
                    when=lambda s, key=f"_{direction}": bool(s[key]),
                )
                for direction in ("ingress", "egress")
            ),
            ApiCall("ec2", "create_tags", lambda s: {"Resources": [s["id"]], "Tags": tags(s)}),
        ),
        not_sent={
            "ingress": "every rule that the group has is revoked instead",
            "egress": "every rule that the group has is revoked instead",
        },
    ),
    "aws:ec2/subnet:Subnet": Resource(
        _ec2_outputs("subnet", "subnet"),
        calls=(
            ApiCall(
                "ec2",
                "create_subnet",
                lambda s: {
                    **take("vpcId", "cidrBlock", "availabilityZone", "ipv6CidrBlock")(s),
                    "TagSpecifications": tag_specifications("subnet", s),
                },
                take_outputs(id="Subnet.SubnetId"),
            ),
        ),
        not_sent={"mapPublicIpOnLaunch": "false is what AWS begins with"},
    ),
    "aws:ec2/internetGateway:InternetGateway": Resource(
        _ec2_outputs("internet-gateway", "igw"),
        calls=(
            ApiCall(
                "ec2",
                "create_internet_gateway",
                lambda s: {"TagSpecifications": tag_specifications("internet-gateway", s)},
                take_outputs(id="InternetGateway.InternetGatewayId"),
            ),
            ApiCall("ec2", "attach_internet_gateway", take("vpcId", InternetGatewayId="id")),
        ),
    ),
    "aws:ec2/egressOnlyInternetGateway:EgressOnlyInternetGateway": Resource(
        OutputTemplates("eigw-{hex}"),
        calls=(
            ApiCall(
                "ec2",
                "create_egress_only_internet_gateway",
                lambda s: {
                    "VpcId": s["vpcId"],
                    "TagSpecifications": tag_specifications("egress-only-internet-gateway", s),
                },
                take_outputs(id="EgressOnlyInternetGateway.EgressOnlyInternetGatewayId"),
            ),
        ),
    ),
    "aws:ec2/eip:Eip": Resource(
        _ec2_outputs("elastic-ip", "eipalloc", allocationId="{id}"),
        compute=lambda registration, _now: {"publicIp": _public_address(registration.urn)},
        calls=(
            ApiCall(
                "ec2",
                "allocate_address",
                lambda s: {
                    "Domain": s["domain"],
                    "TagSpecifications": tag_specifications("elastic-ip", s),
                },
                take_outputs(id="AllocationId", allocationId="AllocationId", publicIp="PublicIp"),
            ),
        ),
    ),
    "aws:ec2/natGateway:NatGateway": Resource(
        OutputTemplates("nat-{hex}"),
        calls=(
            ApiCall(
                "ec2",
                "create_nat_gateway",
                lambda s: {
                    **take("subnetId", "allocationId")(s),
                    "TagSpecifications": tag_specifications("natgateway", s),
                },
                take_outputs(id="NatGateway.NatGatewayId"),
                when=lambda s: not _regional(s),
            ),
            ApiCall(
                "ec2",
                "create_nat_gateway",
                lambda s: {
                    **take("vpcId", "availabilityMode", "availabilityZoneAddresses")(s),
                    "TagSpecifications": tag_specifications("natgateway", s),
                },
                when=_regional,
                only_validated="moto has no regional NAT gateway",
            ),
        ),
    ),
    "aws:ec2/routeTable:RouteTable": Resource(
        _ec2_outputs("route-table", "rtb"),
        calls=(
            ApiCall(
                "ec2",
                "create_route_table",
                lambda s: {
                    "VpcId": s["vpcId"],
                    "TagSpecifications": tag_specifications("route-table", s),
                },
                take_outputs(id="RouteTable.RouteTableId"),
            ),
        ),
    ),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": Resource(
        OutputTemplates("rtbassoc-{hex}"),
        calls=(
            ApiCall(
                "ec2",
                "associate_route_table",
                take("subnetId", "routeTableId"),
                take_outputs(id="AssociationId"),
            ),
        ),
    ),
    "aws:ec2/route:Route": Resource(
        OutputTemplates("r-{routeTableId}-{hex}"),
        calls=(
            ApiCall(
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
    ),
    "aws:ec2/vpcEndpoint:VpcEndpoint": Resource(
        _ec2_outputs("vpc-endpoint", "vpce"),
        calls=(
            ApiCall(
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
                    "TagSpecifications": tag_specifications("vpc-endpoint", s),
                },
                take_outputs(id="VpcEndpoint.VpcEndpointId"),
            ),
        ),
    ),
    "aws:ec2/flowLog:FlowLog": Resource(
        _ec2_outputs("vpc-flow-log", "fl"),
        calls=(
            ApiCall(
                "ec2",
                "create_flow_logs",
                lambda s: {
                    "ResourceIds": [s["vpcId"]],
                    "ResourceType": "VPC",
                    "TrafficType": s["trafficType"],
                    "LogDestinationType": s["logDestinationType"],
                    **_flow_log_destination(s),
                    "MaxAggregationInterval": s["maxAggregationInterval"],
                    "TagSpecifications": tag_specifications("vpc-flow-log", s),
                },
                take_outputs(id="FlowLogIds.0"),
            ),
        ),
    ),
    "aws:ec2/managedPrefixList:ManagedPrefixList": Resource(
        _ec2_outputs("prefix-list", "pl", "name"),
        calls=(
            ApiCall(
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
                    "TagSpecifications": tag_specifications("prefix-list", s),
                },
                take_outputs(id="PrefixList.PrefixListId", arn="PrefixList.PrefixListArn"),
            ),
        ),
    ),
    "aws:ec2/securityGroup:SecurityGroup": Resource(
        _ec2_outputs("security-group", "sg", "name"),
        calls=(
            ApiCall(
                "ec2",
                "create_security_group",
                lambda s: {
                    "GroupName": s["name"],
                    "Description": s["description"],
                    "VpcId": s["vpcId"],
                    "TagSpecifications": tag_specifications("security-group", s),
                },
                take_outputs(id="GroupId"),
            ),
            # The provider does the same, because AWS lets a new group send traffic everywhere.
            ApiCall(
                "ec2",
                "revoke_security_group_egress",
                lambda s: {
                    "GroupId": s["id"],
                    "IpPermissions": [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}],
                },
            ),
        ),
    ),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": Resource(
        _ec2_outputs("security-group-rule", "sgr"),
        calls=_rule("ingress"),
    ),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": Resource(
        _ec2_outputs("security-group-rule", "sgr"),
        calls=_rule("egress"),
    ),
}
