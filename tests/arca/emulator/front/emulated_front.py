"""The front in this process, in front of an emulated cloud with two regions in this process."""

import asyncio
import http.client
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

from arca.emulator.front.front import Front, FrontSettings
from arca.emulator.front.ready import Ready, read_ready
from tests.arca.emulator.ecs.emulated_ecs import Emulated, wait_for

ZONE = "origin.example"
PUBLIC, ORIGIN = "api.example", f"api.{ZONE}"
PRIMARY, SECONDARY = "sa-east-1", "us-east-1"


def regional(region: str) -> str:
    """Return a region's public name."""
    return f"api-{region}.example"


@dataclass(frozen=True)
class Stack:
    """A stack's load balancer in the emulated cloud."""

    elb: Any
    region: str
    balancer: str
    dns_name: str
    blue: str
    green: str
    production: str
    """The production rule."""
    listener: str
    """The production listener."""

    def weigh(self, blue: int, green: int) -> None:
        """Shift the weights, as ECS does."""
        groups = [
            {"TargetGroupArn": arn, "Weight": weight}
            for arn, weight in ((self.blue, blue), (self.green, green))
        ]
        action = {"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}
        self.elb.modify_rule(RuleArn=self.production, Actions=[action])

    def register(self, group: str, *ports: int, address: str = "127.0.0.1") -> None:
        """Register targets."""
        targets = [{"Id": address, "Port": port} for port in ports]
        self.elb.register_targets(TargetGroupArn=group, Targets=targets)

    def deregister(self, group: str, *ports: int) -> None:
        """Deregister targets."""
        targets = [{"Id": "127.0.0.1", "Port": port} for port in ports]
        self.elb.deregister_targets(TargetGroupArn=group, Targets=targets)


def make_stack(cloud: Emulated, region: str) -> Stack:
    """Create a load balancer as components/load_balancer.py declares it."""
    elb, ec2 = cloud.client("elbv2", region=region), cloud.client("ec2", region=region)
    vpcs = ec2.describe_vpcs(Filters=[{"Name": "cidr", "Values": ["10.9.0.0/16"]}])["Vpcs"]
    vpc = (vpcs[0] if vpcs else ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"])["VpcId"]
    subnets = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]
    if not subnets:
        subnets = [
            ec2.create_subnet(
                VpcId=vpc, CidrBlock=f"10.9.{number}.0/24", AvailabilityZone=f"{region}{zone}"
            )["Subnet"]
            for number, zone in enumerate("ab")
        ]
    balancer = elb.create_load_balancer(
        Name=f"front-{region}", Subnets=[one["SubnetId"] for one in subnets]
    )["LoadBalancers"][0]
    arn = balancer["LoadBalancerArn"]
    blue, green = (
        elb.create_target_group(Name=name, Protocol="HTTP", Port=8080, VpcId=vpc, TargetType="ip")[
            "TargetGroups"
        ][0]["TargetGroupArn"]
        for name in ("blue", "green")
    )
    answer = {
        "Type": "fixed-response",
        "FixedResponseConfig": {"StatusCode": "421", "MessageBody": "Misdirected request"},
    }
    rules: list[str] = []
    listeners: list[str] = []
    for port, condition in (
        (443, {"Field": "host-header", "HostHeaderConfig": {"Values": [PUBLIC, regional(region)]}}),
        (8443, {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/*"]}}),
    ):
        listener = elb.create_listener(
            LoadBalancerArn=arn, Protocol="HTTP", Port=port, DefaultActions=[answer]
        )["Listeners"][0]["ListenerArn"]
        listeners.append(listener)
        groups = [
            {"TargetGroupArn": blue, "Weight": 100 if port == 443 else 0},
            {"TargetGroupArn": green, "Weight": 0 if port == 443 else 100},
        ]
        rules.append(
            elb.create_rule(
                ListenerArn=listener,
                Priority=10,
                Conditions=[condition],
                Actions=[{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}],
            )["Rules"][0]["RuleArn"]
        )
    return Stack(elb, region, arn, balancer["DNSName"], blue, green, rules[0], listeners[0])


class Dns:
    """The origin zone, as components/dns.py declares it."""

    def __init__(self, cloud: Emulated) -> None:
        self._route53 = cloud.client("route53", region="us-east-1")
        zone = self._route53.create_hosted_zone(Name=ZONE, CallerReference="zone")
        self._zone = zone["HostedZone"]["Id"]
        child = self._check("HTTPS", FullyQualifiedDomainName="x.example")
        self.lever = self._check("CALCULATED", HealthThreshold=0, ChildHealthChecks=[child])

    def _check(self, kind: str, **more: Any) -> str:
        made = self._route53.create_health_check(
            CallerReference=kind, HealthCheckConfig={"Type": kind, **more}
        )
        return made["HealthCheck"]["Id"]

    def add(self, stack: Stack, half: str) -> None:
        """Add a region's own record, and its half of the failover pair."""
        alias = {"HostedZoneId": "Z1", "DNSName": stack.dns_name, "EvaluateTargetHealth": False}
        pair: dict[str, Any] = {"SetIdentifier": half.lower(), "Failover": half}
        if half == "PRIMARY":
            pair["HealthCheckId"] = self.lever
        for name, more in ((ORIGIN, pair), (f"{stack.region}.{ZONE}", {})):
            record = {"Name": name, "Type": "A", "AliasTarget": alias, **more}
            self._route53.change_resource_record_sets(
                HostedZoneId=self._zone,
                ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]},
            )

    def pull(self, *, inverted: bool) -> None:
        """Pull the lever, or put it back."""
        self._route53.update_health_check(HealthCheckId=self.lever, Inverted=inverted)


def write_exports(folder: Path, stack: str, region: str) -> None:
    """Write what the front reads of a stack's exports."""
    folder.mkdir(parents=True, exist_ok=True)
    edge = {
        "url": f"https://{PUBLIC}",
        "regional_url": f"https://{regional(region)}",
        "origin_name": ORIGIN,
        "regional_origin_name": f"{region}.{ZONE}",
    }
    exports = {"stack": stack, "region": region, "edge": edge}
    (folder / f"{stack}.json").write_text(json.dumps(exports), encoding="utf-8")


@dataclass(frozen=True)
class Answer:
    """An answer that a client got."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)

    @property
    def name(self) -> str:
        """The name of the target that answered, or the status."""
        return str(self.json["name"]) if self.status == 200 else str(self.status)

    def sent(self) -> dict[str, str]:
        """Return the headers that the target got, by their names in lower case."""
        return {name.lower(): value for name, value in self.json["headers"]}


class RunningFront:
    """A front that serves in a thread."""

    def __init__(self, cloud: Emulated, folder: Path, **settings: Any) -> None:
        self.lost: set[str] = set()
        """Regions whose API refuses every call."""
        self._cloud, self._stop = cloud, asyncio.Event()
        self._file = folder / "ready.json"
        chosen: dict[str, Any] = {"poll_seconds": 3600, "dns_cache_seconds": 0.0, **settings}
        self.front = Front(
            FrontSettings(
                exports=folder / "exports",
                ready=self._file,
                **chosen,
            ),
            self._client,
            time.monotonic,
        )
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._serve, daemon=True)
        self._thread.start()
        wait_for(lambda: self._file.exists() or not self._thread.is_alive(), "the ready file")
        self._customers = http.client.HTTPConnection(
            urlsplit(self.ready.customers).netloc, timeout=30
        )

    def _client(self, service: str, region: str) -> Any:
        if region in self.lost:
            message = f"{region} is lost"
            raise OSError(message)
        return self._cloud.client(service, region=region)

    def _serve(self) -> None:
        self._loop.run_until_complete(self.front.serve(self._stop))

    @property
    def ready(self) -> Ready:
        """Where the front listens now."""
        return read_ready(self._file)

    def close(self) -> None:
        """End the front, which finishes its requests in flight."""
        self._customers.close()
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(60)
        assert not self._thread.is_alive()
        self._loop.close()
        assert not self._file.exists()

    def settle(self) -> None:
        """Let the front read all of the cloud now."""
        assert self.control("POST", "/front/refresh").status == 200

    def ask(
        self,
        path: str = "/v1/status",
        *,
        method: str = "GET",
        host: str = PUBLIC,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a customer's request, on the same connection as the one before."""
        return exchange(self._customers, method, path, body, {"Host": host, **(headers or {})})

    def at_listener(self, region: str, port: int, host: str, path: str = "/") -> Answer:
        """Send a request to a load balancer's listener; raises OSError where nobody listens."""
        (found,) = [one for one in self.ready.balancers if one.region == region]
        connection = http.client.HTTPConnection(
            urlsplit(found.listeners[str(port)]).netloc, timeout=30
        )
        try:
            return exchange(connection, "GET", path, None, {"Host": host})
        finally:
            connection.close()

    def control(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Call a control path."""
        connection = http.client.HTTPConnection(urlsplit(self.ready.control).netloc, timeout=30)
        content = None if body is None else json.dumps(body)
        try:
            return exchange(connection, method, path, content, headers or {})
        finally:
            connection.close()

    def kill(self, *regions: str) -> None:
        """Tell the front which regions are dead."""
        answer = self.control("PUT", "/front/regions", {"dead": list(regions)})
        assert (answer.status, answer.json) == (200, {"dead": sorted(regions)})


def exchange(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: Any,
    headers: Mapping[str, str],
) -> Answer:
    """Send a request and read the whole answer."""
    chunked = "Transfer-Encoding" in headers
    connection.request(method, path, body, dict(headers), encode_chunked=chunked)
    found = connection.getresponse()
    return Answer(found.status, found.getheaders(), found.read())
