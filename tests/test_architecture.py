"""Who may import whom: the house of docs/architecture.md, as a test."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud.stackfile import ROOT

OURS = (
    "bench",
    "components",
    "docs",
    "errors",
    "localcloud",
    "migrate",
    "naming",
    "ops",
    "outputs",
    "settings",
    "slo",
    "telemetry",
    "tests",
)  # fmt: skip - a list of names
FOUNDATIONS = ("spec", "component", "iam", "bucket", "code")
"""What any component may build on: components/<these>.py."""
ANYWHERE = {"errors"}
ALLOWED = {
    "__main__": {"settings", "components", "naming"},
    "settings": {"components", "settings"},
    "components": {"components", "naming", "slo", "telemetry"},
    "naming": set[str](),
    "outputs": set[str](),
    "errors": set[str](),
    "migrate": {"migrate"},
    "ops": {"migrate", "ops", "outputs", "slo", "telemetry"},
    "slo": {"slo"},
    "telemetry": {"slo", "telemetry"},
    "localcloud": {"localcloud"},
    "bench": {"bench", "localcloud", "ops", "tests"},
    "docs": {
        *("components", "docs", "localcloud", "naming", "ops", "outputs", "settings", "slo"),
        *("telemetry", "tests"),
    },
}
LINES = 300
MAIN_LINES = 350


def sources() -> list[Path]:
    """Every Python file that git would take."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).exists()]


SOURCES = sources()


def imports(path: Path) -> Iterator[str]:
    """Every module that the file imports, wherever it does so."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def house(path: Path) -> str:
    """The room of the house that a file stands in."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def rooms(*names: str) -> list[Path]:
    """The files of some rooms."""
    return [path for path in SOURCES if house(path) in names]


@pytest.mark.parametrize("path", rooms(*ALLOWED), ids=lambda path: str(path.relative_to(ROOT)))
def test_each_room_imports_only_what_it_may(path: Path) -> None:
    """Data flows settings -> components -> outputs -> ops, and nothing flows back."""
    ours = {module.split(".")[0] for module in imports(path)} & set(OURS)
    allowed = ALLOWED[house(path)] | ANYWHERE
    if path == ROOT / "ops" / "commands" / "local.py":
        allowed |= {"localcloud"}
    assert ours <= allowed


@pytest.mark.parametrize("path", rooms("components"), ids=lambda path: str(path.relative_to(ROOT)))
def test_components_never_import_each_other(path: Path) -> None:
    """They meet in `__main__`; a noun in a folder may read its own folder."""
    noun = path.relative_to(ROOT / "components").parts[0].removesuffix(".py")
    read = {module.split(".")[1] for module in imports(path) if module.startswith("components.")}
    assert read <= {noun, *FOUNDATIONS}


def users(module: str, *, among: list[Path]) -> set[str]:
    """Files that import a module or something of it."""
    return {
        str(path.relative_to(ROOT))
        for path in among
        if any(name == module or name.startswith(f"{module}.") for name in imports(path))
    }


def test_only_settings_reads_the_configuration() -> None:
    """One reader, so that one place says what is wrong."""
    readers = {
        str(path.relative_to(ROOT))
        for path in SOURCES
        if "pulumi.Config" in path.read_text(encoding="utf-8") and house(path) != "tests"
    }
    assert readers == {"settings/load.py"}


def test_the_program_asks_nothing_of_aws() -> None:
    """A preview is pure: no client, no look-up."""
    program = rooms("__main__", "settings", "components", "naming", "outputs", "telemetry")
    assert users("boto3", among=program) == set()
    looked = [p for p in program if ".get_" in p.read_text(encoding="utf-8").replace(PURE, "")]
    assert [path.name for path in looked if "aws.get_" in path.read_text(encoding="utf-8")] == []


PURE = "pulumi.get_stack"


def test_the_operators_side_is_free_of_pulumi() -> None:
    """`arca` works where no Pulumi is."""
    assert (
        users("pulumi", among=rooms("ops", "outputs", "errors", "naming", "slo", "telemetry"))
        == set()
    )


def test_only_render_knows_rich() -> None:
    """How things look is decided in one place."""
    assert users("rich", among=SOURCES) == {"ops/render.py"}


def test_only_the_engine_knows_pulumis_internals() -> None:
    """An upgrade of Pulumi breaks one file at most."""
    program = [path for path in SOURCES if house(path) != "tests"]
    assert users("pulumi.runtime", among=program) == {"localcloud/engine.py", "settings/load.py"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_are_short(path: Path) -> None:
    """One concept a file, read from top to bottom."""
    limit = MAIN_LINES if path.name == "__main__.py" and path.parent == ROOT else LINES
    assert len(path.read_text(encoding="utf-8").splitlines()) <= limit


def test_help_imports_nothing_heavy() -> None:
    """`arca --help` answers at once."""
    code = (
        "import sys; from ops.cli import cli\n"
        "try: cli(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'pulumi', 'boto3', 'moto', 'rich', 'localcloud', 'pydantic'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "local" in done.stdout
