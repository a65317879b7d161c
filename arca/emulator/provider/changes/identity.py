"""Changes of keys (KMS), secrets, parameters (Systems Manager), roles (IAM) and functions."""

from collections.abc import Mapping

from arca.emulator.provider.changes import tags
from arca.emulator.provider.changes.definition import (
    Changes,
    Update,
    again,
    gone_from,
    new_in,
    replaced_by,
)
from arca.emulator.provider.resources import CALLS
from arca.emulator.provider.resources.definition import ApiCall, take

_KEY = "aws:kms/key:Key"
_PARAMETER = "aws:ssm/parameter:Parameter"
_POLICY = "aws:iam/rolePolicy:RolePolicy"
_FUNCTION = "aws:lambda/function:Function"
_SCHEDULE = "aws:scheduler/schedule:Schedule"
_STREAM = "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream"
_DESCRIPTION = Update(
    ("description",), (ApiCall("kms", "update_key_description", take("description", KeyId="id")),)
)
_KEY_POLICY = Update(
    ("policy",),
    (
        ApiCall(
            "kms",
            "put_key_policy",
            lambda s: {"KeyId": s["id"], "PolicyName": "default", "Policy": s["policy"]},
        ),
    ),
)
_KEY_TAGS = tags.by_calls(
    "kms",
    "tag_resource",
    "untag_resource",
    lambda s: {"KeyId": s["id"]},
    pairs=("Tags", "TagKey", "TagValue"),
)
_DELETED_KEY = ApiCall(
    "kms",
    "schedule_key_deletion",
    take(KeyId="id", PendingWindowInDays="deletionWindowInDays"),
)


CHANGES: Mapping[str, Changes] = {
    _KEY: Changes(
        replaces=replaced_by("multiRegion"),
        updates=(
            _DESCRIPTION,
            _KEY_POLICY,
            Update(("rotationPeriodInDays",), (CALLS[_KEY][1],)),
            *_KEY_TAGS,
        ),
        deletes=(_DELETED_KEY,),
    ),
    "aws:kms/alias:Alias": Changes(
        replaces=replaced_by("name"),
        updates=(
            Update(
                ("targetKeyId",),
                (ApiCall("kms", "update_alias", take("targetKeyId", AliasName="name")),),
            ),
        ),
        deletes=(ApiCall("kms", "delete_alias", take(AliasName="name")),),
        name="name",
    ),
    "aws:kms/replicaKey:ReplicaKey": Changes(
        replaces=replaced_by("primaryKeyArn"),
        updates=(_DESCRIPTION, _KEY_POLICY, *_KEY_TAGS),
        deletes=(_DELETED_KEY,),
    ),
    "aws:secretsmanager/secret:Secret": Changes(
        replaces=replaced_by("name"),
        updates=(
            Update(
                ("description", "kmsKeyId"),
                (
                    ApiCall(
                        "secretsmanager",
                        "update_secret",
                        take("description", "kmsKeyId", SecretId="arn"),
                    ),
                ),
            ),
            # Whether a copy may overwrite another secret is said with the copy, and not kept.
            Update(
                ("replicas", "forceOverwriteReplicaSecret"),
                (
                    ApiCall(
                        "secretsmanager",
                        "remove_regions_from_replication",
                        lambda s: {
                            "SecretId": s["arn"],
                            "RemoveReplicaRegions": [
                                one["region"] for one in gone_from(s, "replicas")
                            ],
                        },
                        when=lambda s: bool(gone_from(s, "replicas")),
                    ),
                    ApiCall(
                        "secretsmanager",
                        "replicate_secret_to_regions",
                        lambda s: {
                            "SecretId": s["arn"],
                            "AddReplicaRegions": new_in(s, "replicas"),
                            **take("forceOverwriteReplicaSecret")(s),
                        },
                        when=lambda s: bool(new_in(s, "replicas")),
                    ),
                ),
            ),
            *tags.of_arn("secretsmanager", "SecretId"),
        ),
        deletes=(
            ApiCall(
                "secretsmanager",
                "remove_regions_from_replication",
                lambda s: {
                    "SecretId": s["arn"],
                    "RemoveReplicaRegions": [one["region"] for one in s["replicas"]],
                },
                when=lambda s: bool(s.get("replicas")),
            ),
            ApiCall(
                "secretsmanager",
                "delete_secret",
                take("recoveryWindowInDays", SecretId="arn"),
            ),
        ),
        name="name",
    ),
    "aws:secretsmanager/secretVersion:SecretVersion": Changes(
        replaces=replaced_by("secretId", "secretString"),
        stays="AWS keeps the current version of a secret until the secret goes",
    ),
    _PARAMETER: Changes(
        replaces=replaced_by("name"),
        updates=(
            Update(
                ("type", "value"),
                (
                    ApiCall(
                        "ssm",
                        "put_parameter",
                        # AWS takes tags only for a new parameter (API Reference, PutParameter).
                        lambda s: {**take("name", "type", "value")(s), "Overwrite": True},
                    ),
                ),
            ),
            *tags.by_calls(
                "ssm",
                "add_tags_to_resource",
                "remove_tags_from_resource",
                lambda s: {"ResourceType": "Parameter", "ResourceId": s["name"]},
            ),
        ),
        deletes=(ApiCall("ssm", "delete_parameter", take("name")),),
        name="name",
    ),
    "aws:iam/role:Role": Changes(
        replaces=replaced_by("name", "path"),
        updates=(
            Update(
                ("assumeRolePolicy",),
                (
                    ApiCall(
                        "iam",
                        "update_assume_role_policy",
                        take(RoleName="name", PolicyDocument="assumeRolePolicy"),
                    ),
                ),
            ),
            Update(
                ("maxSessionDuration",),
                (ApiCall("iam", "update_role", take("maxSessionDuration", RoleName="name")),),
            ),
            Update(
                ("permissionsBoundary",),
                (
                    ApiCall(
                        "iam",
                        "put_role_permissions_boundary",
                        take("permissionsBoundary", RoleName="name"),
                        when=lambda s: "permissionsBoundary" in s,
                    ),
                    ApiCall(
                        "iam",
                        "delete_role_permissions_boundary",
                        take(RoleName="name"),
                        when=lambda s: "permissionsBoundary" not in s,
                    ),
                ),
            ),
            *tags.by_calls("iam", "tag_role", "untag_role", take(RoleName="name")),
        ),
        deletes=(ApiCall("iam", "delete_role", take(RoleName="name")),),
        name="name",
    ),
    _POLICY: Changes(
        replaces=replaced_by("name", "role"),
        updates=again(_POLICY, "policy"),
        deletes=(ApiCall("iam", "delete_role_policy", take(RoleName="role", PolicyName="name")),),
    ),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": Changes(
        replaces=replaced_by("policyArn", "role"),
        deletes=(ApiCall("iam", "detach_role_policy", take("policyArn", RoleName="role")),),
    ),
    _FUNCTION: Changes(
        replaces=replaced_by("name"),
        updates=(
            Update(
                ("architectures", "s3Bucket", "s3Key", "s3ObjectVersion"),
                (
                    ApiCall(
                        "lambda",
                        "update_function_code",
                        take(
                            "architectures",
                            "s3Bucket",
                            "s3Key",
                            "s3ObjectVersion",
                            FunctionName="name",
                        ),
                    ),
                ),
            ),
            Update(
                ("handler", "loggingConfig", "memorySize", "role", "runtime", "timeout"),
                (
                    ApiCall(
                        "lambda",
                        "update_function_configuration",
                        take(
                            "handler",
                            "loggingConfig",
                            "memorySize",
                            "role",
                            "runtime",
                            "timeout",
                            FunctionName="name",
                        ),
                    ),
                ),
            ),
            *tags.of_arn("lambda", "Resource", as_map=True),
        ),
        deletes=(ApiCall("lambda", "delete_function", take(FunctionName="name")),),
        name="name",
    ),
    _SCHEDULE: Changes(
        replaces=replaced_by("groupName", "name"),
        updates=(
            Update(
                ("flexibleTimeWindow", "scheduleExpression", "target"),
                (ApiCall("scheduler", "update_schedule", CALLS[_SCHEDULE][0].params),),
            ),
        ),
        deletes=(ApiCall("scheduler", "delete_schedule", take("name")),),
        name="name",
    ),
    _STREAM: Changes(
        replaces=replaced_by("destination", "name"),
        updates=tags.by_calls(
            "firehose",
            "tag_delivery_stream",
            "untag_delivery_stream",
            take(DeliveryStreamName="name"),
        ),
        deletes=(ApiCall("firehose", "delete_delivery_stream", take(DeliveryStreamName="name")),),
        name="name",
    ),
}
