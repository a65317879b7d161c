"""Every decision record has the same format, and the index lists each of them."""

import re
from datetime import date
from pathlib import Path

import pytest

from tests import ROOT

FOLDER = ROOT / "docs" / "adr"
RECORDS = sorted(FOLDER.glob("[0-9]*.md"))
SECTIONS = ["Status", "Date", "Context", "Decision", "Consequences"]
STATUS = re.compile(
    r"Proposed|Accepted|(?:Accepted; amended|Superseded) by \[(\d{4})\]\(\1-[a-z0-9-]+\.md\)"
)
FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)


def sections(page: Path) -> dict[str, str]:
    """The page's level-2 headings, each with the text below it."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    return {name: body.strip() for name, body in zip(parts[1::2], parts[2::2], strict=True)}


def status(page: Path) -> str:
    """The record's status; a closing period does not matter."""
    return sections(page).get("Status", "").removesuffix(".")


def title(page: Path) -> str:
    """The first line without its mark: `NNNN: Title`."""
    first, _, _ = page.read_text(encoding="utf-8").partition("\n")
    return first.removeprefix("# ")


@pytest.mark.parametrize("page", RECORDS, ids=lambda page: page.name)
def test_a_record_has_the_common_format(page: Path) -> None:
    """The title repeats the file's number, and five sections follow in their order."""
    number = page.name.partition("-")[0]
    assert re.fullmatch(rf"{number}: [A-Z0-9`].*[^.]", title(page))
    found = sections(page)
    assert list(found) == SECTIONS
    assert all(found.values()), "a section is empty"
    assert STATUS.fullmatch(status(page)), found["Status"]
    assert date.fromisoformat(found["Date"])


def test_numbers_are_used_once() -> None:
    """Two branches that take the same number are noticed when they meet."""
    numbers = [page.name.partition("-")[0] for page in RECORDS]
    assert len(numbers) == len(set(numbers))


def index() -> list[str]:
    """The rows of the table in docs/adr/README.md."""
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    return re.findall(r"^\| \[.*$", text, re.MULTILINE)


def test_the_index_lists_the_records_in_order() -> None:
    """Each file has one row, and the numbers rise."""
    linked = [re.findall(r"\]\(([^)]+)\)", row)[0] for row in index()]
    assert linked == [page.name for page in RECORDS]


@pytest.mark.parametrize("page", RECORDS, ids=lambda page: page.name)
def test_the_index_repeats_title_and_status(page: Path) -> None:
    """A title or a status that changes must change in docs/adr/README.md as well."""
    number, _, name = title(page).partition(": ")
    assert f"| [{number}]({page.name}) | {name} | {status(page)} |" in index()
