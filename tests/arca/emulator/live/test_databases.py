"""Databases that follow what RDS's API says: moto in this process, and real servers."""

import json
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from arca.emulator.ecs import moto_databases
from arca.emulator.live.databases import LAG, NAMESPACE, Databases, owner_reader
from arca.emulator.live.postgres import Postgres
from arca.emulator.live.processes import Ports
from tests.arca.emulator.ecs.emulated_ecs import Emulated, fresh, wait_for
from tests.arca.emulator.live.standing import DATABASE, OWNER, PASSWORD, Home, ask, forget

HERE, THERE = "sa-east-1", "us-east-1"
REGIONS = (HERE, THERE)
NOTHING = frozenset[str]()


class Rds:
    """The instances of the emulated RDS, and the servers that stand for them."""

    def __init__(self, cloud: Emulated, home: Home) -> None:
        self._cloud, self._home = cloud, home
        self.databases = self.successor()

    def client(self, service: str, region: str) -> Any:
        """Return a client of the emulated AWS."""
        return self._cloud.client(service, region=region)

    def successor(self) -> Databases:
        """Return what a next process would work with."""
        return Databases(
            self._home.path,
            self._home.environment,
            Ports(self._home.path / "ports.json"),
            self.client,
            lambda _identifier, _region: (OWNER, PASSWORD),
        )

    def create(self, name: str = "prod") -> str:
        """Create an instance; returns its ARN."""
        made = self.client("rds", HERE).create_db_instance(
            DBInstanceIdentifier=name,
            DBInstanceClass="db.t4g.micro",
            Engine="postgres",
            DBName=DATABASE,
            MasterUsername=OWNER,
            MasterUserPassword=PASSWORD,
            AllocatedStorage=20,
        )
        return str(made["DBInstance"]["DBInstanceArn"])

    def copy(self, source: str) -> str:
        """Create a replica in the other region; returns its ARN."""
        made = self.client("rds", THERE).create_db_instance_read_replica(
            DBInstanceIdentifier="dr", SourceDBInstanceIdentifier=source, SourceRegion=HERE
        )
        return str(made["DBInstance"]["DBInstanceArn"])

    def delete(self, region: str, name: str) -> None:
        """Delete an instance."""
        self.client("rds", region).delete_db_instance(
            DBInstanceIdentifier=name, SkipFinalSnapshot=True
        )

    def look(self, *lost: str) -> None:
        """Reconcile once, while some regions are lost."""
        self.databases.reconcile(REGIONS, frozenset(lost))

    def server(self, arn: str) -> Any:
        """Return the server of an instance."""
        return self.databases.instances[arn].server


def last_transaction(standby: Postgres) -> float:
    """Return when the last transaction that a standby replayed was committed, or a bit later."""
    return -standby.lag_seconds() + time.time()


@pytest.fixture
def rds(home: Home) -> Iterator[Rds]:
    """No instance, and no server."""
    forget("rds")
    yield Rds(fresh(), home)
    forget("rds")


def test_a_replica_follows_is_measured_survives_its_region_and_is_promoted(rds: Rds) -> None:
    """A lost region's server is killed, and gets its data back with the region."""
    prod = rds.create()
    dr = rds.copy(prod)
    rds.look()
    ask(rds.server(prod), "CREATE TABLE kept (n int)")
    ask(rds.server(prod), "INSERT INTO kept VALUES (1)")
    wait_for(lambda: rds.server(dr).lag_seconds() > 0.5, "an age that grows without writers")
    before = time.time()
    rds.databases.measure(NOTHING)
    wait_for(lambda: last_transaction(rds.server(dr)) > before, "RDS's own transaction")
    (lag,) = rds.client("cloudwatch", THERE).list_metrics(Namespace=NAMESPACE)["Metrics"]
    assert lag["MetricName"] == LAG
    assert lag["Dimensions"] == [{"Name": "DBInstanceIdentifier", "Value": "dr"}]
    assert rds.client("cloudwatch", HERE).list_metrics(Namespace=NAMESPACE)["Metrics"] == []

    rds.look(HERE)
    assert (rds.server(prod).running, rds.server(dr).running) == (False, True)
    assert rds.databases.instances[dr].source == prod
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        ask(rds.server(dr), "INSERT INTO kept VALUES (2)")

    rds.client("rds", THERE).promote_read_replica(DBInstanceIdentifier="dr")
    rds.look(HERE)
    ask(rds.server(dr), "INSERT INTO kept VALUES (2)")
    assert rds.databases.instances[dr].source is None

    rds.look()
    assert ask(rds.server(prod), "SELECT n FROM kept") == [(1,)]
    assert ask(rds.server(dr), "SELECT n FROM kept ORDER BY n") == [(1,), (2,)]
    rds.delete(THERE, "dr")
    gone = rds.server(dr)
    rds.look()
    assert not gone.running
    assert not gone.made
    assert rds.databases.instances.keys() == {prod}


def test_a_replica_waits_for_a_source_that_is_lost(rds: Rds) -> None:
    """RDS copies nothing that it cannot read; no other part of a look is kept up."""
    prod = rds.create()
    rds.look()
    dr = rds.copy(prod)
    rds.look(HERE)
    assert rds.databases.instances.keys() == {prod}
    rds.databases.stop()
    # A process that begins now does not even know of the source.
    rds.databases = rds.successor()
    rds.look(HERE)
    assert rds.databases.instances == {}
    rds.look()
    assert rds.server(dr).in_recovery()


def test_an_instance_that_is_replaced_is_empty(rds: Rds) -> None:
    """The same identifier with another moment of its creation is another instance."""
    arn = rds.create()
    rds.look()
    before = rds.server(arn)
    ask(before, "CREATE TABLE kept (n int)")
    rds.look()
    assert rds.server(arn) is before
    rds.delete(HERE, "prod")
    assert rds.create() == arn
    rds.look()
    assert not before.running
    assert ask(rds.server(arn), "SELECT to_regclass('kept')") == [(None,)]


def test_a_next_process_goes_on_with_the_data(rds: Rds) -> None:
    """On the same ports, also with a promotion that happened in between."""
    prod = rds.create()
    dr = rds.copy(prod)
    rds.look()
    ask(rds.server(prod), "CREATE TABLE kept (n int)")
    ports = rds.server(prod).port, rds.server(dr).port
    rds.databases.stop()
    rds.client("rds", THERE).promote_read_replica(DBInstanceIdentifier="dr")
    rds.databases = rds.successor()
    # A copy that is there needs no source.
    rds.look(HERE)
    assert rds.databases.instances.keys() == {dr}
    rds.look()
    assert (rds.server(prod).port, rds.server(dr).port) == ports
    ask(rds.server(prod), "INSERT INTO kept VALUES (1)")
    assert not rds.server(dr).in_recovery()


def test_the_owner_is_read_from_the_stacks_secret() -> None:
    """Of the stack that has this instance in this region; none is an error that names it."""
    cloud = fresh()
    secret = cloud.client("secretsmanager").create_secret(
        Name="live-owner", SecretString=json.dumps({"username": "o", "password": "p"})
    )["ARN"]
    exports = {
        "region": HERE,
        "database": {"identifier": "prod"},
        "secret_arns": {"database-owner": secret},
    }
    read = owner_reader(
        lambda service, region: cloud.client(service, region=region), lambda: [exports]
    )
    assert read("prod", HERE) == ("o", "p")
    with pytest.raises(LookupError, match="no stack that is up has the database prod in us-east-1"):
        read("prod", THERE)


def test_a_restored_instance_gets_a_copy_that_takes_writes(rds: Rds) -> None:
    """It goes its own way from its source, and is deleted though the source is protected."""
    prod = rds.create()
    client = rds.client("rds", HERE)
    client.modify_db_instance(DBInstanceIdentifier="prod", DeletionProtection=True)
    rds.look()
    ask(rds.server(prod), "CREATE TABLE kept (n int)")
    ask(rds.server(prod), "INSERT INTO kept VALUES (1)")
    made = client.restore_db_instance_to_point_in_time(
        SourceDBInstanceIdentifier="prod",
        TargetDBInstanceIdentifier="copy",
        UseLatestRestorableTime=True,
        DeletionProtection=False,
        BackupRetentionPeriod=0,
        Tags=[{"Key": "restored-from", "Value": "prod"}],
    )["DBInstance"]
    assert (made["DeletionProtection"], made["BackupRetentionPeriod"]) == (False, 0)
    assert "ReadReplicaSourceDBInstanceIdentifier" not in made
    rds.look()
    copy = made["DBInstanceArn"]
    ask(rds.server(copy), "INSERT INTO kept VALUES (2)")
    assert ask(rds.server(prod), "SELECT n FROM kept") == [(1,)]
    assert ask(rds.server(copy), "SELECT n FROM kept ORDER BY n") == [(1,), (2,)]
    assert rds.databases.instances[prod].restored_as is None
    ask(rds.server(copy), "CREATE EXTENSION IF NOT EXISTS amcheck")
    ask(rds.server(copy), "SELECT * FROM verify_heapam('kept')")
    gone = rds.server(copy)
    rds.delete(HERE, "copy")
    rds.look()
    assert not gone.running
    assert rds.databases.instances.keys() == {prod}


def test_a_restored_instance_is_available_once_its_own_server_is(rds: Rds) -> None:
    """Not by the server of an instance before it that had the same name and address."""
    rds.create()
    client, tags = rds.client("rds", HERE), [{"Key": "restored-from", "Value": "prod"}]

    def restore() -> str:
        return client.restore_db_instance_to_point_in_time(
            SourceDBInstanceIdentifier="prod",
            TargetDBInstanceIdentifier="copy",
            UseLatestRestorableTime=True,
            Tags=tags,
        )["DBInstance"]["DBInstanceArn"]

    def status() -> str:
        found = client.describe_db_instances(DBInstanceIdentifier="copy")["DBInstances"]
        return str(found[0]["DBInstanceStatus"])

    def served() -> dict[str, str]:
        names = rds.databases.instances[arn].restored_as or ()
        return dict.fromkeys(names, "127.0.0.1:1")

    moto_databases.serve({"a:1": "127.0.0.1:1"})
    try:
        arn = restore()
        assert status() == "creating"
        rds.look()
        old = served()
        moto_databases.serve(old)
        assert status() == "available"
        rds.delete(HERE, "copy")
        assert restore() == arn
        moto_databases.serve(old)
        assert status() == "creating"
        rds.look()
        moto_databases.serve(served())
        assert status() == "available"
    finally:
        moto_databases.serve({})
