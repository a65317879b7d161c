"""What users of comparable projects ask for, each settled and shown (docs/asks.md).

The numbers are those of the table in docs/asks.md, which a test holds against this file.
"""

import json
from typing import Any

import pytest

from arca.emulator.program import stackfile
from arca.outputs import Outputs
from tests.graph import Graph, declare
from tests.stacks import graph
from tests.test_rejected import changed, refusal

SERVICE = "aws:ecs/service:Service"
RULE = "aws:lb/listenerRule:ListenerRule"
INSTANCE = "aws:rds/instance:Instance"


def service(stack: str, changes: dict[str, Any] | None = None) -> Any:
    """The service as a stack declares it."""
    declared = declare(stack, changed(stack, changes)) if changes else graph(stack)
    return declared.one(SERVICE)


def test_ask_2_weights_that_ecs_shifts_are_left_alone() -> None:
    """Blue-green does not fight the listener's weights; rolling keeps them declared."""
    for stack, ignored in (("prod", ("actions",)), ("staging", ("actions",)), ("dev", ())):
        assert {rule.ignore_changes for rule in graph(stack).of(RULE)} == {ignored}


def test_ask_3_native_canary_and_linear() -> None:
    """Both are settings of ECS itself; each waits for smoke tests before customers reach it."""
    hooks = [
        {
            "lifecycleStages": ["POST_TEST_TRAFFIC_SHIFT"],
            "targetType": "PAUSE",
            "timeoutConfiguration": {"timeoutInMinutes": "30", "action": "ROLLBACK"},
        }
    ]
    assert service("prod").inputs["deploymentConfiguration"] == {
        "strategy": "CANARY",
        "bakeTimeInMinutes": "15",
        "lifecycleHooks": hooks,
        "canaryConfiguration": {"canaryPercent": 10, "canaryBakeTimeInMinutes": "10"},
    }
    linear = {"service.deployment": {"strategy": "linear", "step_percent": 25, "step_minutes": 3}}
    assert service("staging", linear).inputs["deploymentConfiguration"] == {
        "strategy": "LINEAR",
        "bakeTimeInMinutes": "10",
        "lifecycleHooks": hooks,
        "linearConfiguration": {"stepPercent": 25, "stepBakeTimeInMinutes": "3"},
    }


def test_ask_4_the_pipeline_ships_images_and_memory_still_changes() -> None:
    """The service's revision is left alone; a change of the template makes a new revision."""
    assert "taskDefinition" in service("prod").ignore_changes
    task = graph("prod").one("aws:ecs/taskDefinition:TaskDefinition", "service")
    assert task.ignore_changes == ()
    assert (task.inputs["skipDestroy"], task.inputs["trackLatest"]) == (True, False)
    bigger = declare("prod", changed("prod", {"service.memory_mib": 4096}))
    assert bigger.one("aws:ecs/taskDefinition:TaskDefinition", "service").inputs["memory"] == "4096"


def test_ask_5_the_count_is_left_alone_only_where_it_varies() -> None:
    """A fixed number of tasks is ours; a range is autoscaling's."""
    assert "desiredCount" in service("prod").ignore_changes
    fixed = {"service.scaling": {"min_tasks": 2, "max_tasks": 2}}
    declared = declare("staging", changed("staging", fixed))
    assert "desiredCount" not in declared.one(SERVICE).ignore_changes
    assert declared.of("aws:appautoscaling/target:Target") == []


def test_ask_6_each_ignore_is_a_setting_of_its_own() -> None:
    """Task definition and load balancers are left to others separately."""
    both = {"service.delegated": {"task_definition": False, "load_balancers": True}}
    assert service("prod", both).ignore_changes == ("desiredCount", "loadBalancers")


def test_ask_7_a_zone_moves_no_subnet() -> None:
    """With a third zone, the other two keep their ranges."""
    two = ranges(declare("prod", changed("prod", {"network.zones": ["a", "b"]})))
    assert two.items() < ranges(graph("prod")).items()


def ranges(declared: Graph) -> dict[str, str]:
    """Each subnet's range."""
    return {node.name: node.inputs["cidrBlock"] for node in declared.of("aws:ec2/subnet:Subnet")}


def test_ask_8_tags_reach_everything() -> None:
    """Component and data class on each resource, the stack's own through the provider."""
    tags = graph("prod").one(INSTANCE).inputs["tags"]
    assert tags == {
        "Name": "arca-prod-database",
        "component": "database",
        "data-class": "confidential",
    }
    provider = graph("prod").one("pulumi:providers:aws").inputs["defaultTags"]
    assert json.loads(provider)["tags"]["stack"] == "prod"


def test_ask_9_security_groups_are_closed() -> None:
    """The default group has no rule, and nothing comes in but from Cloudflare."""
    default = graph("dev").one("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup").inputs
    assert (default["ingress"], default["egress"]) == ([], [])
    outside = [
        rule.name
        for rule in graph("dev").of("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")
        if "referencedSecurityGroupId" not in rule.inputs
    ]
    assert sorted(outside) == [
        "access-cloudflare-load-balancer-443-ipv4",
        "access-cloudflare-load-balancer-443-ipv6",
    ]


def test_ask_10_switchover_and_deletion_protection() -> None:
    """Deletion protection follows the stack, and blue-green upgrades are a setting."""
    assert graph("prod").one(INSTANCE).inputs["deletionProtection"] is True
    upgraded = declare("dev", changed("dev", {"database.blue_green_upgrades": True}))
    assert upgraded.one(INSTANCE).inputs["blueGreenUpdate"] == {"enabled": True}


def test_ask_11_a_preview_changes_nothing() -> None:
    """The program asks and does nothing: with nothing known it declares the same."""
    assert declare("prod", known=False).names() == graph("prod").names()


def test_ask_12_a_replica_names_no_owner() -> None:
    """Neither password nor user, engine or storage: the source has them."""
    replica = graph("dr").one(INSTANCE)
    named = {"username", "passwordWo", "engine", "allocatedStorage", "dbName"}
    assert named.isdisjoint(replica.inputs)
    assert replica.inputs["replicateSourceDb"].startswith("arn:aws:rds:sa-east-1:")
    assert "false where there is a replica" in refusal(
        "dev", {"database.managed_password": True, "database.read_replicas": 1}
    )


def test_ask_13_promotion_in_two_steps() -> None:
    """The first step drops the source and nothing else; the second brings the rest up."""
    standby = graph("dr")
    promoting = declare("dr", changed("dr", {"recovery.phase": "promoting"}))
    active = declare("dr", changed("dr", {"recovery.phase": "active"}))
    before, during, after = (dict(g.one(INSTANCE).inputs) for g in (standby, promoting, active))
    assert before.pop("replicateSourceDb")
    assert before == during
    assert {key for key in after if after[key] != during.get(key)} == {"multiAz"}
    assert standby.names() == promoting.names()
    added = set(active.names()) - set(promoting.names())
    assert {name.split()[0] for name in added} >= {
        "aws:elasticache/replicationGroup:ReplicationGroup",
        "aws:rds/proxy:Proxy",
        "aws:appautoscaling/target:Target",
    }
    counts = [g.one(SERVICE).inputs["desiredCount"] for g in (standby, promoting, active)]
    assert counts == [1, 1, 3]
    target = active.one("aws:appautoscaling/target:Target").inputs
    assert (target["minCapacity"], target["maxCapacity"]) == (3, 30)
    assert Outputs.model_validate(active.outputs).database.is_replica is False


@pytest.mark.parametrize(
    ("source", "input_name", "value"),
    [
        ({"kind": "snapshot", "snapshot_id": "before"}, "snapshotIdentifier", "before"),
        (
            {"kind": "point-in-time", "source_instance_id": "arca-dev"},
            "restoreToPointInTime",
            {"sourceDbInstanceIdentifier": "arca-dev", "useLatestRestorableTime": True},
        ),
        (
            {
                "kind": "point-in-time",
                "source_backups_arn": "arn:aws:rds:us-east-1:000000000000:auto-backup:ab-1",
                "at": "2026-11-01T03:04:05Z",
            },
            "restoreToPointInTime",
            {
                "sourceDbInstanceAutomatedBackupsArn": (
                    "arn:aws:rds:us-east-1:000000000000:auto-backup:ab-1"
                ),
                "restoreTime": "2026-11-01T03:04:05Z",
            },
        ),
    ],
)
def test_ask_14_copies_and_restores(source: Any, input_name: str, value: Any) -> None:
    """A snapshot or a moment is a setting, and brings its own owner and database along."""
    instance = declare("dev", changed("dev", {"database.source": source})).one(INSTANCE)
    assert instance.inputs[input_name] == value
    assert {"username", "dbName"}.isdisjoint(instance.inputs)


def test_ask_14_prod_keeps_copies_in_the_dr_region() -> None:
    """Keys, secrets, documents, images and backups stand in the DR region before it is needed."""
    prod = graph("prod")
    backups = prod.one(
        "aws:rds/instanceAutomatedBackupsReplication:InstanceAutomatedBackupsReplication"
    ).inputs
    assert (backups["region"], backups["retentionPeriod"]) == ("us-east-1", 35)
    replicas = prod.of("aws:kms/replicaKey:ReplicaKey")
    assert {node.inputs["region"] for node in replicas} == {"us-east-1"}
    assert len(replicas) == 4
    copied = [n.name for n in prod.of("aws:secretsmanager/secret:Secret") if "replicas" in n.inputs]
    assert sorted(copied) == [
        f"secrets-{role}"
        for role in ("arca-certificate", "database-app", "database-owner", "jwt-key")
    ]
    rule = prod.one("aws:s3/bucketReplicationConfig:BucketReplicationConfig").inputs["rules"][0]
    assert rule["destination"]["bucket"].startswith("arn:aws:s3:::storage-documents-replica")
    registry = prod.one("aws:ecr/replicationConfiguration:ReplicationConfiguration").inputs
    destination = registry["replicationConfiguration"]["rules"][0]["destinations"][0]
    assert destination["region"] == "us-east-1"


def test_ask_16_a_firewall_with_sane_defaults() -> None:
    """Managed groups count nothing away, and a rate rule sees the client, not Cloudflare."""
    rules = graph("dev").one("aws:wafv2/webAcl:WebAcl").inputs["rules"]
    assert [rule["priority"] for rule in rules] == [0, 1, 2, 3, 4]
    rate = rules[-1]["statement"]["rateBasedStatement"]
    assert rate["forwardedIpConfig"]["headerName"] == "CF-Connecting-IP"


def test_ask_17_the_origin_is_locked_by_ranges_and_certificate() -> None:
    """Mutual TLS with our own authority on 443; the test listener is reached from inside only."""
    listeners = {n.name: n.inputs for n in graph("prod").of("aws:lb/listener:Listener")}
    assert listeners["load-balancer-production"]["mutualAuthentication"]["mode"] == "verify"
    assert "mutualAuthentication" not in listeners["load-balancer-test"]
    bundle = (
        graph("prod")
        .one("aws:s3/bucketObjectv2:BucketObjectv2", "load-balancer-client-ca")
        .inputs["content"]
    )
    assert bundle.startswith("-----BEGIN CERTIFICATE-----")
    pulls = graph("prod").one(
        "cloudflare:index/authenticatedOriginPullsSettings:AuthenticatedOriginPullsSettings"
    )
    assert pulls.inputs["enabled"] is True


def test_ask_18_the_first_token_is_set() -> None:
    """ROTATE would leave the cache open without a token as well."""
    cache = graph("prod").one("aws:elasticache/replicationGroup:ReplicationGroup").inputs
    assert cache["authTokenUpdateStrategy"] == "SET"
    assert cache["transitEncryptionMode"] == "required"


def test_ask_19_long_stack_names_fit() -> None:
    """Load balancers and target groups stay within 32 characters, and differ."""
    declared = declare("a-review-stack-with-a-very-long-name-indeed", stackfile.stack_config("dev"))
    kinds = ("aws:lb/loadBalancer:LoadBalancer", "aws:lb/targetGroup:TargetGroup")
    names = [node.inputs["name"] for node in declared.of(*kinds)]
    assert len(names) == len(set(names)) == 3
    assert all(len(name) <= 32 for name in names)


def test_ask_20_exec_with_a_read_only_root_needs_its_paths() -> None:
    """Refused without them, mounted with them."""
    assert "/var/lib/amazon" in refusal("dev", {"service.execute_command": True})
    paths = {
        "service.execute_command": True,
        "service.writable_paths": ["/tmp", "/var/lib/amazon", "/var/log/amazon"],
    }
    declared = declare("dev", changed("dev", paths))
    assert declared.one(SERVICE).inputs["enableExecuteCommand"] is True
    task = declared.one("aws:ecs/taskDefinition:TaskDefinition", "service").inputs
    mounts = json.loads(task["containerDefinitions"])[0]["mountPoints"]
    assert [mount["containerPath"] for mount in mounts] == paths["service.writable_paths"]


def test_ask_21_cloudflare_sees_no_difference_in_order() -> None:
    """Every rule has a reference of its own, and a second run declares the same in order."""
    first, second = (
        {n.name: n.inputs["rules"] for n in g.of("cloudflare:index/ruleset:Ruleset")}
        for g in (graph("prod"), declare("prod"))
    )
    assert first == second
    for rules in first.values():
        references = [rule["ref"] for rule in rules]
        assert len(references) == len(set(references))


def test_ask_22_tests_cannot_pass_silently() -> None:
    """An assertion stands in the test's own function: the graph is plain data, no `apply`."""
    with pytest.raises(AssertionError):
        graph("dev").one("aws:rds/proxy:Proxy")
