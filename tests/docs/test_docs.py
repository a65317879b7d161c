"""The documentation is as fresh as the code, and its commands exist."""

import ast
import json
import re
from pathlib import Path

import pytest

from tests import ROOT, commands
from tests.arca.release.faults import ROWS
from tests.stacks import graph
from tools import observed, proved
from tools.generate import FILES, rendered

TEXTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
OWN_VARIABLES = {"LOG_LEVEL"}
"""Variables that a stack's own file adds."""


@pytest.mark.parametrize("page", FILES)
def test_generated_parts_are_fresh(page: str) -> None:
    """`make docs` would change nothing."""
    assert rendered(page) == (ROOT / "docs" / page).read_text(encoding="utf-8")


def test_pictures_are_fresh() -> None:
    """Each picture was drawn from what the dashboard, or the alarms, are now."""
    assert observed.stale_pictures() == []
    assert not proved.is_stale()


FENCE = re.compile(r"```[a-z]*\n(.*?)```", re.DOTALL)


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_in_texts_exist(path: Path) -> None:
    """Whoever copies a command from a page finds it, with its options and arguments."""
    text = path.read_text(encoding="utf-8")
    found = [line for block in FENCE.findall(text) for line in commands.wrong(block)]
    for inline in re.findall(r"`([^`\n]+)`", FENCE.sub("", text)):
        found += commands.mentioned(inline)
    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        "arca slo statsu",
        "arca slo status --stakc prod",
        "arca slo report",
        "arca dashboard render",
        "make upp",
    ],
)
def test_commands_that_do_not_exist_are_found(line: str) -> None:
    """The check itself: a name, an option, what is required."""
    assert commands.wrong(f"{line}\n") != []


def headings(path: Path) -> set[str]:
    """The anchors that GitHub gives a page's headings."""
    text = FENCE.sub("", path.read_text(encoding="utf-8"))
    found: set[str] = set()
    for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE):
        words = re.sub(r"[^\w\- ]", "", heading.strip().lower())
        found.add(words.replace(" ", "-"))
    return found


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    """Every relative link is a file, and where it names a heading, the page has it."""
    for target in re.findall(r"\]\((?!https?:|mailto:)([^)]+)\)", path.read_text(encoding="utf-8")):
        name, _, anchor = target.partition("#")
        page = path.parent / name if name else path
        assert page.exists(), target
        assert not anchor or anchor in headings(page), target


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_pages_named_in_sentences_exist(path: Path) -> None:
    """No sentence sends a reader to a page that is yet to be written."""
    text = FENCE.sub("", path.read_text(encoding="utf-8"))
    named = re.findall(r"`(docs/[^`\s<>*]+\.md)`", text)
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_gate_is_opened_with_a_reason(path: Path) -> None:
    """`arca deploy --override` alone is refused as wrong usage."""
    for command in re.findall(r"arca deploy[^`\n]*--override[^`\n]*", path.read_text("utf-8")):
        assert "--reason" in command, command


def test_the_table_of_asks_is_the_tests() -> None:
    """Each ask has its test, and each such test its line."""
    files = sorted((ROOT / "tests").rglob("test_*.py"))
    bodies = [node for f in files for node in ast.parse(f.read_text(encoding="utf-8")).body]
    tests = {n.name for n in bodies if isinstance(n, ast.FunctionDef) and "test_ask" in n.name}
    page = (ROOT / "docs" / "asks.md").read_text(encoding="utf-8")
    assert set(re.findall(r"`(test_ask_\w+)`", page)) == tests
    numbers = {int(found) for found in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)}
    assert numbers == {*range(1, 25)}


def test_the_table_of_faults_is_the_tests() -> None:
    """Each fault of the guide has its test, with the same exit code and words."""
    serves = {frozenset({"api:1"}): "the old one", frozenset({"api:2"}): "the new one"}
    page = (ROOT / "docs" / "deployment-guide.md").read_text(encoding="utf-8")
    table = page.partition("| fault | exit code |")[2].partition("\n\n")[0].splitlines()[2:]
    assert table == [
        f"| {name} | {row.exit_code} | {row.reason} | {serves.get(row.traffic, 'both, in part')} |"
        for name, row in ROWS.items()
    ]


def test_the_service_contract_names_every_variable() -> None:
    """What a task is given is what the contract promises."""
    page = (ROOT / "docs" / "service-contract.md").read_text(encoding="utf-8")
    for name in ("service", "service-migrations"):
        task = graph("prod").one("aws:ecs/taskDefinition:TaskDefinition", name)
        for container in json.loads(task.inputs["containerDefinitions"]):
            given = {secret["name"] for secret in container["secrets"]} - {
                "AOT_CONFIG_CONTENT",
                "LOG_LEVEL",
            }
            assert {variable for variable in given if f"`{variable}`" not in page} == set()


def test_no_lock_file_names_an_address() -> None:
    """The pins hold hashes and nothing of where they came from."""
    for name in ("requirements.txt", "requirements-dev.txt"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "--hash=sha256:" in text
        assert "://" not in text


def test_no_workflow_lints_migrations() -> None:
    """As docs/migrations.md says: whoever adds it to a workflow changes the page."""
    page = (ROOT / "docs" / "migrations.md").read_text(encoding="utf-8")
    assert "No workflow of this repository runs squawk" in page
    for path in (ROOT / ".github").rglob("*"):
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"squawk|migrate[^\n]*--plan", text), path
