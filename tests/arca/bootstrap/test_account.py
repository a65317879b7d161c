"""What the bootstrap finds in an account, and the accounts that it refuses."""

from typing import Any

import pytest

from arca.bootstrap.account import AccountResources, find_resources, has_budget
from arca.clients import Account
from arca.errors import ArcaError, ExitCode, Refused
from arca.naming import STATE_KEY_ALIAS, boundary_arn
from tests.arca.bootstrap.accounts import (
    ACCOUNT,
    BUCKET,
    GITHUB_ARN,
    EmulatedAccount,
    all_are,
    forget_clients,
)
from tests.arca.bootstrap.linted import schema


def find(empty: EmulatedAccount, stack_key_id: str | None = None) -> AccountResources:
    """Look at the account."""
    return find_resources(Account(ACCOUNT, "us-east-1", empty.endpoint), stack_key_id)


def test_nothing_is_found_in_a_fresh_account(empty: EmulatedAccount) -> None:
    """Nor is anything created by looking."""
    assert find(empty) == AccountResources({}, has_identity_provider=False)
    assert not has_budget(Account(ACCOUNT, "us-east-1", empty.endpoint))
    assert empty.is_empty()


def test_an_earlier_bootstrap_is_found(empty: EmulatedAccount) -> None:
    """By the identifiers that an import wants, which are those of the types' schemas."""
    key = empty.create_key()
    empty.create_bucket()
    empty.create_boundary()
    empty.create_identity_provider("sts.amazonaws.com")
    looked = find(empty)
    assert looked.has_identity_provider
    assert looked.identifiers == {
        "StateBucket": {"BucketName": BUCKET},
        "StateBucketPolicy": {"Bucket": BUCKET},
        "StateKey": {"KeyId": key},
        "StateKeyAlias": {"AliasName": STATE_KEY_ALIAS},
        "Boundary": {"PolicyArn": boundary_arn(ACCOUNT)},
    }
    for logical_id, identifier in looked.identifiers.items():
        assert schema(logical_id)["primaryIdentifier"] == [
            f"/properties/{name}" for name in identifier
        ]


def test_a_key_without_its_alias_is_found_by_its_tags(empty: EmulatedAccount) -> None:
    """An interrupted run left it: a second key could not read what the first one wrote."""
    empty.client("kms").create_key(Tags=[{"TagKey": "project", "TagValue": "arca"}])
    key = empty.create_key(alias=False)
    assert find(empty).identifiers == {"StateKey": {"KeyId": key}}


def test_the_stacks_own_key_is_looked_at_first(empty: EmulatedAccount) -> None:
    """Its stack knows the key that has neither alias nor tags."""
    key = empty.client("kms").create_key()["KeyMetadata"]["KeyId"]
    assert find(empty).identifiers == {}
    assert find(empty, key).identifiers == {"StateKey": {"KeyId": key}}


@pytest.mark.parametrize("how", ["--yes", "--dry-run"])
def test_a_wrong_account_is_refused_before_anything(empty: EmulatedAccount, how: str) -> None:
    """The account that is meant is named by hand."""
    result = empty.run(how, account="999999999999")
    assert isinstance(result.exception, Refused)
    assert "of account 123456789012, not of 999999999999" in str(result.exception)
    assert empty.is_empty()


def test_a_taken_bucket_name_is_refused(empty: EmulatedAccount) -> None:
    """Whoever owns the bucket would read the state."""
    other = empty.client("s3")

    def somebody_else(request: Any, **_: Any) -> None:
        request.headers["x-moto-account-id"] = "999999999999"

    other.meta.events.register("before-sign.s3", somebody_else)
    other.create_bucket(Bucket=BUCKET)
    for more in (["--yes"], ["--dry-run"]):
        result = empty.run(*more)
        assert isinstance(result.exception, Refused), result.output
        assert f"{BUCKET} belongs to another account" in str(result.exception)
    assert empty.is_empty()


@pytest.mark.parametrize(
    ("made", "meant"), [("us-east-1", "sa-east-1"), ("sa-east-1", "us-east-1")]
)
@pytest.mark.parametrize("how", ["--yes", "--dry-run"])
def test_another_region_than_the_states_is_refused(
    empty: EmulatedAccount, made: str, meant: str, how: str
) -> None:
    """Its bucket would be pointed at a key that it cannot use, and Pulumi at nothing."""
    assert set(empty.outcomes("--region", made).values()) == {"created"}
    rule = empty.client("s3").get_bucket_encryption(Bucket=BUCKET)
    result = empty.run("--region", meant, how)
    assert isinstance(result.exception, Refused), result.output
    assert result.exception.exit_code == ExitCode.REFUSED
    assert f"The state is in {made}, not in {meant}." in str(result.exception)
    assert f"--region {made}" in result.exception.do
    assert result.stdout == ""
    assert empty.client("kms", meant).list_keys()["Keys"] == []
    assert empty.client("cloudformation", meant).describe_stacks()["Stacks"] == []
    after = empty.client("s3").get_bucket_encryption(Bucket=BUCKET)
    assert after["ServerSideEncryptionConfiguration"] == rule["ServerSideEncryptionConfiguration"]
    assert empty.outcomes("--region", made) == all_are("already there")


@pytest.mark.parametrize("how", ["--yes", "--dry-run"])
@pytest.mark.parametrize("by_stack", [True, False])
def test_a_key_that_goes_is_said(empty: EmulatedAccount, how: str, *, by_stack: bool) -> None:
    """A second key could not read what the first one wrote."""
    if by_stack:
        empty.outcomes()
    else:
        empty.create_key()
    kms, key = empty.client("kms"), empty.key_id()
    kms.schedule_key_deletion(KeyId=key)
    if by_stack:
        kms.delete_alias(AliasName=STATE_KEY_ALIAS)
    result = empty.run(how)
    assert isinstance(result.exception, ArcaError)
    assert "The state's key is PendingDeletion" in str(result.exception)
    assert "aws kms cancel-key-deletion --key-id arn:" in result.exception.do
    assert "aws kms enable-key" in result.exception.do
    assert len(kms.list_keys()["Keys"]) == 1


def test_a_disabled_key_is_said(empty: EmulatedAccount) -> None:
    """Its deletion need not be cancelled."""
    empty.client("kms").disable_key(KeyId=empty.create_key())
    result = empty.run("--yes")
    assert isinstance(result.exception, ArcaError)
    assert "The state's key is Disabled" in str(result.exception)
    assert result.exception.do.startswith("aws kms enable-key --key-id arn:")


def test_an_identity_provider_of_others_is_used_as_it_is(empty: EmulatedAccount) -> None:
    """An account has at most one for each address; the stack neither takes nor changes it."""
    empty.create_identity_provider("sts.amazonaws.com", "https://github.com/acme")
    outcomes = empty.outcomes()
    assert outcomes == {**all_are("created"), "IdentityProvider": "already there"}
    listed = empty.client("cloudformation").describe_stack_resources(StackName="arca-bootstrap")
    assert "IdentityProvider" not in {
        one.get("LogicalResourceId") for one in listed["StackResources"]
    }
    assert empty.outcomes() == all_are("already there")


@pytest.mark.parametrize("how", ["--yes", "--dry-run"])
def test_an_identity_provider_without_the_audience_is_refused(
    empty: EmulatedAccount, how: str
) -> None:
    """It is somebody else's: the command says how to add the audience, and adds nothing."""
    empty.create_identity_provider("https://github.com/acme")
    result = empty.run(how)
    assert isinstance(result.exception, Refused)
    assert "aws iam add-client-id-to-open-id-connect-provider" in result.exception.do
    assert f"{GITHUB_ARN} --client-id sts.amazonaws.com" in result.exception.do
    assert empty.client("s3").list_buckets()["Buckets"] == []


def test_no_credentials(monkeypatch: pytest.MonkeyPatch, empty: EmulatedAccount) -> None:
    """One clear error, and no traceback."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    forget_clients(monkeypatch)
    result = EmulatedAccount(empty.endpoint, on_aws=True).run()
    assert isinstance(result.exception, ArcaError)
    assert "there are no AWS credentials" in str(result.exception)
