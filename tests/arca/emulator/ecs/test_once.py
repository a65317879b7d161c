"""Tests of requests that are carried out once, and of promotions in moto's RDS."""

from collections.abc import Iterable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from werkzeug.test import run_wsgi_app
from werkzeug.wrappers import Response

from arca.emulator.ecs.once import KEPT, VARIABLE, Once
from tests.arca.emulator.ecs.emulated_ecs import Emulated


class Counter:
    """A site that answers how often it was asked, with a status."""

    def __init__(self) -> None:
        self.asked, self.status = 0, 200

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Count a request."""
        self.asked += 1
        return Response(str(self.asked), self.status)(environ, start_response)


def ask(site: Once, key: str = "") -> bytes:
    """Return the body of an answer."""
    environ = {"REQUEST_METHOD": "GET", **({VARIABLE: key} if key else {})}
    return b"".join(run_wsgi_app(site, environ)[0])


def test_a_repeat_gets_the_first_answer() -> None:
    """Only requests with the same key are one request."""
    site = Once(Counter())
    assert [ask(site, "a"), ask(site, "a"), ask(site, "b"), ask(site), ask(site)] == [
        b"1",
        b"1",
        b"2",
        b"3",
        b"4",
    ]


def test_a_refused_request_is_tried_again() -> None:
    """A refusal changed nothing, so its repeat may succeed."""
    counter = Counter()
    site, counter.status = Once(counter), 400
    assert ask(site, "a") == b"1"
    counter.status = 200
    assert [ask(site, "a"), ask(site, "a")] == [b"2", b"2"]


def test_the_oldest_answer_is_forgotten() -> None:
    """The memory of the server stays small."""
    site = Once(Counter())
    for number in range(KEPT + 1):
        ask(site, str(number))
    assert ask(site, str(KEPT)) == str(KEPT + 1).encode()
    assert ask(site, "0") == str(KEPT + 2).encode()


def test_a_modified_subnet_group_stays(cloud: Emulated) -> None:
    """Moto alone loses it, so that the next change would fail."""
    rds, ec2 = cloud.client("rds"), cloud.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.0.0/24")["Subnet"]["SubnetId"]
    rds.create_db_subnet_group(
        DBSubnetGroupName="one", DBSubnetGroupDescription="x", SubnetIds=[subnet]
    )
    for described in ("y", "z"):
        rds.modify_db_subnet_group(
            DBSubnetGroupName="one", DBSubnetGroupDescription=described, SubnetIds=[subnet]
        )
    (group,) = rds.describe_db_subnet_groups(DBSubnetGroupName="one")["DBSubnetGroups"]
    assert group["DBSubnetGroupDescription"] == "z"


def test_a_promotion_shows_on_both_sides(cloud: Emulated) -> None:
    """A promoted replica names no source, and its source no replica."""
    here, there = (cloud.client("rds", region=region) for region in ("sa-east-1", "us-east-1"))
    here.create_db_instance(
        DBInstanceIdentifier="one",
        DBInstanceClass="db.t4g.small",
        Engine="postgres",
        AllocatedStorage=20,
        MasterUsername="owner",
        MasterUserPassword="made-up-here",
    )
    source = here.describe_db_instances()["DBInstances"][0]["DBInstanceArn"]
    there.create_db_instance_read_replica(
        DBInstanceIdentifier="two", SourceDBInstanceIdentifier=source
    )

    def shown() -> tuple[Any, Any]:
        first = here.describe_db_instances(DBInstanceIdentifier="one")["DBInstances"][0]
        second = there.describe_db_instances(DBInstanceIdentifier="two")["DBInstances"][0]
        return (
            len(first["ReadReplicaDBInstanceIdentifiers"]),
            second.get("ReadReplicaSourceDBInstanceIdentifier"),
        )

    assert shown() == (1, source)
    there.promote_read_replica(DBInstanceIdentifier="two")
    assert shown() == (0, None)
    with pytest.raises(ClientError, match="is not a read replica"):
        there.promote_read_replica(DBInstanceIdentifier="two")
