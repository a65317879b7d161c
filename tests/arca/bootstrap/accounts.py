"""An emulated account, and what an earlier bootstrap without CloudFormation has left in it."""

import json
from functools import lru_cache
from typing import Any, cast

import boto3
import pytest
from click.testing import Result

from arca import clients
from arca.naming import STATE_KEY_ALIAS, state_bucket
from tests.arca.bootstrap.resolved import boundary_document
from tests.arca.emulated import arca

ACCOUNT = "123456789012"
BUCKET = state_bucket(ACCOUNT)
GITHUB = "token.actions.githubusercontent.com"
GITHUB_ARN = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{GITHUB}"
NAMES = {
    "key of the state": "StateKey",
    f"key alias {STATE_KEY_ALIAS}": "StateKeyAlias",
    f"bucket {BUCKET}": "StateBucket",
    f"bucket policy of {BUCKET}": "StateBucketPolicy",
    f"identity provider {GITHUB}": "IdentityProvider",
    "boundary arca-boundary": "Boundary",
    "budget arca-monthly": "Budget",
}
"""What the command calls a resource, and its logical id in the template."""
RESOURCES = tuple(logical_id for logical_id in NAMES.values() if logical_id != "Budget")
BUDGET = ("--monthly-budget", "400", "--contact", "platform@acme.example")


def forget_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the command make its clients again, with the credentials of this test."""
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    monkeypatch.setattr(clients, "_client", lru_cache(vars(clients)["_client"].__wrapped__))


def all_are(outcome: str) -> dict[str, str]:
    """Return this outcome for each resource of an account without a budget."""
    return dict.fromkeys(RESOURCES, outcome)


class EmulatedAccount:
    """An emulated account; `on_aws` runs the command as if the account were one of AWS."""

    def __init__(self, endpoint: str, *, on_aws: bool = False) -> None:
        self.endpoint, self.on_aws = endpoint, on_aws

    def client(self, service: str, region: str = "us-east-1") -> Any:
        """Return a plain client, which is not the command's."""
        make = cast("Any", boto3.client)
        return make(
            service,
            endpoint_url=self.endpoint,
            region_name=region,
            aws_access_key_id="x",
            aws_secret_access_key="x",  # noqa: S106 - the emulation checks none
        )

    def run(self, *more: str, account: str = ACCOUNT) -> Result:
        """Run the command."""
        wanted = ("--account", account, "--organization", "acme")
        there = () if self.on_aws else ("--endpoint-url", self.endpoint)
        return arca("bootstrap", *wanted, *there, *more)

    def pieces(self, *more: str) -> dict[str, Any]:
        """Run the command; return each resource's outcome and changes by its logical id."""
        result = self.run("--yes", "--json", *more)
        assert result.exit_code == 0, (result.output, result.exception)
        return {NAMES[piece["name"]]: piece for piece in json.loads(result.stdout)["pieces"]}

    def outcomes(self, *more: str) -> dict[str, str]:
        """Run the command; return each resource's outcome by its logical id."""
        return {name: piece["outcome"] for name, piece in self.pieces(*more).items()}

    def key_id(self) -> str:
        """Return the id of the state's key."""
        return str(self.client("kms").describe_key(KeyId=STATE_KEY_ALIAS)["KeyMetadata"]["KeyId"])

    def create_key(self, *, alias: bool = True) -> str:
        """Create a key as an earlier bootstrap did, or as one that was interrupted."""
        kms = self.client("kms")
        tags = [
            {"TagKey": "project", "TagValue": "arca"},
            {"TagKey": "purpose", "TagValue": "state"},
        ]
        key = str(kms.create_key(Tags=tags)["KeyMetadata"]["KeyId"])
        if alias:
            kms.create_alias(AliasName=STATE_KEY_ALIAS, TargetKeyId=key)
        return key

    def create_bucket(self) -> None:
        """Create the bucket with its policy as an earlier bootstrap did, and a state in it."""
        s3 = self.client("s3")
        s3.create_bucket(Bucket=BUCKET)
        s3.put_object(Bucket=BUCKET, Key=".pulumi/meta.yaml", Body=b"version: 1")
        s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(another_policy("1")))

    def create_boundary(self) -> None:
        """Create the boundary as an earlier bootstrap did."""
        self.client("iam").create_policy(
            PolicyName="arca-boundary", PolicyDocument=json.dumps(boundary_document(ACCOUNT))
        )

    def create_identity_provider(self, *audiences: str) -> None:
        """Create GitHub's identity provider with these audiences."""
        self.client("iam").create_open_id_connect_provider(
            Url=f"https://{GITHUB}", ClientIDList=list(audiences)
        )

    def is_empty(self) -> bool:
        """Return whether the account has nothing of the bootstrap, a stack included."""
        iam = self.client("iam")
        return not (
            self.client("s3").list_buckets()["Buckets"]
            or self.client("kms").list_keys()["Keys"]
            or iam.list_policies(Scope="Local")["Policies"]
            or iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]
            or self.client("cloudformation").describe_stacks()["Stacks"]
        )


def another_policy(number: str) -> dict[str, Any]:
    """Return a policy that is not the template's."""
    nothing = {
        "Sid": f"N{number}",
        "Effect": "Deny",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/nobody"},
        "Action": "s3:*",
        "Resource": f"arn:aws:s3:::{BUCKET}",
    }
    return {"Version": "2012-10-17", "Statement": [nothing]}
