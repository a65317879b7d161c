"""Who may import whom: the house of docs/architecture.md, as a test."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests import ROOT
from tests.sources import SOURCES, dotted, house, imports, rooms

TOPICS = {
    "bootstrap",
    "ci",
    "cost",
    "monitoring",
    "quotas",
    "reach",
    "recovery",
    "release",
    "smoke",
}
SHARED = {
    "clock",
    "check",
    "checkout",
    "clients",
    "errors",
    "files",
    "graph",
    "history",
    "invoice",
    "lever",
    "naming",
    "offered",
    "outputs",
    "pins",
    "stack",
    "stackfile",
    "traffic",
    "zone_plans",
}
"""Modules that every topic of `arca` may import."""
FOUNDATIONS = (
    *("alarms", "spec", "component", "wires", "iam", "bucket", "code", "windows"),
    "objectives",
)
"""What any component may build on: components/<these>.py."""
ALLOWED: dict[str, set[str]] = {
    "__main__": {"settings", "components", "arca.outputs"},
    "settings": {
        *("components", "settings", "arca.checkout", "arca.errors", "arca.stackfile"),
        "arca.cost.traffic",
    },
    "components": {
        *("components", "arca.errors", "arca.monitoring", "arca.naming", "arca.outputs"),
        *("arca.pins", "arca.zone_plans"),
    },
    "arca": {f"arca.{name}" for name in SHARED},
    "arca.monitoring": {"arca.monitoring", *(f"arca.{name}" for name in SHARED)},
    "arca.bootstrap": {"arca.bootstrap", *(f"arca.{name}" for name in SHARED)},
    "arca.ci": {"arca.ci", *(f"arca.{name}" for name in SHARED)},
    "arca.cost": {
        *("arca.cost", "arca.checkout", "arca.clients", "arca.errors", "arca.files"),
        "arca.graph",
    },
    "arca.quotas": {"arca.quotas", *(f"arca.{name}" for name in SHARED)},
    "arca.recovery": {
        *("arca.recovery", "arca.release", "arca.smoke"),
        *(f"arca.{name}" for name in SHARED),
    },
    "arca.drill": {
        *("arca.drill", "arca.emulator", "arca.recovery", "arca_migrate"),
        *(f"arca.{name}" for name in SHARED),
    },
    "arca.reach": {"arca.reach", "arca.errors", "arca.graph", "arca.naming"},
    "arca.smoke": {"arca.smoke", "arca.monitoring", *(f"arca.{name}" for name in SHARED)},
    "arca.release": {
        *("arca.release", "arca.monitoring", "arca.smoke", "arca_migrate"),
        *(f"arca.{name}" for name in SHARED),
    },
    "arca.emulator": {
        *("arca.emulator", "arca.checkout", "arca.clock", "arca.errors", "arca.history"),
        *("arca.invoice", "arca.naming", "arca.stackfile", "arca.zone_plans"),
    },
    "arca.cli": {"arca", "arca_migrate"},
    "arca_migrate": {"arca_migrate"},
    # The example is another repository's in real life: it shares nothing but the runner.
    "agency": {"agency"},
    "invoicing": {"invoicing"},
    "migrations": {"arca_migrate"},
    "bench": {"arca", "bench", "settings", "tests"},
    "tools": {"arca", "components", "settings", "tests", "tools"},
}
"""Who may import whom; `arca` means the modules that stand directly in the package."""


TOP = (
    *("__main__", "agency", "arca", "arca_migrate", "bench", "components", "invoicing"),
    *("settings", "tests", "tools"),
)


@pytest.mark.parametrize("path", rooms(*ALLOWED), ids=lambda path: str(path.relative_to(ROOT)))
def test_each_room_imports_only_what_it_may(path: Path) -> None:
    """Data flows settings -> components -> outputs -> topics -> cli, and nothing flows back."""
    allowed = ALLOWED[house(path)] | (
        {"arca.cli"} if dotted(path) == "arca.__main__" else set[str]()
    )
    ours = {name for name in imports(path) if name.split(".")[0] in TOP and name != "arca"}
    wrong = {
        name for name in ours if not any(f"{name}.".startswith(f"{good}.") for good in allowed)
    }
    assert wrong == set()


def test_only_arca_local_and_the_recorder_know_the_emulator() -> None:
    """Every other command works with an AWS, whichever it is, or reads a recorded graph."""
    known = {
        "arca/cli/dr_drill.py",
        "arca/cli/dr_scene.py",
        "arca/cli/graphs.py",
        "arca/cli/local.py",
        "arca/cli/local_live.py",
        "arca/cli/local_region.py",
        "arca/cli/local_traffic.py",
        "arca/cli/local_update.py",
    }
    assert users("arca.emulator", among=rooms("arca.cli")) == known


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


def test_no_test_module_imports_another() -> None:
    """What several test modules use belongs to a helper module."""
    modules = {dotted(path) for path in SOURCES if path.name.startswith("test_")}
    wrong = {str(path.relative_to(ROOT)): modules & set(imports(path)) for path in rooms("tests")}
    assert {name: found for name, found in wrong.items() if found} == {}


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
    program = rooms("__main__", "settings", "components")
    assert users("boto3", among=program) == set()
    looked = [p for p in program if ".get_" in p.read_text(encoding="utf-8").replace(PURE, "")]
    assert [path.name for path in looked if "aws.get_" in path.read_text(encoding="utf-8")] == []


PURE = "pulumi.get_stack"
OPERATORS = {room for room in ALLOWED if room.startswith("arca") and room != "arca.emulator"}


def test_the_operators_side_is_free_of_pulumi() -> None:
    """`arca` works where no Pulumi is."""
    assert users("pulumi", among=[p for p in SOURCES if house(p) in OPERATORS]) == set()


def test_only_render_knows_rich() -> None:
    """How things look is decided in one place."""
    assert users("rich", among=SOURCES) == {"arca/cli/render.py"}


def test_only_the_engine_knows_pulumis_internals() -> None:
    """An upgrade of Pulumi breaks these files at most."""
    program = [path for path in SOURCES if house(path) != "tests"]
    assert users("pulumi.runtime", among=program) == {
        "arca/emulator/program/engine.py",
        "arca/emulator/program/workarounds.py",
        "settings/load.py",
    }


def test_help_imports_nothing_heavy() -> None:
    """`arca --help` answers at once."""
    code = (
        "import sys; from arca.cli.main import cli\n"
        "try: cli(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'pulumi', 'boto3', 'moto', 'rich', 'arca.emulator', 'pydantic'}\n"
        "heavy &= set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "local" in done.stdout
