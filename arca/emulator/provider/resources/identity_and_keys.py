"""Keys (KMS), secrets (Secrets Manager), parameters (Systems Manager) and roles (IAM)."""

from collections.abc import Mapping

from arca.emulator.provider.resources.definition import (
    ONLY_ON_CHANGE,
    ApiCall,
    OutputTemplates,
    Resource,
    arn_outputs,
    tags,
    take,
    take_outputs,
)

RESOURCES: Mapping[str, Resource] = {
    "aws:kms/key:Key": Resource(
        OutputTemplates(
            "{key_id}", {"arn": "arn:aws:kms:{region}:{account}:key/{id}", "keyId": "{id}"}
        ),
        calls=(
            ApiCall(
                "kms",
                "create_key",
                lambda s: {
                    **take("description", "policy", "multiRegion")(s),
                    "Tags": tags(s, "TagKey", "TagValue"),
                },
                take_outputs(
                    id="KeyMetadata.KeyId", keyId="KeyMetadata.KeyId", arn="KeyMetadata.Arn"
                ),
            ),
            ApiCall("kms", "enable_key_rotation", take("rotationPeriodInDays", KeyId="id")),
        ),
        not_sent={
            "deletionWindowInDays": ONLY_ON_CHANGE,
            "enableKeyRotation": "the call of that name is always made",
        },
    ),
    "aws:kms/alias:Alias": Resource(
        arn_outputs("kms", "{name}"),
        calls=(ApiCall("kms", "create_alias", take("targetKeyId", AliasName="name")),),
    ),
    "aws:kms/replicaKey:ReplicaKey": Resource(
        OutputTemplates(
            "{primary_tail}", {"arn": "arn:aws:kms:{region}:{account}:key/{id}", "keyId": "{id}"}
        ),
        calls=(
            ApiCall(
                "kms",
                "replicate_key",
                lambda s: {
                    **take("policy", "description")(s),
                    "KeyId": s["primaryKeyArn"].rpartition("/")[2],
                    "ReplicaRegion": s["region"],
                    "Tags": tags(s, "TagKey", "TagValue"),
                    # This call goes to the primary key's region.
                    "_region": s["primaryKeyArn"].split(":")[3],
                },
                take_outputs(
                    id="ReplicaKeyMetadata.KeyId",
                    keyId="ReplicaKeyMetadata.KeyId",
                    arn="ReplicaKeyMetadata.Arn",
                ),
            ),
        ),
        not_sent={"deletionWindowInDays": ONLY_ON_CHANGE},
    ),
    "aws:secretsmanager/secret:Secret": Resource(
        arn_outputs("secretsmanager", "secret:{name}-{hex6}", "{arn}"),
        calls=(
            ApiCall(
                "secretsmanager",
                "create_secret",
                lambda s: {
                    **take("name", "description", "kmsKeyId", "forceOverwriteReplicaSecret")(s),
                    **({"AddReplicaRegions": s["replicas"]} if "replicas" in s else {}),
                    "Tags": tags(s),
                },
                take_outputs(id="ARN", arn="ARN"),
            ),
        ),
        not_sent={"recoveryWindowInDays": ONLY_ON_CHANGE},
    ),
    "aws:secretsmanager/secretVersion:SecretVersion": Resource(
        OutputTemplates("{secretId}|{uuid}", {"versionId": "{uuid}", "arn": "{secretId}"}),
        calls=(
            ApiCall(
                "secretsmanager",
                "put_secret_value",
                take("secretId", "secretString"),
                take_outputs(versionId="VersionId", arn="ARN"),
            ),
        ),
    ),
    "aws:ssm/parameter:Parameter": Resource(
        OutputTemplates("{name}", {"arn": "arn:aws:ssm:{region}:{account}:parameter{name}"}),
        calls=(
            ApiCall(
                "ssm",
                "put_parameter",
                lambda s: {**take("name", "type", "value")(s), "Tags": tags(s)},
            ),
        ),
    ),
    "aws:iam/role:Role": Resource(
        OutputTemplates(
            "{name}",
            {"arn": "arn:aws:iam::{account}:role{path}{name}", "uniqueId": "AROA{HEX16}"},
            name_input="name",
        ),
        calls=(
            ApiCall(
                "iam",
                "create_role",
                lambda s: {
                    "RoleName": s["name"],
                    "AssumeRolePolicyDocument": s["assumeRolePolicy"],
                    **take("path", "maxSessionDuration", "permissionsBoundary")(s),
                    "Tags": tags(s),
                },
                take_outputs(arn="Role.Arn", uniqueId="Role.RoleId"),
            ),
        ),
    ),
    "aws:iam/rolePolicy:RolePolicy": Resource(
        OutputTemplates("{role}:{name}", name_input="name"),
        calls=(
            ApiCall(
                "iam",
                "put_role_policy",
                take(RoleName="role", PolicyName="name", PolicyDocument="policy"),
            ),
        ),
    ),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": Resource(
        OutputTemplates("{role}-{hex}"),
        calls=(ApiCall("iam", "attach_role_policy", take("policyArn", RoleName="role")),),
    ),
}
