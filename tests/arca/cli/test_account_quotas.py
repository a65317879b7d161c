"""Quotas in `arca bootstrap` and `arca verify`."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

import arca.stack
from arca import checkout
from arca.bootstrap import deploy
from arca.ci.review_stack import MAX_REVIEW_STACKS
from arca.cli import extras, graphs
from arca.cli.main import cli
from arca.cost.graph import LoadedGraph
from arca.errors import ExitCode, Explained
from arca.outputs import Outputs
from arca.quotas.needs import needs
from arca.release import references, service
from arca.stack import Stack
from arca.stackfile import StackFile
from tests.arca.cost.graphs import stack_graph
from tests.arca.quotas.aws import UNANSWERED, ScriptedAws, value
from tests.stacks import STACKS, settings_of

LIVE, TRIAL = "111111111111", "222222222222"
"""The account of prod and dr, and that of dev and staging."""
ACCOUNTS = {"prod": LIVE, "dr": LIVE, "dev": TRIAL, "staging": TRIAL}
TASKS: Mapping[str, Any] = {
    "service.cpu": 1024,
    "service.memory_mib": 2048,
    "service.scaling": {"min_tasks": 1, "max_tasks": 4},
    "service.fargate": {"on_demand_base": 1, "on_demand_weight": 1, "spot_weight": 0},
}
"""Four tasks of one virtual CPU: nine virtual CPUs in a release."""
ALONE: Mapping[str, Any] = {"service.scaling": {"min_tasks": 1, "max_tasks": 1}}
"""What a review stack has instead."""
REGIONS: Mapping[str, str] = {"dr": "us-east-1"}
VCPUS = "quota Fargate On-Demand vCPU in"


@pytest.fixture(scope="module")
def known() -> Mapping[str, LoadedGraph]:
    """Graphs by stack: that of dev stands for each, in the region of the stack."""
    whole, alone = stack_graph("dev", TASKS), stack_graph("dev", {**TASKS, **ALONE})
    return {
        stack: replace(
            alone if stack == "review-1" else whole,
            stack=stack,
            region=REGIONS.get(stack, "sa-east-1"),
        )
        for stack in (*ACCOUNTS, "review-1")
    }


@pytest.fixture
def reviews(known: Mapping[str, LoadedGraph], monkeypatch: pytest.MonkeyPatch) -> list[StackFile]:
    """Give the commands graphs that are declared once; returns the review stacks' files."""
    found: list[StackFile] = []

    def recorded(_: graphs.Recorder, stack: str) -> LoadedGraph:
        return known[stack]

    def review(_: graphs.Recorder, file: StackFile) -> LoadedGraph:
        found.append(file)
        return known[file.stack]

    monkeypatch.setattr(graphs.Recorder, "graph", recorded)
    monkeypatch.setattr(graphs.Recorder, "graph_of", review)
    return found


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A checkout of these stacks' files; returns a function that writes another account."""

    def write(stack: str, account: object, *, review: bool = False) -> None:
        owner = {"account_id": account, "domain": f"{stack}.example"}
        config = {"arca-api:owner": owner, "arca-api:delivery": {"review_stacks": review}}
        content = yaml.safe_dump({"config": config})
        (tmp_path / f"Pulumi.{stack}.yaml").write_text(content, encoding="utf-8")

    for stack, account in ACCOUNTS.items():
        write(stack, account)

    def root() -> Path:
        return tmp_path

    monkeypatch.setattr(checkout, "root", root)
    return write


@pytest.fixture
def bootstrapped(monkeypatch: pytest.MonkeyPatch) -> None:
    """An account that has everything already."""

    def nothing(*_: object, **__: object) -> list[Any]:
        return []

    monkeypatch.setattr(deploy, "deploy_bootstrap", nothing)


def bootstrap(*words: str, account: str = LIVE) -> Result:
    """Run the command; an error is raised."""
    named = ("--account", account, "--organization", "acme", *words)
    return CliRunner().invoke(cli, ["bootstrap", *named], catch_exceptions=False)


def quotas(done: Result) -> list[dict[str, Any]]:
    """Return the checks in the command's JSON."""
    assert done.exit_code == 0
    return json.loads(done.stdout)["quotas"]


@pytest.mark.usefixtures("files", "reviews", "bootstrapped")
@pytest.mark.parametrize("how", [(), ("--dry-run",)])
def test_bootstrap_warns(how: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """What is too low changes no exit code, and stands below the rest with the command."""
    ScriptedAws(GetServiceQuota=value(6)).use(monkeypatch)
    found = {one["name"]: one for one in quotas(bootstrap("--json", *how))}
    for region, stack in (("sa-east-1", "prod"), ("us-east-1", "dr")):
        one = found[f"{VCPUS} {region}"]
        assert one["verdict"] == "FAILED"
        assert one["detail"].startswith(f"needs 9 ({stack} 9), allowed 6 (this account's)")
    done = bootstrap(*how)
    assert done.exit_code == 0
    assert f"  FAILED  {VCPUS} us-east-1: needs 9" in done.stdout
    assert "--desired-value 9 --region us-east-1`" in done.stdout
    assert "OK      quota VPCs in sa-east-1: needs 1 (prod 1)" in done.stdout
    assert done.stdout.index("PULUMI_BACKEND_URL") < done.stdout.index("FAILED")
    assert "Recording dr" in done.stderr


@pytest.mark.usefixtures("files", "reviews", "bootstrapped")
def test_stacks_of_an_account_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of another account do not count."""
    ScriptedAws(GetServiceQuota=value(100)).use(monkeypatch)
    found = quotas(bootstrap("--json", account=TRIAL))
    assert {one["verdict"] for one in found} == {"OK"}
    details = {one["name"]: one["detail"] for one in found}
    assert details[f"{VCPUS} sa-east-1"].startswith("needs 18 (dev 9, staging 9)")
    assert details["quota VPCs in sa-east-1"].startswith("needs 2 (dev 1, staging 1)")
    assert not any("us-east-1" in name for name in details)


@pytest.mark.usefixtures("bootstrapped")
def test_review_stacks_count(
    files: Callable[..., None], reviews: list[StackFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many as may be up, each with one task: the VPCs of dev's account are used up then."""
    files("dev", TRIAL, review=True)
    vpcs = {"Vpcs": [{"IsDefault": True}]}
    ScriptedAws(GetServiceQuota=value(5), DescribeVpcs=vpcs).use(monkeypatch)
    found = {one["name"]: one for one in quotas(bootstrap("--json", account=TRIAL))}
    assert MAX_REVIEW_STACKS == 3
    vpcs_ = found["quota VPCs in sa-east-1"]
    assert vpcs_["verdict"] == "FAILED"
    said = "needs 6 (dev 1, review-* 3, staging 1, others in the account 1)"
    assert vpcs_["detail"].startswith(said)
    # Two tasks in a release and one beside them, three times.
    assert "review-* 9, " in found[f"{VCPUS} sa-east-1"]["detail"]
    (file,) = reviews
    assert json.loads(file.config["arca-api:service"])["scaling"]["max_tasks"] == 1
    assert file.stack == "review-1"


@pytest.mark.usefixtures("bootstrapped")
def test_no_review_stack_runs_beside_prod(
    files: Callable[..., None], reviews: list[StackFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`arca ci review-stack` refuses it, so it needs nothing."""
    files("dev", LIVE, review=True)
    ScriptedAws(GetServiceQuota=value(100)).use(monkeypatch)
    assert "review" not in str(quotas(bootstrap("--json")))
    assert reviews == []


@pytest.mark.usefixtures("files", "reviews", "bootstrapped")
def test_bootstrap_without_a_stack_of_the_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """The files still have placeholders when the account is new; nothing is recorded."""
    aws = ScriptedAws().use(monkeypatch)
    done = bootstrap("--json", account="333333333333")
    (one,) = quotas(done)
    assert (one["name"], one["verdict"]) == ("quotas", "SKIPPED")
    assert one["detail"].startswith("no stack's file names the account 333333333333; fill in owner")
    assert (aws.asked, done.stderr) == ([], "")


@pytest.mark.usefixtures("files", "reviews", "bootstrapped")
def test_bootstrap_without_pulumis_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever bootstraps need not be able to record a stack."""

    def missing(module: str) -> object | None:
        return None if module == "pulumi_aws" else module

    monkeypatch.setattr(extras, "find_spec", missing)
    (one,) = quotas(bootstrap("--json"))
    assert one["verdict"] == "SKIPPED"
    assert "needs pulumi_aws, which is not installed; to check them, in the" in one["detail"]
    assert "SKIPPED quotas: This command needs pulumi_aws" in bootstrap().stdout


@pytest.mark.usefixtures("bootstrapped")
def test_bootstrap_outside_a_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The distribution alone can bootstrap an account."""

    def nowhere(_: Path) -> bool:
        return False

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(checkout, "_is_checkout", nowhere)
    checkout.root.cache_clear()
    try:
        (one,) = quotas(bootstrap("--json"))
    finally:
        checkout.root.cache_clear()
    assert one["verdict"] == "SKIPPED"
    assert "needs a checkout of arca-infra" in one["detail"]


@pytest.mark.usefixtures("files", "reviews", "bootstrapped")
def test_bootstrap_with_settings_that_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """`arca check` shows the report; here it is one line."""

    def refused(_: graphs.Recorder, __: str) -> Any:
        raise Explained("2 problems\n  Pulumi.prod.yaml:3: no\n")

    monkeypatch.setattr(graphs.Recorder, "graph", refused)
    (one,) = quotas(bootstrap("--json"))
    assert one["detail"].startswith("2 problems Pulumi.prod.yaml:3: no; to check them, correct")


@pytest.mark.usefixtures("files", "reviews", "bootstrapped")
def test_bootstrap_where_aws_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was done stays done, and the exit code is 0."""
    ScriptedAws(GetServiceQuota=UNANSWERED).use(monkeypatch)
    (one,) = quotas(bootstrap("--json"))
    assert one["verdict"] == "SKIPPED"
    assert "AWS does not answer" in one["detail"]


@pytest.mark.usefixtures("files", "reviews", "bootstrapped")
def test_bootstrap_of_the_emulated_cloud() -> None:
    """Nothing is recorded, for nothing can be compared."""
    done = bootstrap("--json", "--endpoint-url", "http://127.0.0.1:1")
    (one,) = quotas(done)
    assert (one["verdict"], one["detail"]) == ("SKIPPED", "only AWS knows what it allows")
    assert done.stderr == ""


@pytest.mark.usefixtures("reviews", "bootstrapped")
@pytest.mark.parametrize("account", [None, 111111111111, ["a"]])
def test_an_account_that_is_no_text(files: Callable[..., None], account: object) -> None:
    """`arca check` refuses it; here the stack has no account, or the one that it means."""
    for stack in ACCOUNTS:
        files(stack, account)
    (one,) = quotas(bootstrap("--json", account="444444444444"))
    assert one["detail"].startswith("no stack's file names the account 444444444444;")


@pytest.fixture
def find(known: Mapping[str, LoadedGraph], monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A function that lets `arca verify` find a stack, whose references all exist."""

    def let(name: str, *, endpoint: str | None = None) -> None:
        stack = name.rpartition("/")[2]
        exports = {**known[stack if stack in ACCOUNTS else "dev"].exports}
        outputs = Outputs.model_validate({**exports, "account_id": ACCOUNTS.get(stack, TRIAL)})

        def found(*_: object, **__: object) -> Stack:
            return Stack(name, outputs, endpoint)

        monkeypatch.setattr(arca.stack, "find", found)

    def nothing(_: object) -> list[Any]:
        return []

    monkeypatch.setattr(service, "EcsService", nothing)
    monkeypatch.setattr(references, "check_references", nothing)
    return let


def verify(*words: str) -> Result:
    """Run the command; an error is raised."""
    return CliRunner().invoke(cli, ["verify", *words], catch_exceptions=False)


@pytest.mark.usefixtures("files", "reviews")
def test_verify_fails_for_a_quota_that_is_too_low(
    find: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Staging counts beside dev; neither account nor region of prod and dr does."""
    find("dev")
    ScriptedAws(GetServiceQuota=value(17)).use(monkeypatch)
    done = verify("--stack", "dev", "--quotas", "--json")
    assert done.exit_code == ExitCode.FAILED
    content = json.loads(done.stdout)
    assert [name for name in content["failed"] if "Fargate" in name] == [f"{VCPUS} sa-east-1"]
    details = {one["name"]: one["detail"] for one in content["checks"]}
    assert details[f"{VCPUS} sa-east-1"].startswith("needs 18 (dev 9, staging 9), allowed 17")
    assert not any("us-east-1" in name for name in details)


@pytest.mark.usefixtures("files", "reviews")
@pytest.mark.parametrize("name", ["dr", "acme/arca-api/dr"])
def test_verify_asks_in_the_stacks_own_region(
    name: str, find: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The primary is in the same account, and elsewhere."""
    find(name)
    ScriptedAws(GetServiceQuota=value(100)).use(monkeypatch)
    done = verify("--stack", name, "--quotas")
    assert done.exit_code == 0
    assert f"OK      {VCPUS} us-east-1: needs 9 (dr 9), allowed 100" in done.stdout
    assert "sa-east-1" not in done.stdout


@pytest.mark.usefixtures("reviews")
def test_verify_of_a_review_stack(
    files: Callable[..., None], find: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is one of the most that may be up, and is not counted again."""
    files("dev", TRIAL, review=True)
    files("review-12", TRIAL)
    find("review-12")
    ScriptedAws(GetServiceQuota=value(100)).use(monkeypatch)
    done = verify("--stack", "review-12", "--quotas")
    assert done.exit_code == 0
    assert "needs 5 (dev 1, review-* 3, staging 1)" in done.stdout


@pytest.mark.usefixtures("reviews")
def test_verify_of_a_stack_whose_file_names_no_account(
    files: Callable[..., None], find: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stack that was named counts, whatever its file says."""
    files("prod", None)
    find("prod")
    ScriptedAws(GetServiceQuota=value(100)).use(monkeypatch)
    assert "needs 9 (prod 9)" in verify("--stack", "prod", "--quotas").stdout


@pytest.mark.usefixtures("files", "reviews")
def test_verify_asks_for_quotas_only_where_they_are_wanted(
    find: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A release runs `arca verify` and has no permission for it."""
    find("prod")
    aws = ScriptedAws(GetServiceQuota=value(0)).use(monkeypatch)
    assert verify("--stack", "prod").exit_code == 0
    assert aws.asked == []


@pytest.mark.usefixtures("files", "reviews")
def test_verify_in_the_emulated_cloud(find: Callable[..., None]) -> None:
    """It says what the stacks need, and that nobody can compare it."""
    find("dev", endpoint="http://127.0.0.1:1")
    done = verify("--quotas")
    assert done.exit_code == 0
    assert f"SKIPPED {VCPUS} sa-east-1: needs 18 (dev 9, staging 9); only AWS" in done.stdout


@pytest.mark.slow
def test_the_recorder_records_stacks_that_serve() -> None:
    """Whatever phase the files have, DR is active and a primary has no phase."""
    recorder = graphs.Recorder(serving=True)
    for stack in STACKS:
        secondary = settings_of(stack).secondary
        changed = {"recovery.phase": "active"} if secondary else {}
        assert needs(recorder.graph(stack)) == needs(stack_graph(stack, changed)), stack
