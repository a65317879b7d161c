"""The commands of the contract's image, as this machine runs them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from arca import checkout
from arca.emulator.live import container
from arca.errors import ArcaError
from tests import ROOT

CONTRACT = ROOT / "docs" / "service-contract.md"
HISTORY = str(ROOT / "examples" / "service" / "migrations")


@pytest.mark.parametrize(
    ("command", "wanted"),
    [
        ([], ["-m", "invoicing"]),
        (["/app/healthcheck"], ["-m", "invoicing.healthcheck"]),
        (["/app/smoke", "http://x"], ["-m", "invoicing.smoke", "http://x"]),
        (
            ["/app/migrate", "--phases", "expand"],
            ["-m", "arca_migrate", "--history", HISTORY, "--phases", "expand"],
        ),
        (["/app/shell"], None),
        (["/app/healthcheck", "now"], None),
    ],
)
def test_each_command_of_the_contract(command: list[str], wanted: list[str] | None) -> None:
    """And no other."""
    assert container.words(command) == wanted
    if wanted is not None and command:
        assert f"`{command[0]}" in CONTRACT.read_text(encoding="utf-8")


def test_an_unknown_command_ends_as_in_a_container() -> None:
    """The exit code of a shell without such a command, and what it was."""
    done = subprocess.run(
        [sys.executable, "-m", "arca.emulator.live.container", "/app/shell"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert (done.returncode, done.stderr) == (127, "no such command in the image: /app/shell\n")


def test_the_service_is_found_beside_what_was_found_before() -> None:
    """The service's folder comes first in Python's path."""
    folder = str(ROOT / "examples" / "service")
    assert container.environment({"A": "b"}) == {"A": "b", "PYTHONPATH": folder}
    found = container.environment({"PYTHONPATH": "/x"})
    assert found == {"PYTHONPATH": f"{folder}{os.pathsep}/x"}


def test_outside_a_checkout_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The wheel has no examples."""
    monkeypatch.setattr(checkout, "root", lambda: tmp_path)
    with pytest.raises(ArcaError, match="There is no service to run") as refused:
        container.words(["/app/migrate"])
    assert "run this in a checkout" in str(refused.value)
