"""What EC2 and Route 53 refuse."""

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network

from arca.emulator.judges.refusals.definition import Fault, MadeCall, Refusal, text_rule

AUTHORIZE = ("ec2.authorize_security_group_ingress", "ec2.authorize_security_group_egress")
DESCRIPTION = r"[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]{0,255}"
DESCRIPTION_WORDS = "at most 255 of a-z, A-Z, 0-9, spaces and ._-:/()#,@[]+=&;{}!$*"


def _prefix_length(call: MadeCall, _earlier: Sequence[MadeCall]) -> Iterator[Fault]:
    block = call.params.get("CidrBlock")
    network = _network(block) if block is not None else None
    if block is not None and (network is None or not 16 <= network.prefixlen <= 28):
        yield Fault("CidrBlock", f"{block}; wanted: /16 to /28")


def _network(text: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


def _host_bits(call: MadeCall, _earlier: Sequence[MadeCall]) -> Iterator[Fault]:
    for rule in call.params.get("IpPermissions", []):
        for peer in rule.get("IpRanges", []):
            if str(_network(peer["CidrIp"])) != peer["CidrIp"]:
                says = f"{peer['CidrIp']} is no range, or has host bits set"
                yield Fault("IpPermissions.IpRanges.CidrIp", says)


def _entries(call: MadeCall, _earlier: Sequence[MadeCall]) -> Iterator[Fault]:
    count, most = len(call.params.get("Entries", [])), call.params["MaxEntries"]
    if count > most:
        yield Fault("Entries", f"{count} entries; MaxEntries is {most}")
    if call.params["PrefixListName"].startswith("com.amazonaws"):
        yield Fault("PrefixListName", "it begins with com.amazonaws")


def _interval(call: MadeCall, _earlier: Sequence[MadeCall]) -> Iterator[Fault]:
    seconds = call.params.get("MaxAggregationInterval", 600)
    if seconds not in (60, 600):
        yield Fault("MaxAggregationInterval", f"{seconds}; wanted: 60 or 600")


def _gateway_endpoint(call: MadeCall, _earlier: Sequence[MadeCall]) -> Iterator[Fault]:
    service = str(call.params["ServiceName"])
    gateway = call.params.get("VpcEndpointType", "Gateway") == "Gateway"
    if gateway and not service.endswith((".s3", ".dynamodb")):
        yield Fault("VpcEndpointType", f"{service} has no gateway endpoint")
    if not service.startswith(f"com.amazonaws.{call.region}."):
        yield Fault("ServiceName", f"{service} is not of {call.region}")


def _record_name(call: MadeCall, _earlier: Sequence[MadeCall]) -> Iterator[Fault]:
    for change in _records(call):
        name = str(change["Name"]).rstrip(".")
        labels = name.split(".")
        if len(name) > 255 or any(not 0 < len(one) <= 63 for one in labels):
            yield Fault("Name", f"{name}; wanted: labels of 1 to 63 characters, 255 in all")
        if any("*" in one for one in labels[1:]) or (len(labels[0]) > 1 and "*" in labels[0]):
            yield Fault("Name", f"{name}; an asterisk stands alone and first")


def _failover(call: MadeCall, earlier: Sequence[MadeCall]) -> Iterator[Fault]:
    others = [
        (before.params["HostedZoneId"], one["Name"], one["Type"], one.get("Failover"))
        for before in earlier
        if before.operation == call.operation
        for one in _records(before)
    ]
    for one in _records(call):
        role = one.get("Failover")
        mine = (call.params["HostedZoneId"], one["Name"], one["Type"], role)
        if role and mine in others:
            yield Fault("Failover", f"{one['Name']} has a {role} record already")
        if role and "SetIdentifier" not in one:
            yield Fault("SetIdentifier", "a failover record needs one")
        if role == "PRIMARY" and "AliasTarget" not in one and "HealthCheckId" not in one:
            yield Fault("HealthCheckId", "a primary record without an alias needs a health check")


def _alias_or_values(call: MadeCall, _earlier: Sequence[MadeCall]) -> Iterator[Fault]:
    for one in _records(call):
        if "AliasTarget" in one and ("TTL" in one or "ResourceRecords" in one):
            yield Fault("AliasTarget", "an alias has neither TTL nor ResourceRecords")
        if "AliasTarget" not in one and not ("TTL" in one and "ResourceRecords" in one):
            yield Fault("ResourceRecords", "a record that is no alias needs them and a TTL")


def _apex(call: MadeCall, earlier: Sequence[MadeCall]) -> Iterator[Fault]:
    zones = {
        str(one.params["Name"]).rstrip(".")
        for one in earlier
        if one.operation == "route53.create_hosted_zone"
    }
    for one in _records(call):
        if one["Type"] == "CNAME" and str(one["Name"]).rstrip(".") in zones:
            yield Fault("Type", f"CNAME at the apex of the zone {one['Name']}")


def _records(call: MadeCall) -> list[dict[str, object]]:
    return [one["ResourceRecordSet"] for one in call.params["ChangeBatch"]["Changes"]]


RECORDS = ("route53.change_resource_record_sets",)
REFUSALS = (
    Refusal(
        "description of a security group's rule",
        AUTHORIZE,
        "InvalidParameterValue",
        "Amazon EC2 API Reference, IpRange",
        text_rule(DESCRIPTION, DESCRIPTION_WORDS, "Description"),
    ),
    Refusal(
        "description of a security group",
        ("ec2.create_security_group",),
        "InvalidParameterValue",
        "Amazon EC2 API Reference, CreateSecurityGroup",
        text_rule(DESCRIPTION, DESCRIPTION_WORDS, "Description"),
    ),
    Refusal(
        "name of a security group",
        ("ec2.create_security_group",),
        "InvalidParameterValue",
        "Amazon EC2 API Reference, CreateSecurityGroup",
        text_rule(
            rf"(?!sg-){DESCRIPTION}", f"{DESCRIPTION_WORDS}; no sg- at the beginning", "GroupName"
        ),
    ),
    Refusal(
        "host bits in a security group's rule",
        AUTHORIZE,
        "InvalidParameterValue",
        "Amazon EC2 API Reference, IpRange",
        _host_bits,
    ),
    Refusal(
        "size of a VPC",
        ("ec2.create_vpc",),
        "InvalidVpc.Range",
        "Amazon VPC User Guide, VPC CIDR blocks",
        _prefix_length,
    ),
    Refusal(
        "size of a subnet",
        ("ec2.create_subnet",),
        "InvalidSubnet.Range",
        "Amazon VPC User Guide, Subnet CIDR blocks",
        _prefix_length,
    ),
    Refusal(
        "entries of a prefix list",
        ("ec2.create_managed_prefix_list",),
        "InvalidParameterValue",
        "Amazon EC2 API Reference, CreateManagedPrefixList",
        _entries,
    ),
    Refusal(
        "interval of a flow log",
        ("ec2.create_flow_logs",),
        "InvalidParameter",
        "Amazon EC2 API Reference, CreateFlowLogs",
        _interval,
    ),
    Refusal(
        "service of a VPC endpoint",
        ("ec2.create_vpc_endpoint",),
        "InvalidServiceName",
        "AWS PrivateLink Guide, Gateway endpoints",
        _gateway_endpoint,
    ),
    Refusal(
        "name of a record",
        RECORDS,
        "InvalidChangeBatch",
        "Amazon Route 53 Developer Guide, DNS domain name format",
        _record_name,
    ),
    Refusal(
        "failover records",
        RECORDS,
        "InvalidChangeBatch",
        "Amazon Route 53 Developer Guide, Values specific for failover records",
        _failover,
    ),
    Refusal(
        "alias or values of a record",
        RECORDS,
        "InvalidInput",
        "Amazon Route 53 API Reference, ResourceRecordSet",
        _alias_or_values,
    ),
    Refusal(
        "CNAME at the apex of a zone",
        RECORDS,
        "InvalidChangeBatch",
        "Amazon Route 53 Developer Guide, Supported DNS record types",
        _apex,
    ),
)
