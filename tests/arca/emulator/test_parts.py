"""Tests of the emulator's parts: who imports whom, and what their READMEs name."""

import re
from pathlib import Path

import pytest

from tests import ROOT
from tests.sources import SOURCES, dotted, imports

EMULATOR = ROOT / "arca" / "emulator"
MAY_IMPORT: dict[str, set[str]] = {
    "judges": set(),
    "program": set(),
    "cloudflare": {"judges"},
    "provider": {"cloudflare", "judges", "program", "aws_clients"},
    "ecs": {"cloudflare", "provider", "aws_clients", "server_children"},
    "front": {"aws_clients"},
    "traffic": set(),
}
"""What a part may import of arca/emulator beside itself, from the lowest part to the highest."""
SHARED = {"aws_clients", "server_children", "state"}
"""Modules below the parts; they import none of them."""


def imported(path: Path) -> set[str]:
    """Return the parts and modules of the emulator that a file imports, without its own."""
    prefix = "arca.emulator."
    found = {
        name.removeprefix(prefix).split(".")[0] for name in imports(path) if name.startswith(prefix)
    }
    return found - {dotted(path).removeprefix(prefix).split(".")[0]}


@pytest.mark.parametrize("part", MAY_IMPORT)
def test_the_parts_import_in_one_direction(part: str) -> None:
    """`ecs` may import `provider`, and that `program` and `judges`; never the other way."""
    files = [path for path in SOURCES if (EMULATOR / part) in path.parents]
    assert files
    wrong = {str(path): found for path in files if (found := imported(path) - MAY_IMPORT[part])}
    assert wrong == {}


@pytest.mark.parametrize("module", sorted(SHARED))
def test_what_the_parts_share_imports_no_part(module: str) -> None:
    """A shared module that imported a part would close a circle."""
    assert imported(EMULATOR / f"{module}.py") <= SHARED


@pytest.mark.parametrize("part", MAY_IMPORT)
def test_a_readme_names_every_file_of_its_part(part: str) -> None:
    """The table of files is complete, and a file that it names exists."""
    text = (EMULATOR / part / "README.md").read_text(encoding="utf-8")
    (table,) = re.findall(r"\| file \| content \|\n\| --- \| --- \|\n((?:\|.*\n)+)", text)
    cells = [line.split("|")[1] for line in table.splitlines()]
    named = [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]
    files = {path.name for path in (EMULATOR / part).glob("*.py")} - {"__init__.py"}
    assert {name for name in named if "/" not in name} == files
    assert all((EMULATOR / part / name).exists() for name in named)


@pytest.mark.parametrize("part", MAY_IMPORT)
def test_a_readme_is_one_page_with_the_same_sections(part: str) -> None:
    """Each README says what is simulated, how the part knows, and what is missing."""
    lines = (EMULATOR / part / "README.md").read_text(encoding="utf-8").splitlines()
    sections = [line.removeprefix("## ") for line in lines if line.startswith("## ")]
    wanted = ["What it simulates", "How it knows", "What it does not simulate", "Who uses it"]
    assert [name for name in sections if name in wanted] == wanted
    assert len(lines) <= 80


def test_the_steps_for_a_resource_type_name_files_that_exist() -> None:
    """A moved file must move in provider/README.md too."""
    text = (EMULATOR / "provider" / "README.md").read_text(encoding="utf-8")
    steps = text.partition("## To add a resource type\n")[2].partition("\n## ")[0]
    paths = re.findall(r"`?((?:arca|tests|docs)/[\w/.]+)", steps)
    assert len(paths) >= 5
    assert [path for path in paths if not (ROOT / path).exists()] == []
