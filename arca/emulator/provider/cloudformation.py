"""CloudFormation's resource types that moto lacks, created by calls of their own services.

Moto 5.2.5 deploys a template, but it has no bucket policies, identity providers and budgets, it
drops most settings of a bucket, and it stores a key's policy in a form that it cannot read again.
Here, each of these types makes calls of its own service: botocore checks them, and moto carries
them out. Nothing is rolled back when a call fails.
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

from arca.emulator.aws_clients import Wsgi, WsgiClients

ServiceClients = Callable[[str], Any]
"""Returns the boto3 client of a service."""
Properties = Mapping[str, Any]
Put = Callable[[ServiceClients, Properties, "StackResource | None"], "StackResource"]
"""Creates a resource, or updates the existing one to its properties."""
DEFAULT_LOCATION = "us-east-1"
"""The one region that CreateBucket does not take as a location (Amazon S3 API Reference)."""
POLICY_VERSIONS = 5
"""Versions of a managed policy that IAM keeps (IAM User Guide, "IAM and AWS STS quotas")."""


class StackResource:
    """A resource of a CloudFormation stack, as moto keeps it."""

    def __init__(self, physical_id: str, arn: str = "") -> None:
        self.physical_resource_id, self.arn = physical_id, arn
        # Moto sets these two.
        self.cf_resource_type = self.logical_resource_id = ""

    def get_cfn_attribute(self, attribute: str) -> str:
        """Return the value of Fn::GetAtt; raises NotImplementedError for all but ARNs."""
        if attribute != "Arn":
            raise NotImplementedError(attribute)
        return self.arn

    @staticmethod
    def is_created() -> bool:
        """Return True: moto waits until this is so."""
        return True


@lru_cache
def register() -> None:
    """Register these types in moto's CloudFormation; a second call changes nothing."""
    # Moto lists the subclasses of its model once; the last subclass of a type counts.
    parsing.get_model_list.cache_clear()
    parsing.get_model_map.cache_clear()
    parsing.get_name_type_map.cache_clear()


@lru_cache
def _clients() -> WsgiClients:
    application = cast("Wsgi", DomainDispatcherApplication(create_backend_app))
    return WsgiClients(application, Config(retries={"total_max_attempts": 1}))


def _model(resource_type: str, name_property: str, put: Put) -> type[CloudFormationModel]:
    """Return a subclass of moto's model for a resource type."""

    def create(
        _: type, __: str, resource: Properties, ___: str, region: str, **____: Any
    ) -> StackResource:
        return put(lambda service: _clients().client(service, region), resource["Properties"], None)

    def update(
        _: type,
        *,
        original_resource: StackResource,
        cloudformation_json: Properties,
        region_name: str,
        **__: Any,
    ) -> StackResource:
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


def _key(
    client: ServiceClients, properties: Properties, made: StackResource | None
) -> StackResource:
    kms = client("kms")
    policy = json.dumps(properties["KeyPolicy"])
    if made is None:
        tags = properties.get("Tags", [])
        key = kms.create_key(
            Description=properties.get("Description", ""),
            Policy=policy,
            Tags=[{"TagKey": tag["Key"], "TagValue": tag["Value"]} for tag in tags],
        )["KeyMetadata"]
        made = StackResource(key["KeyId"], key["Arn"])
    else:
        kms.put_key_policy(KeyId=made.physical_resource_id, Policy=policy)
    if properties.get("EnableKeyRotation"):
        kms.enable_key_rotation(KeyId=made.physical_resource_id)
    return made


def _bucket(
    client: ServiceClients, properties: Properties, made: StackResource | None
) -> StackResource:
    s3 = client("s3")
    name = properties["BucketName"]
    if made is None:
        where = {"LocationConstraint": s3.meta.region_name}
        elsewhere = s3.meta.region_name != DEFAULT_LOCATION
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
    return made or StackResource(name, f"arn:aws:s3:::{name}")


def _bucket_policy(
    client: ServiceClients, properties: Properties, made: StackResource | None
) -> StackResource:
    bucket = properties["Bucket"]
    client("s3").put_bucket_policy(Bucket=bucket, Policy=json.dumps(properties["PolicyDocument"]))
    return made or StackResource(bucket)


def _identity_provider(
    client: ServiceClients, properties: Properties, made: StackResource | None
) -> StackResource:
    if made is not None:
        return made
    answer = client("iam").create_open_id_connect_provider(
        Url=properties["Url"], ClientIDList=properties["ClientIdList"]
    )
    return StackResource(answer["OpenIDConnectProviderArn"], answer["OpenIDConnectProviderArn"])


def _managed_policy(
    client: ServiceClients, properties: Properties, made: StackResource | None
) -> StackResource:
    iam = client("iam")
    document = json.dumps(properties["PolicyDocument"])
    if made is None:
        answer = iam.create_policy(
            PolicyName=properties["ManagedPolicyName"],
            Path=properties["Path"],
            Description=properties["Description"],
            PolicyDocument=document,
        )
        return StackResource(answer["Policy"]["Arn"])
    arn = made.physical_resource_id
    versions = iam.list_policy_versions(PolicyArn=arn)["Versions"]
    if len(versions) == POLICY_VERSIONS:
        old = [version for version in versions if not version["IsDefaultVersion"]]
        oldest = min(old, key=lambda version: version["CreateDate"])
        iam.delete_policy_version(PolicyArn=arn, VersionId=oldest["VersionId"])
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=document, SetAsDefault=True)
    return made


def _budget(
    client: ServiceClients, properties: Properties, made: StackResource | None
) -> StackResource:
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
    return made or StackResource(budget["BudgetName"])


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
"""A reference to each subclass: moto only finds those that the garbage collector has kept."""
