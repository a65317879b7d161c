"""Rules between a secondary and its primary, at their limits, on stack files of their own."""

from pathlib import Path

import pytest

from arca import checkout, stackfile
from settings.load import problems_of
from tests.settings.bad_files import DEV, DR, DR_REST, PRIMARY

SECONDARY = DR + DR_REST


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a checkout without any stack file."""
    monkeypatch.setattr(checkout, "root", lambda: tmp_path)
    return tmp_path


def problems(folder: Path, *, primary: str = PRIMARY, secondary: str = SECONDARY) -> str:
    """Return what is wrong in the secondary's file, in the emulated cloud and on AWS."""
    (folder / "Pulumi.prod.yaml").write_text(primary, encoding="utf-8")
    path = folder / "Pulumi.dr.yaml"
    path.write_text(secondary, encoding="utf-8")
    found = [one for one in problems_of(stackfile.read(path)) if "alerting" not in one.path]
    return "\n".join(problem.text(path.name) for problem in found)


def of_class(text: str, name: str) -> str:
    """Return a file whose database has that class."""
    return text.replace("{multi_az", f"{{instance_class: {name}, multi_az")


@pytest.mark.parametrize(
    ("theirs", "mine", "good"),
    [
        ("db.r7g.large", "db.r7g.large", True),
        ("db.r7g.large", "db.r8g.large", True),
        ("db.r7g.large", "db.m7g.xlarge", True),
        ("db.r7g.xlarge", "db.r7g.large", False),
        # As many vCPUs, half the memory; as much memory, half the vCPUs.
        ("db.r7g.large", "db.m7g.large", False),
        ("db.m7g.2xlarge", "db.r7g.xlarge", False),
    ],
)
def test_a_replica_carries_its_primary_s_load(
    theirs: str, mine: str, *, good: bool, folder: Path
) -> None:
    """Neither its memory nor its vCPUs are fewer."""
    primary, secondary = of_class(PRIMARY, theirs), of_class(SECONDARY, mine)
    text = problems(folder, primary=primary, secondary=secondary)
    assert text.count("database.instance_class") == (0 if good else 1)
    assert (text == "") is good


def test_storage_grows_as_far_as_the_primary_s(folder: Path) -> None:
    """The same limit is enough, whatever the storage is at first."""
    primary = PRIMARY.replace("{multi_az", "{storage_gib: 200, storage_max_gib: 400, multi_az")
    assert "storage_max_gib is 200" in problems(folder, primary=primary)
    secondary = SECONDARY.replace("{multi_az", "{storage_max_gib: 400, multi_az")
    assert problems(folder, primary=primary, secondary=secondary) == ""


@pytest.mark.parametrize(("phase", "good"), [("standby", False), ("active", True)])
def test_a_promoted_database_is_upgraded_alone(phase: str, *, good: bool, folder: Path) -> None:
    """Only a replica needs the major version of its source."""
    secondary = SECONDARY.replace("{role", f"{{phase: {phase}, role").replace(
        "{multi_az", '{engine_version: "18.1", multi_az'
    )
    assert (problems(folder, secondary=secondary) == "") is good
    minor = SECONDARY.replace("{multi_az", '{engine_version: "17.7", multi_az')
    assert problems(folder, secondary=minor) == ""


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("arca-api:recovery", "a stack with recovery.replica_region: us-east-1, which Pulumi.prod"),
        ("arca-api:dns", "a stack with dns.failover: true, which Pulumi.prod.yaml lacks"),
    ],
)
def test_a_primary_has_its_half(line: str, wanted: str, folder: Path) -> None:
    """A primary that copies nothing, or that has a plain record, is refused with its key."""
    primary = "".join(one for one in PRIMARY.splitlines(keepends=True) if line not in one)
    text = problems(folder, primary=primary)
    assert f'recovery.primary_stack is "prod"\n    wanted: {wanted}' in text


@pytest.mark.parametrize("unfilled", ["primary", "secondary", "both"])
def test_a_placeholder_is_not_compared(unfilled: str, folder: Path) -> None:
    """An owner who filled in one of two files reads of each placeholder once."""
    empty = {
        name: text.replace("123456789012", "000000000000").replace("acme.com", "arca.example")
        for name, text in (("primary", PRIMARY), ("secondary", SECONDARY))
        if unfilled in (name, "both")
    }
    text = problems(folder, **empty)
    assert text.count("owner.account_id") == ("secondary" in empty)
    assert text.count("owner.domain") == ("secondary" in empty)


def test_a_wrong_primary_is_its_own_problem(folder: Path) -> None:
    """Its valid sections are still compared; a file that is no YAML is not."""
    primary = PRIMARY.replace('account_id: "1', 'account_id: "x1').replace(
        "stage: prod", "stage: x"
    )
    secondary = SECONDARY.replace("{multi_az", "{storage_max_gib: 199, multi_az")
    assert problems(folder, primary=primary) == ""
    assert "storage_max_gib" in problems(folder, primary=primary, secondary=secondary)
    assert problems(folder, primary="[", secondary=secondary) == ""


@pytest.mark.parametrize("file", ["primary", "secondary"])
@pytest.mark.parametrize(
    "key", ["cloudflare_zone_id: abcdef0123456789abcdef0123456789", "domain: acme.com"]
)
def test_an_encrypted_value_is_not_compared(file: str, key: str, folder: Path) -> None:
    """Only a stand-in of it is known; where it is misplaced, that is its own file's problem."""
    texts = {"primary": PRIMARY, "secondary": SECONDARY}
    changed = texts[file].replace(key, f"{key.split(':', maxsplit=1)[0]}: {{secure: v1:abc}}")
    assert changed != texts[file]
    text = problems(folder, **{**texts, file: changed})
    assert text.count("\n    wanted") == (file == "secondary" and key.startswith("domain"))
    assert "of Pulumi.prod.yaml" not in text


@pytest.mark.parametrize(
    "line", ["cache: {nodes: !foo 1}", "registry: &a {keep_images: *a}", "keys: {? [a] : x}"]
)
def test_a_mistake_of_another_stack_touches_no_other_check(line: str, folder: Path) -> None:
    """Whatever YAML allows, the file beside it can still be checked."""
    dev = f"{DEV}  arca-api:network: {{cidr: 10.99.0.0/16}}\n  arca-api:{line}\n"
    (folder / "Pulumi.dev.yaml").write_text(dev, encoding="utf-8")
    assert problems(folder) == ""


@pytest.mark.parametrize(
    ("theirs", "mine", "good"),
    [
        ("cache.t4g.small", "cache.t4g.small", True),
        ("cache.t4g.small", "cache.t4g.medium", True),
        ("cache.t4g.small", "cache.t4g.micro", False),
        ("cache.r7g.large", "cache.m7g.large", False),
    ],
)
def test_a_cache_holds_what_the_primary_s_does(
    theirs: str, mine: str, *, good: bool, folder: Path
) -> None:
    """Its nodes have no less memory."""
    primary = PRIMARY.replace("{nodes: 2", f"{{node_type: {theirs}, nodes: 2")
    text = problems(
        folder,
        primary=primary,
        secondary=SECONDARY.replace("{nodes", f"{{node_type: {mine}, nodes"),
    )
    assert text.count("wanted: ") == text.count("wanted: a node type with") == (0 if good else 1)


def test_one_pipeline_releases_to_both(folder: Path) -> None:
    """Another repository is refused; a placeholder is a problem of its own."""
    section = "  arca-api:delivery: {infra_repository: acme/infra, application_repository: %s}\n"
    primary, secondary = PRIMARY + section % "acme/api", SECONDARY + section % "acme/apy"
    text = problems(folder, primary=primary, secondary=secondary)
    assert "wanted: delivery.application_repository of Pulumi.prod.yaml, acme/api" in text
    assert problems(folder, primary=primary, secondary=SECONDARY + section % "acme/api") == ""
    unfilled = PRIMARY + section % "your-org/api"
    assert problems(folder, primary=unfilled, secondary=secondary) == ""


@pytest.mark.parametrize("owns", [True, False])
def test_a_zone_has_one_owner(*, owns: bool, folder: Path) -> None:
    """Two stacks that both declare its settings would undo each other's."""
    dev = DEV.replace("fedcba9876543210fedcba9876543210", "abcdef0123456789abcdef0123456789")
    dev += "  arca-api:network: {cidr: 10.99.0.0/16}\n"
    dev += "" if owns else "  arca-api:edge: {owns_zone: false}\n"
    (folder / "Pulumi.dev.yaml").write_text(dev, encoding="utf-8")
    problems(folder)
    found = problems_of(stackfile.read(folder / "Pulumi.dev.yaml"))
    assert ("owner.cloudflare_zone_id" in [one.path for one in found]) is owns


@pytest.mark.parametrize(
    ("key", "theirs", "mine"),
    [
        ("cpu", "{cpu: 512, memory_mib: 2048}", "{cpu: 256, memory_mib: 2048}"),
        ("memory_mib", "{cpu: 512, memory_mib: 2048}", "{cpu: 512, memory_mib: 1024}"),
        ("scaling.max_tasks", "{scaling: {max_tasks: 3}}", "{scaling: {max_tasks: 2}}"),
    ],
)
def test_tasks_carry_the_primary_s_load(key: str, theirs: str, mine: str, folder: Path) -> None:
    """Neither their size nor their number is below the primary's; the same is enough."""
    primary = f"{PRIMARY}  arca-api:service: {theirs}\n"
    text = problems(folder, primary=primary, secondary=f"{SECONDARY}  arca-api:service: {mine}\n")
    assert text.count("wanted: ") == 1
    assert f"wanted: at least service.{key} of Pulumi.prod.yaml" in text
    assert (
        problems(folder, primary=primary, secondary=f"{SECONDARY}  arca-api:service: {theirs}\n")
        == ""
    )
