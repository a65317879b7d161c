"""Errors of the command line: no text of one is empty, whoever raises it."""

import ast
import json
from collections.abc import Iterator

import pytest

from arca.errors import ArcaError, ExitCode, Explained, Refused
from tests import ROOT

TEXTS = {"where", "wanted", "do"}


def empty_texts() -> Iterator[str]:
    """Every call in the product that passes an empty text as where, wanted or do."""
    for folder in ("arca", "components", "packages", "settings"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not (isinstance(node, ast.keyword) and node.arg in TEXTS):
                    continue
                if isinstance(node.value, ast.Constant) and not node.value.value:
                    yield f"{path.relative_to(ROOT)}:{node.lineno}: {node.arg}"


def test_no_error_is_raised_with_an_empty_text() -> None:
    """A program that reads `do` finds something to do."""
    assert list(empty_texts()) == []


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ArcaError("What.", where="here", wanted="this", do="that"), ExitCode.FAILED),
        (Refused("What.", where="here", wanted="this", do="that"), ExitCode.REFUSED),
        (Explained("a.yaml:1: this\nb.yaml:2: that"), ExitCode.FAILED),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_text_is_in_the_json(error: ArcaError, code: ExitCode) -> None:
    """The exit code is a plain number there."""
    said = json.loads(json.dumps(error.as_json()))
    assert all(said[name] for name in ("what", *TEXTS))
    assert said["exit_code"] == code


def test_a_report_of_many_problems_is_shown_as_it_is() -> None:
    """The general texts would say nothing more to a person."""
    assert str(Explained("a.yaml:1: this")) == "a.yaml:1: this"
