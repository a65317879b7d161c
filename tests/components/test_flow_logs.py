"""Flow logs: in a bucket of their own, or in CloudWatch Logs."""

import json

import pytest

from tests.graph import Graph
from tests.policies import allows, of_role
from tests.stacks import graph

FLOW_LOG = "aws:ec2/flowLog:FlowLog"
GROUP = "aws:cloudwatch/logGroup:LogGroup"


def bucket_of(declared: Graph) -> str:
    """Return the name of the flow logs' bucket."""
    found = declared.one("aws:s3/bucket:Bucket", "flow-logs")
    return str(declared.states[found.urn]["bucket"])


@pytest.mark.parametrize("stack", ["dev", "dr"])
def test_flow_logs_go_to_a_bucket_of_their_own(stack: str) -> None:
    """It is encrypted and expires its objects; no log group is left."""
    declared = graph(stack, {"flow_logs.destination": "s3", "flow_logs.retention_days": 30})
    name = bucket_of(declared)
    log = declared.one(FLOW_LOG).inputs
    assert log["logDestinationType"] == "s3"
    assert log["logDestination"] == f"arn:aws:s3:::{name}"
    assert "iamRoleArn" not in log
    assert not [node for node in declared.of(GROUP) if "flow-logs" in node.name]
    encryption = "aws:s3/bucketServerSideEncryptionConfiguration"
    (rule,) = declared.one(
        f"{encryption}:BucketServerSideEncryptionConfiguration", "flow-logs"
    ).inputs["rules"]
    assert rule["applyServerSideEncryptionByDefault"] == {"sseAlgorithm": "AES256"}
    kind = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
    (expiry,) = declared.one(kind, "flow-logs").inputs["rules"]
    assert expiry["expiration"]["days"] == 30
    assert expiry["filter"] == {"prefix": ""}


def test_the_bucket_lets_only_our_flow_logs_in() -> None:
    """As the page wants it: our account, the owner's control, and a check of the bucket's ACL."""
    declared = graph("dev")
    name = bucket_of(declared)
    policy = json.loads(
        declared.one("aws:s3/bucketPolicy:BucketPolicy", "flow-logs").inputs["policy"]
    )
    by_sid = {one.get("Sid"): one for one in policy["Statement"]}
    write, check = by_sid["AWSLogDeliveryWrite"], by_sid["AWSLogDeliveryAclCheck"]
    account = write["Condition"]["StringEquals"]["aws:SourceAccount"]
    assert write["Principal"] == {"Service": "delivery.logs.amazonaws.com"} == check["Principal"]
    assert write["Resource"] == [f"arn:aws:s3:::{name}/AWSLogs/{account}/*"]
    assert write["Condition"]["StringEquals"]["s3:x-amz-acl"] == "bucket-owner-full-control"
    assert check["Action"] == ["s3:GetBucketAcl", "s3:ListBucket"]
    for one in (write, check):
        assert one["Condition"]["ArnLike"] == {
            "aws:SourceArn": f"arn:aws:logs:{declared.outputs['region']}:{account}:*"
        }
        assert one["Condition"]["StringEquals"]["aws:SourceAccount"] == account


def test_cloudwatch_has_our_own_key() -> None:
    """Where somebody wants to query them, at twice the price."""
    declared = graph("dev", {"flow_logs.destination": "cloudwatch", "flow_logs.retention_days": 30})
    group = declared.one(GROUP, "flow-logs")
    assert group.inputs["retentionInDays"] == 30
    assert ":key/" in group.inputs["kmsKeyId"]
    log = declared.one(FLOW_LOG).inputs
    assert log["logDestinationType"] == "cloud-watch-logs"
    assert log["iamRoleArn"]
    role = of_role(declared, "flow-logs")
    assert allows(role, "logs:DescribeLogGroups", "*")
    assert not allows(role, "logs:PutLogEvents", "*")


def test_none_where_they_are_disabled() -> None:
    """Nothing is left but the empty component."""
    assert graph("dev", {"flow_logs.enabled": False}).of(FLOW_LOG) == []
