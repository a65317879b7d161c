"""RDS's side of the living cloud: a PostgreSQL server for each instance that RDS's API knows.

What the API says is what is done: a new instance gets a server, a replica follows its source, one
that is no replica any more is promoted, and one that is gone is deleted with its data. An instance
of a restore test gets a copy of its source as it is now: nobody keeps the data of a snapshot here.
"""

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from arca.emulator.ecs.clock import minute_seconds
from arca.emulator.ecs.places import life
from arca.emulator.live.postgres import Postgres
from arca.emulator.live.processes import Ports

NAMESPACE, LAG = "AWS/RDS", "ReplicaLag"
"""Amazon RDS User Guide, "Amazon CloudWatch metrics for Amazon RDS"."""
RESTORED_FROM = "restored-from"
"""The tag with the source of a restored instance (arca/recovery/restored_instance.py)."""
BEAT_MINUTES = 5
"""From one transaction of RDS's own to the next; in simulated minutes, a second each. Source:
Amazon RDS User Guide, "Monitoring and tuning replication for RDS for PostgreSQL": without others
the lag reaches five minutes."""


@dataclass
class Instance:
    """An instance of RDS's API and its server."""

    arn: str
    identifier: str
    region: str
    created: datetime
    server: Postgres
    source: str | None = None
    """The ARN of the instance that it follows."""
    restored_as: tuple[str, str] | None = None
    """Its `address:port` and its life's name in the emulated cloud, for a restored instance."""
    promoted: bool = False
    """Whether it is known to take writes."""


class Databases:
    """The servers by the ARN of their instance.

    `client` returns a boto3 client by service and region, `owner` the name and the password of an
    instance's master user.
    """

    def __init__(
        self,
        home: Path,
        environment: Mapping[str, str],
        ports: Ports,
        client: Callable[[str, str], Any],
        owner: Callable[[str, str], tuple[str, str]],
    ) -> None:
        self._home, self._environment, self._ports = home, environment, ports
        self._client, self._owner = client, owner
        self.instances: dict[str, Instance] = {}
        self._next_beat = 0.0

    def reconcile(self, regions: Iterable[str], lost: frozenset[str]) -> None:
        """Do what RDS's API says in these regions; a lost region's servers are killed.

        Raises ArcaError where a server does not start, and what the API's calls raise.
        """
        for one in self.instances.values():
            if one.region in lost:
                one.server.kill()
        standing = [region for region in regions if region not in lost]
        known = {
            str(found["DBInstanceArn"]): (region, found)
            for region in standing
            for found in self._client("rds", region).describe_db_instances()["DBInstances"]
        }
        for arn in [*self.instances]:
            one = self.instances[arn]
            replaced = arn in known and known[arn][1]["InstanceCreateTime"] != one.created
            if one.region in standing and (arn not in known or replaced):
                self.instances.pop(arn).server.drop()
        # A source comes before its copies.
        for arn, (region, found) in sorted(
            known.items(), key=lambda item: bool(_source(item[1][1]) or _seed(item[1][1]))
        ):
            if arn in self.instances:
                self._change(self.instances[arn], self._resolve(found, region, known))
            else:
                self._make(arn, region, found, self._resolve(found, region, known))

    def measure(self, lost: frozenset[str]) -> None:
        """Publish each replica's lag, in the region of the replica as RDS does."""
        if time.monotonic() >= self._next_beat:
            self.beat(lost)
            self._next_beat = time.monotonic() + BEAT_MINUTES * minute_seconds()
        for one in self.instances.values():
            if one.source is None or one.region in lost or not one.server.running:
                continue
            self._client("cloudwatch", one.region).put_metric_data(
                Namespace=NAMESPACE,
                MetricData=[
                    {
                        "MetricName": LAG,
                        "Dimensions": [{"Name": "DBInstanceIdentifier", "Value": one.identifier}],
                        "Value": one.server.lag_seconds(),
                        "Unit": "Seconds",
                    }
                ],
            )

    def beat(self, lost: frozenset[str]) -> None:
        """Commit RDS's own transaction in each database that takes writes."""
        for one in self.instances.values():
            if one.promoted and one.region not in lost and one.server.running:
                one.server.beat()

    def stop(self) -> None:
        """End all servers; their data go with the directory."""
        for one in self.instances.values():
            one.server.kill()

    def _make(self, arn: str, region: str, found: Mapping[str, Any], source: str | None) -> None:
        identifier = str(found["DBInstanceIdentifier"])
        # A restored or replaced instance gets a directory of its own.
        name = f"{region}-{identifier}-{found['InstanceCreateTime']:%H%M%S%f}"
        server = Postgres(name, self._home, self._environment, self._ports.of(name))
        seed = self._seed(found, region)
        if server.made:
            server.resume()
        elif seed is not None:
            if not seed.running:
                return
            server.follow(seed)
        elif source is None:
            owner, password = self._owner(identifier, region)
            server.create(database=str(found["DBName"]), owner=owner, password=password)
        elif source in self.instances and self.instances[source].server.running:
            server.follow(self.instances[source].server)
        else:
            # Its region is lost: RDS cannot copy what it cannot read.
            return
        made = Instance(arn, identifier, region, found["InstanceCreateTime"], server, source)
        if seed is not None:
            at = found["Endpoint"]
            made.restored_as = (f"{at['Address']}:{at['Port']}", life(arn, made.created))
        self.instances[arn] = made
        self._change(made, source)
        if seed is not None:
            server.allow_amcheck(str(found["DBName"]), str(found["MasterUsername"]))

    def _seed(self, found: Mapping[str, Any], region: str) -> Postgres | None:
        """Return the server whose data a restored instance gets; None for any other instance."""
        identifier = _seed(found)
        servers = (
            one.server
            for one in self.instances.values()
            if (one.region, one.identifier) == (region, identifier)
        )
        return next(servers, None)

    def _change(self, one: Instance, source: str | None) -> None:
        one.server.start()
        if source is None and not one.promoted:
            if one.server.in_recovery():
                one.server.promote()
            one.source, one.promoted = None, True

    def _resolve(
        self, found: Mapping[str, Any], region: str, known: Mapping[str, Any]
    ) -> str | None:
        """Return a source's ARN; RDS names a source in the same region by its identifier."""
        source = _source(found)
        if source is None or source.startswith("arn:"):
            return source
        same = f":{region}:", f":db:{source}"
        everywhere = {*known, *self.instances}
        return next((arn for arn in everywhere if same[0] in arn and arn.endswith(same[1])), source)


def _source(found: Mapping[str, Any]) -> str | None:
    return found.get("ReadReplicaSourceDBInstanceIdentifier") or None


def _seed(found: Mapping[str, Any]) -> str | None:
    tags = {one["Key"]: one.get("Value", "") for one in found.get("TagList", ())}
    return tags.get(RESTORED_FROM)


def owner_reader(
    client: Callable[[str, str], Any], exports: Callable[[], Iterable[Mapping[str, Any]]]
) -> Callable[[str, str], tuple[str, str]]:
    """Return a function that reads an instance's owner from the secret of its stack."""

    def owner(identifier: str, region: str) -> tuple[str, str]:
        for one in exports():
            if (one["database"]["identifier"], one["region"]) == (identifier, region):
                found = client("secretsmanager", region).get_secret_value(
                    SecretId=one["secret_arns"]["database-owner"]
                )
                secret = json.loads(found["SecretString"])
                return str(secret["username"]), str(secret["password"])
        raise LookupError(f"no stack that is up has the database {identifier} in {region}")

    return owner
