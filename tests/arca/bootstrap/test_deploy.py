"""`arca bootstrap` in an emulated account, and with a scripted CloudFormation."""

import json
from typing import Any

import pytest

from arca.bootstrap.template import template_text, template_version
from arca.errors import ArcaError, ExitCode, Refused
from arca.naming import STATE_KEY_ALIAS, boundary_arn
from tests.arca.bootstrap.accounts import (
    ACCOUNT,
    BUCKET,
    BUDGET,
    RESOURCES,
    EmulatedAccount,
    all_are,
    another_policy,
)
from tests.arca.bootstrap.resolved import boundary_document
from tests.arca.bootstrap.scripted import ScriptedCloudFormation, change
from tests.arca.emulated import arca

CAPABILITIES = ["CAPABILITY_NAMED_IAM"]


def create_stack(empty: EmulatedAccount, text: str) -> None:
    """Create the stack of another template version, with the parameters of a first run."""
    values = {"GitHubProvider": "create", "MonthlyBudget": "0", "Contact": ""}
    empty.client("cloudformation").create_stack(
        StackName="arca-bootstrap",
        TemplateBody=text,
        Capabilities=CAPABILITIES,
        Parameters=[
            {"ParameterKey": key, "ParameterValue": value} for key, value in values.items()
        ],
    )


def test_a_fresh_account(empty: EmulatedAccount) -> None:
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
    boundary = iam.get_policy(PolicyArn=boundary_arn(ACCOUNT))["Policy"]
    shown = iam.get_policy_version(PolicyArn=boundary["Arn"], VersionId="v1")["PolicyVersion"]
    assert shown["Document"] == boundary_document(ACCOUNT)


def test_a_second_run_changes_nothing(empty: EmulatedAccount) -> None:
    """And needs no yes, for there is nothing to agree to."""
    empty.outcomes()
    assert empty.outcomes() == all_are("already there")
    assert empty.outcomes("--dry-run") == all_are("already there")
    result = empty.run()
    assert (result.exit_code, result.stderr) == (0, "")
    assert len(empty.client("kms").list_keys()["Keys"]) == 1


def test_a_dry_run_changes_nothing(empty: EmulatedAccount) -> None:
    """It says what would be made, and leaves no stack behind either."""
    assert empty.outcomes("--dry-run") == all_are("would create")
    assert empty.outcomes("--dry-run", *BUDGET)["Budget"] == "would create"
    assert empty.is_empty()


def test_nobody_agreed(empty: EmulatedAccount) -> None:
    """Without a terminal it says how to go on, and does nothing."""
    result = empty.run()
    assert isinstance(result.exception, ArcaError)
    assert "add --yes" in str(result.exception)
    assert "would create: boundary arca-boundary" in result.stderr
    assert empty.is_empty()


def test_a_budget_is_made_kept_and_changed(empty: EmulatedAccount) -> None:
    """It is of the whole account and has its warnings; a later run without one keeps it."""
    assert empty.outcomes() == all_are("created")
    assert empty.outcomes(*BUDGET) == {**all_are("already there"), "Budget": "created"}
    assert empty.outcomes(*BUDGET) == {**all_are("already there"), "Budget": "already there"}
    budgets = empty.client("budgets")
    named: Any = {"AccountId": ACCOUNT, "BudgetName": "arca-monthly"}
    listed = budgets.describe_notifications_for_budget(**named)["Notifications"]
    assert {(one["NotificationType"], one["Threshold"]) for one in listed} == {
        ("ACTUAL", 80.0),
        ("FORECASTED", 100.0),
    }
    empty.outcomes("--monthly-budget", "500", *BUDGET[2:])
    found = budgets.describe_budget(**named)["Budget"]
    assert (float(found["BudgetLimit"]["Amount"]), found["TimeUnit"]) == (500, "MONTHLY")
    assert empty.outcomes() == {**all_are("already there"), "Budget": "already there"}
    assert float(budgets.describe_budget(**named)["Budget"]["BudgetLimit"]["Amount"]) == 500


@pytest.mark.parametrize("after", ["--yes", "--dry-run"])
def test_a_budget_of_an_earlier_bootstrap_is_refused(empty: EmulatedAccount, after: str) -> None:
    """CloudFormation cannot import it: its identifier is not its name."""
    empty.client("budgets").create_budget(
        AccountId=ACCOUNT,
        Budget={
            "BudgetName": "arca-monthly",
            "BudgetLimit": {"Amount": "5", "Unit": "USD"},
            "TimeUnit": "MONTHLY",
            "BudgetType": "COST",
        },
    )
    result = empty.run(after, *BUDGET)
    assert isinstance(result.exception, Refused)
    assert "aws budgets delete-budget --account-id 123456789012" in result.exception.do
    assert empty.is_empty()
    assert empty.outcomes() == all_are("created")


def test_a_newer_template_updates_the_stack(empty: EmulatedAccount) -> None:
    """The boundary is renewed by it, and even where IAM keeps five versions already."""
    older = (
        template_text()
        .replace(f'Value: "{template_version()}"', 'Value: "0"')
        .replace("- xray:*", "- sqs:*")
    )
    create_stack(empty, older)
    client = empty.client("cloudformation")
    iam, arn = empty.client("iam"), boundary_arn(ACCOUNT)
    for number in range(4):
        iam.create_policy_version(
            PolicyArn=arn,
            PolicyDocument=json.dumps(another_identity_policy(str(number))),
            SetAsDefault=True,
        )
    key = empty.key_id()
    assert empty.outcomes("--dry-run") == {**all_are("already there"), "Boundary": "would update"}
    assert len(client.describe_stack_events(StackName="arca-bootstrap")["StackEvents"]) == 2
    assert empty.outcomes() == {**all_are("already there"), "Boundary": "updated"}
    shown = iam.get_policy_version(
        PolicyArn=arn, VersionId=iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    )["PolicyVersion"]["Document"]
    assert shown == boundary_document(ACCOUNT)
    assert empty.key_id() == key
    assert empty.outcomes() == all_are("already there")


def another_identity_policy(number: str) -> dict[str, Any]:
    """Return a policy that a managed policy can have, which is not the boundary."""
    (statement,) = another_policy(number)["Statement"]
    del statement["Principal"]
    return {"Version": "2012-10-17", "Statement": [statement]}


@pytest.mark.parametrize("how", ["--yes", "--dry-run"])
def test_a_newer_stack_is_refused(empty: EmulatedAccount, how: str) -> None:
    """An older `arca` would take back what a newer one has deployed."""
    newer = template_text().replace(f'Value: "{template_version()}"', 'Value: "99"')
    create_stack(empty, newer)
    result = empty.run(how)
    assert isinstance(result.exception, Refused)
    assert "has template version 99, newer than " in str(result.exception)


@pytest.mark.parametrize("how", ["--yes", "--dry-run"])
def test_an_emulated_aws_cannot_import(empty: EmulatedAccount, how: str) -> None:
    """Moto would create a second key: what exists is named, and nothing is changed."""
    empty.create_bucket()
    key = empty.create_key()
    result = empty.run(how)
    assert isinstance(result.exception, Refused)
    assert result.exception.exit_code == ExitCode.REFUSED
    assert f"bucket {BUCKET}" in result.exception.what
    assert "make down && make up" in result.exception.do
    assert [one["KeyId"] for one in empty.client("kms").list_keys()["Keys"]] == [key]
    assert empty.client("cloudformation").describe_stacks()["Stacks"] == []


def test_an_earlier_bootstrap_is_imported(
    aws: EmulatedAccount, scripted: ScriptedCloudFormation
) -> None:
    """First what exists comes into a new stack, then the stack is brought to the template."""
    key = aws.create_key()
    aws.create_bucket()
    aws.create_boundary()
    imported = ("StateBucket", "StateBucketPolicy", "StateKey", "StateKeyAlias", "Boundary")
    scripted.waits = 2
    scripted.changes = [
        [change(name, "Import") for name in imported],
        [
            change("StateBucket", "Modify", "False", "VersioningConfiguration", "BucketEncryption"),
            change("StateBucketPolicy", "Modify", "Conditional", "PolicyDocument"),
            change("IdentityProvider", "Add"),
        ],
    ]
    pieces = aws.pieces()
    assert {name: piece["outcome"] for name, piece in pieces.items()} == {
        **dict.fromkeys(imported, "imported"),
        "IdentityProvider": "created",
    }
    assert pieces["StateBucket"]["changes"] == ["VersioningConfiguration", "BucketEncryption"]
    first, second = scripted.called("CreateChangeSet")
    assert (first["ChangeSetType"], first["Parameters"]) == ("IMPORT", [])
    assert set(json.loads(first["TemplateBody"])["Resources"]) == set(imported)
    named = {one["LogicalResourceId"]: one for one in first["ResourcesToImport"]}
    assert set(named) == set(imported)
    assert named["StateKey"] == {
        "ResourceType": "AWS::KMS::Key",
        "LogicalResourceId": "StateKey",
        "ResourceIdentifier": {"KeyId": key},
    }
    assert (second["ChangeSetType"], second["TemplateBody"]) == ("UPDATE", template_text())
    assert second["DeploymentMode"] == "REVERT_DRIFT"
    assert first["Capabilities"] == second["Capabilities"] == CAPABILITIES
    assert len(scripted.called("ExecuteChangeSet")) == 2
    assert scripted.called("DeleteStack") == scripted.called("DeleteChangeSet") == []
    body = aws.client("s3").get_object(Bucket=BUCKET, Key=".pulumi/meta.yaml")["Body"].read()
    assert body == b"version: 1"


def test_an_interrupted_run_is_continued(
    aws: EmulatedAccount, scripted: ScriptedCloudFormation
) -> None:
    """A key without its alias is imported, and its alias is created; a dry run only says so."""
    key = aws.create_key(alias=False)
    planned = aws.outcomes("--dry-run")
    assert planned == {**all_are("would create"), "StateKey": "would import"}
    assert scripted.called("CreateChangeSet") == []
    scripted.changes = [
        [change("StateKey", "Import")],
        [change(name, "Add") for name in RESOURCES if name != "StateKey"],
    ]
    assert aws.outcomes() == {**all_are("created"), "StateKey": "imported"}
    (named,) = scripted.called("CreateChangeSet")[0]["ResourcesToImport"]
    assert named["ResourceIdentifier"] == {"KeyId": key}


def test_nobody_agreed_to_an_import(aws: EmulatedAccount, scripted: ScriptedCloudFormation) -> None:
    """The change set goes, and with it the empty stack."""
    aws.create_key()
    scripted.changes = [[change("StateKey", "Import"), change("StateKeyAlias", "Import")]]
    result = aws.run()
    assert isinstance(result.exception, ArcaError)
    assert "would import: key of the state" in result.stderr
    assert "would create: boundary arca-boundary" in result.stderr
    assert scripted.called("ExecuteChangeSet") == []
    assert len(scripted.called("DeleteChangeSet")) == len(scripted.called("DeleteStack")) == 1


def test_a_stack_that_somebody_else_deployed_meanwhile_stays(
    aws: EmulatedAccount, scripted: ScriptedCloudFormation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both were asked, the other one agreed first: only our own change set goes."""
    aws.create_key()
    scripted.changes = [[change("StateKey", "Import")]]

    def deployed_meanwhile() -> dict[str, Any]:
        scripted.status = "CREATE_COMPLETE"
        return {}

    monkeypatch.setattr(scripted, "_delete_change_set", deployed_meanwhile)
    aws.run()
    assert len(scripted.called("DeleteChangeSet")) == 1
    assert scripted.called("DeleteStack") == []


@pytest.fixture
def deployed(scripted: ScriptedCloudFormation) -> ScriptedCloudFormation:
    """A stack that has everything but a budget."""
    scripted.status = "CREATE_COMPLETE"
    scripted.parameters = {"GitHubProvider": "create", "MonthlyBudget": "0", "Contact": ""}
    scripted.resources = {name: f"{name}-1" for name in RESOURCES}
    return scripted


def test_what_was_changed_by_hand_is_repaired(
    aws: EmulatedAccount, deployed: ScriptedCloudFormation
) -> None:
    """The change set compares with what exists; a dry run deletes it, and the stack stays."""
    drift = [change("StateBucket", "Modify", "False", "VersioningConfiguration")]
    deployed.changes = [drift, drift, []]
    planned = aws.pieces("--dry-run")["StateBucket"]
    assert (planned["outcome"], planned["changes"]) == ("would update", ["VersioningConfiguration"])
    assert len(deployed.called("DeleteChangeSet")) == 1
    assert deployed.called("ExecuteChangeSet") == deployed.called("DeleteStack") == []
    assert aws.outcomes() == {**all_are("already there"), "StateBucket": "updated"}
    assert {one["DeploymentMode"] for one in deployed.called("CreateChangeSet")} == {"REVERT_DRIFT"}
    assert aws.outcomes() == all_are("already there")


def test_the_stacks_own_identity_provider_stays_its_own(
    aws: EmulatedAccount, deployed: ScriptedCloudFormation
) -> None:
    """An update that took it for somebody else's would remove it from the stack."""
    aws.create_identity_provider("sts.amazonaws.com")
    deployed.changes = [[]]
    assert aws.outcomes() == all_are("already there")
    sent = deployed.called("CreateChangeSet")[0]["Parameters"]
    assert {"ParameterKey": "GitHubProvider", "ParameterValue": "create"} in sent


@pytest.mark.parametrize("how", ["--yes", "--dry-run"])
@pytest.mark.parametrize(
    ("planned", "said"),
    [
        (change("StateKey", "Modify", "True", "KeySpec"), "would replace the key of the state"),
        (change("StateBucket", "Modify", "Conditional", "BucketName"), "would replace the bucket"),
        (change("StateBucket", "Remove"), "would remove the bucket"),
        (change("Boundary", "Modify", "True", "Description"), "would replace the boundary"),
    ],
)
def test_nothing_is_ever_replaced(
    aws: EmulatedAccount, deployed: ScriptedCloudFormation, planned: Any, said: str, how: str
) -> None:
    """The change set is deleted, and the properties are named."""
    deployed.changes = [[planned]]
    result = aws.run(how)
    assert isinstance(result.exception, Refused)
    assert said in result.exception.what
    assert all(
        detail["Target"]["Name"] in result.exception.wanted for detail in planned.get("Details", [])
    )
    assert len(deployed.called("DeleteChangeSet")) == 1
    assert deployed.called("ExecuteChangeSet") == []


def test_a_changed_contact_is_refused(
    aws: EmulatedAccount, deployed: ScriptedCloudFormation
) -> None:
    """CloudFormation would replace the budget, whose name is taken by itself."""
    deployed.parameters |= {"MonthlyBudget": "400", "Contact": "somebody@acme.example"}
    deployed.resources["Budget"] = "arca-monthly"
    replaced = change("Budget", "Modify", "True", "NotificationsWithSubscribers")
    deployed.changes = [[replaced]]
    result = aws.run("--yes", *BUDGET)
    assert isinstance(result.exception, Refused)
    assert "ParameterKey=MonthlyBudget,ParameterValue=0" in result.exception.do
    sent = deployed.called("CreateChangeSet")[0]["Parameters"]
    assert {one["ParameterKey"]: one["ParameterValue"] for one in sent} == {
        "GitHubProvider": "create",
        "MonthlyBudget": "400",
        "Contact": "platform@acme.example",
    }


def test_what_stands_outside_of_the_stack_is_refused(
    aws: EmulatedAccount, deployed: ScriptedCloudFormation
) -> None:
    """To create it again would fail, and nothing is lost by deleting the stack."""
    aws.create_boundary()
    del deployed.resources["Boundary"]
    deployed.changes = [[change("Boundary", "Add")]]
    result = aws.run("--yes")
    assert isinstance(result.exception, Refused)
    assert "boundary arca-boundary exists outside of the stack" in result.exception.what
    assert "aws cloudformation delete-stack --stack-name arca-bootstrap" in result.exception.do
    assert deployed.called("ExecuteChangeSet") == []


def test_what_the_stack_does_not_list_was_not_made(
    aws: EmulatedAccount, deployed: ScriptedCloudFormation
) -> None:
    """The outcome is what the stack has, not what was asked for."""
    del deployed.resources["Boundary"]
    deployed.changes = [[]]
    assert aws.outcomes() == {**all_are("already there"), "Boundary": "not made"}


@pytest.mark.parametrize("half", [BUDGET[:2], BUDGET[2:], ("--monthly-budget", "0", *BUDGET[2:])])
def test_a_budget_wants_somebody_who_hears_of_it(
    empty: EmulatedAccount, half: tuple[str, ...]
) -> None:
    """Said before AWS is asked."""
    assert empty.run("--yes", *half).exit_code == ExitCode.USAGE
    assert empty.is_empty()


@pytest.mark.parametrize("wrong", [["--account", "12"], ["--organization", "a/b"]])
def test_wrong_usage(empty: EmulatedAccount, wrong: list[str]) -> None:
    """Said before AWS is asked."""
    assert empty.run(*wrong).exit_code == ExitCode.USAGE


def test_the_template_is_printed() -> None:
    """Whoever has to approve it needs no account for that."""
    result = arca("bootstrap", "--template")
    assert (result.exit_code, result.stdout, result.stderr) == (0, template_text(), "")


def test_json_has_what_a_program_needs(empty: EmulatedAccount) -> None:
    """The addresses that Pulumi needs, the stack and its version, each resource's outcome."""
    result = json.loads(empty.run("--dry-run", "--json").stdout)
    assert set(result) == {
        *("account", "region", "dry_run", "pieces", "next"),
        *("stack", "template_version", "quotas"),
    }
    assert (result["account"], result["region"], result["dry_run"]) == (ACCOUNT, "us-east-1", True)
    assert (result["stack"], result["template_version"]) == (
        "arca-bootstrap",
        template_version(),
    )
    assert result["next"]["PULUMI_BACKEND_URL"] == f"s3://{BUCKET}?region=us-east-1&awssdk=v2"
    assert {tuple(sorted(piece)) for piece in result["pieces"]} == {("changes", "name", "outcome")}
    assert [quota["verdict"] for quota in result["quotas"]] == ["SKIPPED"]
