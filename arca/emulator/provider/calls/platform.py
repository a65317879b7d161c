"""The calls of what everything rests on: keys, secrets, logs, identities, images."""

from collections.abc import Mapping

from arca.emulator.provider.calls.table import Call, State, tags, take


def _lower_tags(state: State) -> list[dict[str, str]]:
    return [{"TagKey": tag["Key"], "TagValue": tag["Value"]} for tag in tags(state)]


TABLE: Mapping[str, tuple[Call, ...]] = {
    "aws:kms/key:Key": (
        Call(
            "kms",
            "create_key",
            lambda s: {**take("description", "policy", "multiRegion")(s), "Tags": _lower_tags(s)},
            lambda answer: {
                "id": answer["KeyMetadata"]["KeyId"],
                "keyId": answer["KeyMetadata"]["KeyId"],
                "arn": answer["KeyMetadata"]["Arn"],
            },
        ),
        Call("kms", "enable_key_rotation", take("rotationPeriodInDays", KeyId="id")),
    ),
    "aws:kms/alias:Alias": (Call("kms", "create_alias", take("targetKeyId", AliasName="name")),),
    "aws:kms/replicaKey:ReplicaKey": (
        Call(
            "kms",
            "replicate_key",
            lambda s: {
                **take("policy", "description")(s),
                "KeyId": s["primaryKeyArn"].rpartition("/")[2],
                "ReplicaRegion": s["region"],
                "Tags": _lower_tags(s),
                # The one call that a resource makes in another region than its own.
                "_region": s["primaryKeyArn"].split(":")[3],
            },
            lambda answer: {
                "id": answer["ReplicaKeyMetadata"]["KeyId"],
                "keyId": answer["ReplicaKeyMetadata"]["KeyId"],
                "arn": answer["ReplicaKeyMetadata"]["Arn"],
            },
        ),
    ),
    "aws:secretsmanager/secret:Secret": (
        Call(
            "secretsmanager",
            "create_secret",
            lambda s: {
                **take("name", "description", "kmsKeyId")(s),
                **({"AddReplicaRegions": s["replicas"]} if "replicas" in s else {}),
                "Tags": tags(s),
            },
            lambda answer: {"id": answer["ARN"], "arn": answer["ARN"]},
        ),
    ),
    "aws:secretsmanager/secretVersion:SecretVersion": (
        Call(
            "secretsmanager",
            "put_secret_value",
            take("secretId", "secretString"),
            lambda answer: {"versionId": answer["VersionId"], "arn": answer["ARN"]},
        ),
    ),
    "aws:ssm/parameter:Parameter": (
        Call(
            "ssm", "put_parameter", lambda s: {**take("name", "type", "value")(s), "Tags": tags(s)}
        ),
    ),
    "aws:cloudwatch/logGroup:LogGroup": (
        Call(
            "logs",
            "create_log_group",
            lambda s: {"logGroupName": s["name"], "kmsKeyId": s["kmsKeyId"], "tags": s["tags"]},
        ),
        Call("logs", "put_retention_policy", take("retentionInDays", logGroupName="name")),
    ),
    "aws:iam/role:Role": (
        Call(
            "iam",
            "create_role",
            lambda s: {
                "RoleName": s["name"],
                "AssumeRolePolicyDocument": s["assumeRolePolicy"],
                **take("path", "maxSessionDuration", "permissionsBoundary")(s),
                "Tags": tags(s),
            },
            lambda answer: {"arn": answer["Role"]["Arn"], "uniqueId": answer["Role"]["RoleId"]},
        ),
    ),
    "aws:iam/rolePolicy:RolePolicy": (
        Call(
            "iam",
            "put_role_policy",
            take(RoleName="role", PolicyName="name", PolicyDocument="policy"),
        ),
    ),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": (
        Call("iam", "attach_role_policy", take("policyArn", RoleName="role")),
    ),
    "aws:ecr/repository:Repository": (
        Call(
            "ecr",
            "create_repository",
            lambda s: {
                "repositoryName": s["name"],
                "imageTagMutability": s["imageTagMutability"],
                "imageScanningConfiguration": s["imageScanningConfiguration"],
                "encryptionConfiguration": s["encryptionConfigurations"][0],
                "tags": tags(s),
            },
            lambda answer: {
                "arn": answer["repository"]["repositoryArn"],
                "repositoryUrl": answer["repository"]["repositoryUri"],
            },
        ),
    ),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": (
        Call(
            "ecr",
            "put_lifecycle_policy",
            take(repositoryName="repository", lifecyclePolicyText="policy"),
        ),
    ),
    "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate": (
        Call(
            "ecr",
            "create_repository_creation_template",
            lambda s: {
                **take(
                    "prefix",
                    "description",
                    "imageTagMutability",
                    "lifecyclePolicy",
                    "customRoleArn",
                )(s),
                "appliedFor": s["appliedFors"],
                "encryptionConfiguration": s["encryptionConfigurations"][0],
            },
            only_validated="moto has no repository creation templates",
        ),
    ),
    "aws:ecr/replicationConfiguration:ReplicationConfiguration": (
        Call(
            "ecr",
            "put_replication_configuration",
            take("replicationConfiguration"),
        ),
    ),
}
