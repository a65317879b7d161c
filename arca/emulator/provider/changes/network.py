"""Changes of the network (EC2)."""

from collections.abc import Mapping
from typing import Any

from arca.emulator.provider.changes import tags
from arca.emulator.provider.changes.definition import (
    Changes,
    Update,
    before,
    gone_from,
    new_in,
    replaced_by,
)
from arca.emulator.provider.resources import CALLS
from arca.emulator.provider.resources.definition import ApiCall, ResourceState, take

_VPC = "aws:ec2/vpc:Vpc"
_DESTINATIONS = ("destinationCidrBlock", "destinationIpv6CidrBlock")
_GATEWAYS = ("gatewayId", "natGatewayId", "egressOnlyGatewayId")
SIMULATED_RULE = "the emulator makes up the rule's id"


def _delete(operation: str, *names: str, **renamed: str) -> tuple[ApiCall, ...]:
    return (ApiCall("ec2", operation, take(*names, **renamed)),)


def _modified_endpoint(s: ResourceState) -> dict[str, Any]:
    members = {
        "RouteTableIds": "routeTableIds",
        "SubnetIds": "subnetIds",
        "SecurityGroupIds": "securityGroupIds",
    }
    found: dict[str, Any] = {"VpcEndpointId": s["id"]}
    for api, name in members.items():
        found |= {f"Add{api}": added} if (added := new_in(s, name)) else {}
        found |= {f"Remove{api}": removed} if (removed := gone_from(s, name)) else {}
    return found


def _rule(direction: str) -> Changes:
    """Return the changes of a rule: it is revoked by what it permits."""
    token = f"aws:vpc/securityGroup{direction}Rule:SecurityGroup{direction}Rule"
    (authorize,) = CALLS[token]

    def permits(s: ResourceState) -> dict[str, Any]:
        params = authorize.params(s)
        return {"GroupId": params["GroupId"], "IpPermissions": params["IpPermissions"]}

    name = direction.lower()
    revoke = ApiCall("ec2", f"revoke_security_group_{name}", permits)
    inputs = (
        "cidrIpv4",
        "cidrIpv6",
        "description",
        "fromPort",
        "ipProtocol",
        "prefixListId",
        "referencedSecurityGroupId",
        "toPort",
    )
    return Changes(
        replaces=replaced_by("securityGroupId"),
        updates=(
            # One call on AWS, ModifySecurityGroupRules, which moto lacks; the effect is the same.
            Update(
                inputs,
                (
                    ApiCall("ec2", f"revoke_security_group_{name}", lambda s: permits(before(s))),
                    authorize,
                ),
            ),
            *tags.of_ec2(only_validated=SIMULATED_RULE),
        ),
        deletes=(revoke,),
    )


CHANGES: Mapping[str, Changes] = {
    _VPC: Changes(
        replaces=replaced_by("cidrBlock"),
        updates=(
            Update(("enableDnsSupport",), (CALLS[_VPC][1],)),
            Update(("enableDnsHostnames",), (CALLS[_VPC][2],)),
            *tags.of_ec2(),
        ),
        deletes=_delete("delete_vpc", VpcId="id"),
    ),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": Changes(
        replaces=replaced_by("vpcId"),
        updates=tags.of_ec2(),
        stays="a VPC's own security group goes with the VPC",
    ),
    "aws:ec2/subnet:Subnet": Changes(
        replaces=replaced_by("availabilityZone", "cidrBlock", "vpcId"),
        updates=(
            Update(
                ("mapPublicIpOnLaunch",),
                (
                    ApiCall(
                        "ec2",
                        "modify_subnet_attribute",
                        lambda s: {
                            "SubnetId": s["id"],
                            "MapPublicIpOnLaunch": {"Value": s["mapPublicIpOnLaunch"]},
                        },
                    ),
                ),
            ),
            *tags.of_ec2(),
        ),
        deletes=_delete("delete_subnet", SubnetId="id"),
        delete_first=True,
    ),
    "aws:ec2/internetGateway:InternetGateway": Changes(
        updates=tags.of_ec2(),
        deletes=(
            *_delete("detach_internet_gateway", "vpcId", InternetGatewayId="id"),
            *_delete("delete_internet_gateway", InternetGatewayId="id"),
        ),
    ),
    "aws:ec2/egressOnlyInternetGateway:EgressOnlyInternetGateway": Changes(
        replaces=replaced_by("vpcId"),
        updates=tags.of_ec2(),
        deletes=_delete("delete_egress_only_internet_gateway", EgressOnlyInternetGatewayId="id"),
    ),
    "aws:ec2/eip:Eip": Changes(
        replaces=replaced_by("domain"),
        updates=tags.of_ec2(),
        deletes=_delete("release_address", AllocationId="id"),
    ),
    "aws:ec2/natGateway:NatGateway": Changes(
        replaces=replaced_by("allocationId", "subnetId", "availabilityMode", "vpcId"),
        updates=tags.of_ec2(),
        deletes=(
            ApiCall(
                "ec2",
                "delete_nat_gateway",
                take(NatGatewayId="id"),
                when=lambda s: s.get("availabilityMode") != "regional",
            ),
            ApiCall(
                "ec2",
                "delete_nat_gateway",
                take(NatGatewayId="id"),
                when=lambda s: s.get("availabilityMode") == "regional",
                only_validated="moto has no regional NAT gateway",
            ),
        ),
    ),
    "aws:ec2/routeTable:RouteTable": Changes(
        replaces=replaced_by("vpcId"),
        updates=tags.of_ec2(),
        deletes=_delete("delete_route_table", RouteTableId="id"),
    ),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": Changes(
        replaces=replaced_by("subnetId"),
        updates=(
            Update(
                ("routeTableId",),
                (
                    ApiCall(
                        "ec2",
                        "replace_route_table_association",
                        take("routeTableId", AssociationId="id"),
                        lambda answer: {"id": answer["NewAssociationId"]},
                    ),
                ),
            ),
        ),
        deletes=_delete("disassociate_route_table", AssociationId="id"),
        delete_first=True,
    ),
    "aws:ec2/route:Route": Changes(
        replaces=replaced_by("routeTableId", *_DESTINATIONS),
        updates=(
            Update(
                _GATEWAYS,
                (
                    ApiCall(
                        "ec2",
                        "replace_route",
                        take(
                            "routeTableId",
                            "gatewayId",
                            "natGatewayId",
                            *_DESTINATIONS,
                            EgressOnlyInternetGatewayId="egressOnlyGatewayId",
                        ),
                    ),
                ),
            ),
        ),
        deletes=_delete("delete_route", "routeTableId", *_DESTINATIONS),
        delete_first=True,
    ),
    "aws:ec2/vpcEndpoint:VpcEndpoint": Changes(
        replaces=replaced_by("serviceName", "vpcEndpointType", "vpcId"),
        updates=(
            Update(
                ("routeTableIds", "subnetIds", "securityGroupIds"),
                (ApiCall("ec2", "modify_vpc_endpoint", _modified_endpoint),),
            ),
            *tags.of_ec2(),
        ),
        deletes=(ApiCall("ec2", "delete_vpc_endpoints", lambda s: {"VpcEndpointIds": [s["id"]]}),),
    ),
    "aws:ec2/flowLog:FlowLog": Changes(
        replaces=replaced_by(
            "iamRoleArn",
            "logDestination",
            "logDestinationType",
            "maxAggregationInterval",
            "trafficType",
            "vpcId",
        ),
        updates=tags.of_ec2(),
        deletes=(ApiCall("ec2", "delete_flow_logs", lambda s: {"FlowLogIds": [s["id"]]}),),
    ),
    "aws:ec2/managedPrefixList:ManagedPrefixList": Changes(
        replaces=replaced_by("addressFamily"),
        updates=(
            Update(
                ("entries",),
                (
                    ApiCall(
                        "ec2",
                        "describe_managed_prefix_lists",
                        lambda s: {"PrefixListIds": [s["id"]]},
                        lambda answer: {"_version": answer["PrefixLists"][0]["Version"]},
                    ),
                    ApiCall(
                        "ec2",
                        "modify_managed_prefix_list",
                        lambda s: {
                            "PrefixListId": s["id"],
                            "CurrentVersion": s["_version"],
                            "AddEntries": [
                                {"Cidr": one["cidr"], "Description": one["description"]}
                                for one in new_in(s, "entries")
                            ],
                            "RemoveEntries": [
                                {"Cidr": one["cidr"]} for one in gone_from(s, "entries")
                            ],
                        },
                    ),
                ),
            ),
            *tags.of_ec2(),
        ),
        deletes=_delete("delete_managed_prefix_list", PrefixListId="id"),
    ),
    "aws:ec2/securityGroup:SecurityGroup": Changes(
        replaces=replaced_by("description", "name", "vpcId"),
        updates=tags.of_ec2(),
        deletes=_delete("delete_security_group", GroupId="id"),
        name="name",
    ),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _rule("Ingress"),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": _rule("Egress"),
}
