"""CloudFormation's resource types that moto lacks or makes in part, as calls of their services.

Moto 5.2.5 deploys a template, but it has no bucket policies, identity providers and budgets, it
drops most settings of a bucket, and it stores a key's policy in a form that it cannot read again.
Each of these types is here the calls that make it: botocore checks them, moto carries them out.
Moto rolls nothing back when a call fails.
"""

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, cast

from botocore.config import Config
from moto.cloudformation import (
    parsing,  # pyright: ignore[reportMissingTypeStubs] # moto has none
)
from moto.core.common_models import CloudFormationModel
from moto.moto_server.werkzeug_app import (  # pyright: ignore[reportMissingTypeStubs] # moto has none
    DomainDispatcherApplication,
    create_backend_app,
)

from arca.emulator.ecs.inside import Clients, Wsgi

Client = Callable[[str], Any]
"""A boto3 client by service."""
Properties = Mapping[str, Any]
Put = Callable[[Client, Properties, "MadeResource | None"], "MadeResource"]
"""Create a resource, or bring the existing one to its properties."""
FIRST_REGION = "us-east-1"
POLICY_VERSIONS = 5
"""The versions that IAM keeps of a managed policy (IAM User Guide, "IAM and AWS STS quotas")."""


class MadeResource:
    """A resource that a stack has."""

    def __init__(self, physical_id: str, arn: str = "") -> None:
        self.physical_resource_id, self.arn = physical_id, arn
        # Moto sets these two.
        self.cf_resource_type = self.logical_resource_id = ""

    def get_cfn_attribute(self, attribute: str) -> str:
        """Return the value of Fn::GetAtt; only ARNs are known."""
        if attribute != "Arn":
            raise NotImplementedError(attribute)
        return self.arn

    @staticmethod
    def is_created() -> bool:
        """Return that nothing has to be waited for."""
        return True


@lru_cache
def register() -> None:
    """Let moto's CloudFormation make these types, once in a process."""
    # Moto finds a type by the subclasses of its model, of which the last one of a type counts.
    parsing.get_model_list.cache_clear()
    parsing.get_model_map.cache_clear()
    parsing.get_name_type_map.cache_clear()


@lru_cache
def _clients() -> Clients:
    application = cast("Wsgi", DomainDispatcherApplication(create_backend_app))
    return Clients(application, Config(retries={"total_max_attempts": 1}))


def _model(resource_type: str, name_property: str, put: Put) -> type[CloudFormationModel]:
    """Return the model of a resource type, as moto wants it."""

    def create(
        _: type, __: str, resource: Properties, ___: str, region: str, **____: Any
    ) -> MadeResource:
        return put(lambda service: _clients().client(service, region), resource["Properties"], None)

    def update(
        _: type,
        *,
        original_resource: MadeResource,
        cloudformation_json: Properties,
        region_name: str,
        **__: Any,
    ) -> MadeResource:
        properties = cloudformation_json["Properties"]
        return put(
            lambda service: _clients().client(service, region_name), properties, original_resource
        )

    return type(
        resource_type.replace("::", ""),
        (CloudFormationModel,),
        {
            "cloudformation_type": staticmethod(lambda: resource_type),
            "cloudformation_name_type": staticmethod(lambda: name_property),
            "has_cfn_attr": staticmethod(_is_known),
            "create_from_cloudformation_json": classmethod(create),
            "update_from_cloudformation_json": classmethod(update),
        },
    )


def _is_known(attribute: str) -> bool:
    return attribute == "Arn"


def _key(client: Client, properties: Properties, made: MadeResource | None) -> MadeResource:
    kms = client("kms")
    policy = json.dumps(properties["KeyPolicy"])
    if made is None:
        tags = properties.get("Tags", [])
        key = kms.create_key(
            Description=properties.get("Description", ""),
            Policy=policy,
            Tags=[{"TagKey": tag["Key"], "TagValue": tag["Value"]} for tag in tags],
        )["KeyMetadata"]
        made = MadeResource(key["KeyId"], key["Arn"])
    else:
        kms.put_key_policy(KeyId=made.physical_resource_id, Policy=policy)
    if properties.get("EnableKeyRotation"):
        kms.enable_key_rotation(KeyId=made.physical_resource_id)
    return made


def _bucket(client: Client, properties: Properties, made: MadeResource | None) -> MadeResource:
    s3 = client("s3")
    name = properties["BucketName"]
    if made is None:
        where = {"LocationConstraint": s3.meta.region_name}
        # S3 takes every region here but this one (Amazon S3 API Reference, CreateBucket).
        elsewhere = s3.meta.region_name != FIRST_REGION
        s3.create_bucket(Bucket=name, **({"CreateBucketConfiguration": where} if elsewhere else {}))
    encryption = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    s3.put_bucket_encryption(
        Bucket=name,
        ServerSideEncryptionConfiguration={
            "Rules": [
                {
                    "ApplyServerSideEncryptionByDefault": rule["ServerSideEncryptionByDefault"],
                    "BucketKeyEnabled": rule["BucketKeyEnabled"],
                }
                for rule in encryption
            ]
        },
    )
    s3.put_bucket_versioning(
        Bucket=name, VersioningConfiguration=properties["VersioningConfiguration"]
    )
    s3.put_public_access_block(
        Bucket=name,
        PublicAccessBlockConfiguration=properties["PublicAccessBlockConfiguration"],
    )
    s3.put_bucket_ownership_controls(Bucket=name, OwnershipControls=properties["OwnershipControls"])
    rules = [
        {"Filter": {"Prefix": ""}, **{("ID" if k == "Id" else k): v for k, v in rule.items()}}
        for rule in properties["LifecycleConfiguration"]["Rules"]
    ]
    s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": rules})
    return made or MadeResource(name, f"arn:aws:s3:::{name}")


def _bucket_policy(
    client: Client, properties: Properties, made: MadeResource | None
) -> MadeResource:
    bucket = properties["Bucket"]
    client("s3").put_bucket_policy(Bucket=bucket, Policy=json.dumps(properties["PolicyDocument"]))
    return made or MadeResource(bucket)


def _identity_provider(
    client: Client, properties: Properties, made: MadeResource | None
) -> MadeResource:
    if made is not None:
        return made
    answer = client("iam").create_open_id_connect_provider(
        Url=properties["Url"], ClientIDList=properties["ClientIdList"]
    )
    return MadeResource(answer["OpenIDConnectProviderArn"], answer["OpenIDConnectProviderArn"])


def _managed_policy(
    client: Client, properties: Properties, made: MadeResource | None
) -> MadeResource:
    iam = client("iam")
    document = json.dumps(properties["PolicyDocument"])
    if made is None:
        answer = iam.create_policy(
            PolicyName=properties["ManagedPolicyName"],
            Path=properties["Path"],
            Description=properties["Description"],
            PolicyDocument=document,
        )
        return MadeResource(answer["Policy"]["Arn"])
    arn = made.physical_resource_id
    versions = iam.list_policy_versions(PolicyArn=arn)["Versions"]
    if len(versions) == POLICY_VERSIONS:
        old = [version for version in versions if not version["IsDefaultVersion"]]
        oldest = min(old, key=lambda version: version["CreateDate"])
        iam.delete_policy_version(PolicyArn=arn, VersionId=oldest["VersionId"])
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=document, SetAsDefault=True)
    return made


def _budget(client: Client, properties: Properties, made: MadeResource | None) -> MadeResource:
    budgets = client("budgets")
    account = client("sts").get_caller_identity()["Account"]
    budget = properties["Budget"]
    if made is not None:
        budgets.delete_budget(AccountId=account, BudgetName=budget["BudgetName"])
    budgets.create_budget(
        AccountId=account,
        Budget=budget,
        NotificationsWithSubscribers=properties["NotificationsWithSubscribers"],
    )
    return made or MadeResource(budget["BudgetName"])


MODELS = tuple(
    _model(*row)
    for row in (
        ("AWS::KMS::Key", "", _key),
        ("AWS::S3::Bucket", "BucketName", _bucket),
        ("AWS::S3::BucketPolicy", "", _bucket_policy),
        ("AWS::IAM::OIDCProvider", "", _identity_provider),
        ("AWS::IAM::ManagedPolicy", "", _managed_policy),
        ("AWS::Budgets::Budget", "", _budget),
    )
)
"""Kept, so that the garbage collector keeps the subclasses that moto looks for."""
