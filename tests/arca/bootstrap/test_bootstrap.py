"""`arca bootstrap` in an emulated account: fresh, again, half done, and where it must refuse."""

import json
from typing import Any, cast

import boto3
import pytest
from click.testing import Result

from arca.bootstrap import boundary
from arca.errors import ArcaError, Refused
from arca.naming import STATE_KEY_ALIAS, boundary_arn, state_bucket
from tests.arca.emulated import arca

ACCOUNT = "123456789012"
BUCKET = state_bucket(ACCOUNT)


class Empty:
    """An emulated account with nothing in it."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint

    def client(self, service: str, region: str = "us-east-1") -> Any:
        """A plain client, not our own."""
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
        wanted = ("--account", account, "--organization", "acme", "--endpoint-url", self.endpoint)
        return arca("bootstrap", *wanted, *more)

    def outcomes(self, *more: str) -> dict[str, str]:
        """Run it; outcome by the first word of each piece."""
        result = self.run("--yes", "--json", *more)
        assert result.exit_code == 0, result.output
        made = json.loads(result.stdout)["pieces"]
        return {piece["name"].split(" ")[0]: piece["outcome"] for piece in made}


@pytest.fixture
def empty(endpoint: str) -> Empty:
    """A fresh one."""
    made = Empty(endpoint)
    made.client("sts").get_caller_identity()
    return made


PIECES = ("key", "bucket", "identity", "boundary")


def all_are(outcome: str) -> dict[str, str]:
    """Every piece ended so."""
    return dict.fromkeys(PIECES, outcome)


def test_a_fresh_account(empty: Empty) -> None:
    """Everything is made, and made right, as plain clients see it."""
    assert empty.outcomes() == all_are("created")
    s3, kms, iam = empty.client("s3"), empty.client("kms"), empty.client("iam")
    key = kms.describe_key(KeyId=STATE_KEY_ALIAS)["KeyMetadata"]
    assert kms.get_key_rotation_status(KeyId=key["KeyId"])["KeyRotationEnabled"]
    assert s3.get_bucket_versioning(Bucket=BUCKET)["Status"] == "Enabled"
    rule = s3.get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert rule["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"] == key["Arn"]
    block = s3.get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"]
    assert set(block.values()) == {True}
    statement = json.loads(s3.get_bucket_policy(Bucket=BUCKET)["Policy"])["Statement"][0]
    assert statement["Effect"] == "Deny"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    owner = s3.get_bucket_ownership_controls(Bucket=BUCKET)["OwnershipControls"]["Rules"]
    assert owner == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    expiry = s3.get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"][0]
    assert expiry["NoncurrentVersionExpiration"]["NoncurrentDays"] == 365
    assert "Expiration" not in expiry
    (provider,) = iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]
    assert provider["Arn"].endswith("/token.actions.githubusercontent.com")
    assert iam.get_policy(PolicyArn=boundary_arn(ACCOUNT))["Policy"]["DefaultVersionId"] == "v1"


BUDGET = ("--monthly-budget", "400", "--contact", "platform@acme.example")


def test_a_budget_is_made_kept_and_changed(empty: Empty) -> None:
    """Of the whole account, with its warnings; a second amount takes the first one's place."""
    assert empty.outcomes(*BUDGET)["budget"] == "created"
    assert empty.outcomes(*BUDGET) == {**all_are("already there"), "budget": "already there"}
    budgets = empty.client("budgets")
    named: Any = {"AccountId": ACCOUNT, "BudgetName": "arca-monthly"}
    listed = budgets.describe_notifications_for_budget(**named)["Notifications"]
    assert {(one["NotificationType"], one["Threshold"]) for one in listed} == {
        ("ACTUAL", 80.0),
        ("FORECASTED", 100.0),
    }
    budgets.delete_notification(**named, Notification=listed[0])
    assert empty.outcomes(*BUDGET)["budget"] == "repaired"
    assert len(budgets.describe_notifications_for_budget(**named)["Notifications"]) == 2
    assert empty.outcomes("--monthly-budget", "500", *BUDGET[2:])["budget"] == "repaired"
    found = budgets.describe_budget(**named)["Budget"]
    assert (float(found["BudgetLimit"]["Amount"]), found["TimeUnit"]) == (500, "MONTHLY")
    assert "budget" not in empty.outcomes()


@pytest.mark.parametrize("half", [BUDGET[:2], BUDGET[2:], ("--monthly-budget", "0", *BUDGET[2:])])
def test_a_budget_wants_somebody_who_hears_of_it(empty: Empty, half: tuple[str, ...]) -> None:
    """Said before AWS is asked."""
    assert empty.run("--yes", *half).exit_code == 2
    assert empty.client("s3").list_buckets()["Buckets"] == []


def test_a_second_run_changes_nothing(empty: Empty) -> None:
    """And needs no yes, for there is nothing to agree to."""
    empty.outcomes()
    assert empty.outcomes() == all_are("already there")
    assert empty.run().exit_code == 0
    assert len(empty.client("kms").list_keys()["Keys"]) == 1


def test_what_was_changed_by_hand_is_repaired(empty: Empty) -> None:
    """Each property on its own, and what is right is left."""
    empty.outcomes()
    s3, kms, iam = empty.client("s3"), empty.client("kms"), empty.client("iam")
    s3.delete_bucket_policy(Bucket=BUCKET)
    s3.delete_public_access_block(Bucket=BUCKET)
    s3.delete_bucket_lifecycle(Bucket=BUCKET)
    s3.delete_bucket_ownership_controls(Bucket=BUCKET)
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Suspended"})
    s3.delete_bucket_encryption(Bucket=BUCKET)
    kms.disable_key_rotation(KeyId=kms.describe_key(KeyId=STATE_KEY_ALIAS)["KeyMetadata"]["KeyId"])
    iam.create_policy_version(
        PolicyArn=boundary_arn(ACCOUNT),
        PolicyDocument=json.dumps(another("1")),
        SetAsDefault=True,
    )
    result = json.loads(empty.run("--yes", "--json").stdout)
    changed = {piece["name"].split(" ")[0]: piece["changes"] for piece in result["pieces"]}
    assert changed["bucket"] == [
        "versions",
        "encryption",
        "public access blocked",
        "ownership",
        "TLS only",
        "old states expire",
    ]
    assert (changed["key"], changed["boundary"]) == (["rotation"], ["document"])
    assert changed["identity"] == []
    assert empty.outcomes() == all_are("already there")


def another(number: str) -> dict[str, Any]:
    """A policy that is not the boundary."""
    nothing = {"Sid": f"N{number}", "Effect": "Deny", "Action": "s3:*", "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [nothing]}


def test_the_boundary_keeps_room_for_a_version(empty: Empty) -> None:
    """IAM keeps five; the oldest goes."""
    empty.outcomes()
    iam, arn = empty.client("iam"), boundary_arn(ACCOUNT)
    for number in range(4):
        iam.create_policy_version(
            PolicyArn=arn, PolicyDocument=json.dumps(another(str(number))), SetAsDefault=True
        )
    assert empty.outcomes()["boundary"] == "repaired"
    shown = iam.get_policy_version(
        PolicyArn=arn, VersionId=iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    )["PolicyVersion"]["Document"]
    assert shown == boundary.document(ACCOUNT)


def test_an_interrupted_run_is_continued(empty: Empty) -> None:
    """A key without its name is taken, not made again."""
    empty.outcomes()
    empty.client("kms").delete_alias(AliasName=STATE_KEY_ALIAS)
    assert empty.outcomes()["key"] == "repaired"
    assert len(empty.client("kms").list_keys()["Keys"]) == 1


def test_a_dry_run_changes_nothing(empty: Empty) -> None:
    """It says what would be made."""
    assert empty.outcomes("--dry-run") == all_are("would create")
    assert empty.client("s3").list_buckets()["Buckets"] == []
    assert empty.client("kms").list_keys()["Keys"] == []
    assert empty.client("iam").list_policies(Scope="Local")["Policies"] == []
    assert empty.client("iam").list_open_id_connect_providers()["OpenIDConnectProviderList"] == []


def test_nobody_agreed(empty: Empty) -> None:
    """Without a terminal it says how to go on, and does nothing."""
    result = empty.run()
    assert isinstance(result.exception, ArcaError)
    assert "add --yes" in str(result.exception)
    assert empty.client("s3").list_buckets()["Buckets"] == []


def test_a_wrong_account_is_refused_before_anything(empty: Empty) -> None:
    """The account that is meant is named by hand."""
    result = empty.run("--yes", account="999999999999")
    assert isinstance(result.exception, Refused)
    assert "of account 123456789012, not of 999999999999" in str(result.exception)
    assert empty.client("kms").list_keys()["Keys"] == []


def test_a_taken_bucket_name_is_refused(empty: Empty) -> None:
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
    assert empty.client("s3").list_buckets()["Buckets"] == []


@pytest.mark.parametrize(
    ("made", "meant"), [("us-east-1", "sa-east-1"), ("sa-east-1", "us-east-1")]
)
@pytest.mark.parametrize("how", ["--yes", "--dry-run"])
def test_another_region_than_the_states_is_refused(
    empty: Empty, made: str, meant: str, how: str
) -> None:
    """Its bucket would be pointed at a key that it cannot use, and Pulumi at nothing."""
    assert set(empty.outcomes("--region", made).values()) == {"created"}
    rule = empty.client("s3").get_bucket_encryption(Bucket=BUCKET)
    result = empty.run("--region", meant, how)
    assert isinstance(result.exception, Refused), result.output
    assert result.exception.exit_code == 6
    assert f"The state is in {made}, not in {meant}." in str(result.exception)
    assert f"--region {made}" in result.exception.do
    assert result.stdout == ""
    assert empty.client("kms", meant).list_keys()["Keys"] == []
    after = empty.client("s3").get_bucket_encryption(Bucket=BUCKET)
    assert after["ServerSideEncryptionConfiguration"] == rule["ServerSideEncryptionConfiguration"]
    assert empty.outcomes("--region", made) == all_are("already there")


def test_a_key_that_goes_is_said(empty: Empty) -> None:
    """A second key could not read what the first one wrote."""
    empty.outcomes()
    kms = empty.client("kms")
    kms.schedule_key_deletion(KeyId=kms.describe_key(KeyId=STATE_KEY_ALIAS)["KeyMetadata"]["KeyId"])
    result = empty.run("--yes")
    assert isinstance(result.exception, ArcaError)
    assert "PendingDeletion" in str(result.exception)
    assert len(kms.list_keys()["Keys"]) == 1


def test_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """One clear error, and no traceback."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    result = arca("bootstrap", "--account", ACCOUNT, "--organization", "acme")
    assert isinstance(result.exception, ArcaError)
    assert "there are no AWS credentials" in str(result.exception)


@pytest.mark.parametrize("wrong", [["--account", "12"], ["--organization", "a/b"]])
def test_wrong_usage(empty: Empty, wrong: list[str]) -> None:
    """Said before AWS is asked."""
    assert empty.run(*wrong).exit_code == 2


def test_the_program_and_the_bootstrap_agree_on_names() -> None:
    """Neither may import the other, so this holds them together."""
    assert boundary.state_bucket(ACCOUNT) == BUCKET
    assert boundary.STATE_KEY_ALIAS == STATE_KEY_ALIAS
    assert boundary_arn(ACCOUNT).endswith(f":policy/{boundary.NAME}")


def test_the_boundary_fits_into_a_policy() -> None:
    """6144 characters, white space not counted (IAM User Guide, "IAM and AWS STS quotas")."""
    assert len("".join(json.dumps(boundary.document(ACCOUNT)).split())) <= 6144
