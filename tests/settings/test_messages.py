"""What a person reads of a wrong stack file: where, what stands there, what was wanted."""

import re
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from arca import checkout, stackfile
from arca.errors import ArcaError
from settings.load import problems_of
from settings.problem import report
from tests.settings.bad_files import (
    AWS_KEY,
    DEV,
    DR,
    DR_REST,
    FILES,
    GITHUB_TOKEN,
    PRIMARY,
    PROD,
    PROD_DATABASE,
    PROD_NETWORK,
    UNREADABLE,
)

SECRETS = ("fedcba9876543210", "hunter2", "v1:abc", AWS_KEY, GITHUB_TOKEN)
"""Texts of the bad files that no message may contain."""
PROGRAMMERS = re.compile(
    r"pattern|\\d|\^|Spec\b|instance of|dictionary|NoneType|valid (string|int)|<"
)
"""What only somebody who knows Python or regular expressions understands."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a checkout with the file of prod alone."""
    (tmp_path / "Pulumi.prod.yaml").write_text(PRIMARY, encoding="utf-8")
    monkeypatch.setattr(checkout, "root", lambda: tmp_path)
    return tmp_path


def message(text: str, folder: Path) -> str:
    """Return the report on a file, without the line that is the same in each."""
    path = folder / "Pulumi.dev.yaml"
    path.write_text(text, encoding="utf-8")
    file = stackfile.read(path)
    problems = [one for one in problems_of(file) if not one.only_aws]
    return report(file.name, problems) if problems else ""


@pytest.mark.parametrize(
    "text",
    [DEV, PROD + PROD_NETWORK + PROD_DATABASE, DR + DR_REST],
    ids=["dev", "prod", "dr"],
)
def test_what_the_bad_files_spoil_is_good(text: str, folder: Path) -> None:
    """Each bad file is wrong for the reason that its name says alone."""
    assert message(text, folder) == ""


@pytest.mark.parametrize("name", FILES)
def test_the_message(name: str, folder: Path, snapshot: SnapshotAssertion) -> None:
    """The message is exactly the recorded one, in plain words, and shows no secret."""
    found = message(FILES[name], folder)
    assert found == snapshot
    first, *lines, last = found.splitlines()
    count = 1 if first.startswith("Pulumi.dev.yaml: 1 setting is wrong") else len(lines) // 2
    assert len(lines) == 2 * count
    assert re.search(PROGRAMMERS, "\n".join(lines)) is None
    assert last.startswith("Correct Pulumi.dev.yaml")
    for secret in SECRETS:
        assert secret not in found


SEVERAL = (
    "everything at once",
    "a collector bigger than its task",
    "more than a free zone has",
    "periods of a higher plan",
    "a second region without its primary",
)
"""The files with more than one mistake."""


@pytest.mark.parametrize("name", [name for name in FILES if name not in SEVERAL])
def test_a_mistake_has_one_message(name: str, folder: Path) -> None:
    """No second error follows from the first one."""
    assert message(FILES[name], folder).startswith("Pulumi.dev.yaml: 1 setting is wrong.")


def test_there_are_many_mistakes() -> None:
    """Each has a file of its own."""
    assert len(FILES) + len(UNREADABLE) >= 130
    assert len(set(FILES.values())) == len(FILES)


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_file_that_cannot_be_read(name: str, tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    """The error names the line."""
    path = tmp_path / "Pulumi.dev.yaml"
    path.write_bytes(UNREADABLE[name])
    with pytest.raises(ArcaError) as raised:
        stackfile.read(path)
    assert str(raised.value) == snapshot
