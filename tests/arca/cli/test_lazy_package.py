"""Tests of the delayed import, with a package that notes when its code runs."""

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from arca.cli.lazy_package import import_on_use

NAME = "slow_package_of_this_test"


@pytest.fixture
def ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Make the package importable; return the file that its code writes when it runs."""
    (tmp_path / NAME).mkdir()
    (tmp_path / NAME / "part.py").write_text("VALUE = 2\n", encoding="utf-8")
    (tmp_path / NAME / "__init__.py").write_text(
        "from pathlib import Path\n"
        f"with Path({str(tmp_path / 'ran')!r}).open('a') as file: file.write('x')\n"
        "VALUE = 1\n",
        encoding="utf-8",
    )
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    yield tmp_path / "ran"
    for name in [name for name in sys.modules if name.partition(".")[0] == NAME]:
        del sys.modules[name]


def import_twice() -> str:
    """Import the package in two modules of a program; return the sum of its values."""
    return f"import {NAME} as first\nimport {NAME} as second\n"


def test_the_code_runs_at_the_first_use(ran: Path) -> None:
    """Several import statements run nothing, and several uses run the code once."""
    import_on_use(NAME)
    found: dict[str, object] = {}
    exec(import_twice(), found)  # noqa: S102 - the statements are what is tested
    assert not ran.exists()
    exec("total = first.VALUE + second.VALUE", found)  # noqa: S102 - likewise
    assert found["total"] == 2
    assert ran.read_text(encoding="utf-8") == "x"


def test_a_part_of_the_package(ran: Path) -> None:
    """A module in the package is imported on its own, and the package is whole afterwards."""
    import_on_use(NAME)
    assert import_module(f"{NAME}.part").VALUE == 2
    package = import_module(NAME)
    assert (package.VALUE, package.part.VALUE) == (1, 2)
    assert ran.read_text(encoding="utf-8") == "x"
    with pytest.raises(AttributeError, match="nothing"):
        _ = package.nothing
    assert ran.read_text(encoding="utf-8") == "x"


def test_an_imported_package_stays(ran: Path) -> None:
    """Its code does not run again."""
    package = import_module(NAME)
    import_on_use(NAME)
    assert import_module(NAME) is package
    assert ran.read_text(encoding="utf-8") == "x"


def test_a_package_that_is_not_installed() -> None:
    """The error is the one of an import."""
    with pytest.raises(ModuleNotFoundError, match="no_such_package") as raised:
        import_on_use("no_such_package")
    assert raised.value.name == "no_such_package"
