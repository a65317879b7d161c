"""Inputs that no call carries at creation, and why; a test holds the list against the table."""

from collections.abc import Mapping

LATER = "it matters only when the resource is changed or deleted"
PROVIDER = "it tells the provider how to work, and AWS nothing"

UNSENT: Mapping[str, Mapping[str, str]] = {
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": {
        "ingress": "every rule that the group has is revoked instead",
        "egress": "every rule that the group has is revoked instead",
    },
    "aws:ec2/subnet:Subnet": {"mapPublicIpOnLaunch": "false is what AWS begins with"},
    "aws:ecr/repository:Repository": {"forceDelete": LATER},
    "aws:ecs/service:Service": {"waitForSteadyState": PROVIDER},
    "aws:ecs/taskDefinition:TaskDefinition": {"skipDestroy": PROVIDER, "trackLatest": PROVIDER},
    "aws:elasticache/replicationGroup:ReplicationGroup": {
        "applyImmediately": LATER,
        "authTokenUpdateStrategy": LATER,
    },
    "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": {
        "destination": "the destination's own configuration says it"
    },
    "aws:synthetics/canary:Canary": {"deleteLambda": LATER},
    "aws:kms/key:Key": {
        "deletionWindowInDays": LATER,
        "enableKeyRotation": "the call of that name is always made",
    },
    "aws:kms/replicaKey:ReplicaKey": {"deletionWindowInDays": LATER},
    "aws:rds/instance:Instance": {
        "applyImmediately": LATER,
        "deleteAutomatedBackups": LATER,
        "finalSnapshotIdentifier": LATER,
        "passwordWoVersion": PROVIDER,
        "skipFinalSnapshot": LATER,
    },
    "aws:secretsmanager/secret:Secret": {"recoveryWindowInDays": LATER},
}
