"""The wheels as a stranger installs them: outside the checkout, with what they declare."""

import json
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import click
import pytest
from moto.server import ThreadedMotoServer

from arca.cli.main import cli
from tests import ROOT, wheels
from tests.arca.emulated import Cloud

pytestmark = pytest.mark.slow

HELP_OF_EVERY_COMMAND = """
import click
from arca.cli.main import cli

def walk(command, context, words):
    yield words
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            yield from walk(command.get_command(context, name), context, [*words, name])

for words in walk(cli, click.Context(cli), []):
    assert cli([*words, "--help"], prog_name="arca", standalone_mode=False) == 0, words
"""
PUT_BESIDE = """
import arca, arca_migrate, importlib.util, sys
print(arca.__file__, arca_migrate.__file__)
print([name for name in sys.argv[1:] if importlib.util.find_spec(name)])
"""
LINE = {"level": "INFO", "event": "request", "correlation_id": "8f0a1b2c-GRU", "status": 200}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Both wheels."""
    return [wheels.build(tmp_path_factory, name) for name in ("arca-migrate", "arca-infra")]


@pytest.fixture(scope="module")
def core(built: list[Path], tmp_path_factory: pytest.TempPathFactory) -> wheels.Environment:
    """An environment with both wheels and the dependencies of arca-infra without an extra."""
    return wheels.environment(tmp_path_factory, built, "arca-infra")


@pytest.fixture(scope="module")
def full(built: list[Path], tmp_path_factory: pytest.TempPathFactory) -> wheels.Environment:
    """An environment with both wheels and the dependencies of every extra."""
    return wheels.environment(tmp_path_factory, built, "arca-infra[charts,emulator]")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A directory inside what is taken for a checkout of this repository."""
    for name in ("Pulumi.yaml", "Pulumi.dev.yaml", "__main__.py"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    (tmp_path / "below").mkdir()
    return tmp_path / "below"


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    """An emulated AWS on loopback, and the record of the stack prod in it."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield Cloud(f"http://{host}:{port}", tmp_path / "state")
    server.stop()


def commands(command: click.Command, words: tuple[str, ...] = ("arca",)) -> Iterator[str]:
    """Every command of this checkout, as its usage line names it."""
    yield " ".join(words)
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from commands(below, (*words, name))


def test_the_wheel_holds_every_module_and_data_file(built: list[Path]) -> None:
    """Subpackages, the objectives, every JSON file and the mark of typed packages."""
    wanted = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "arca").rglob("*")
        if path.suffix in {".py", ".yaml", ".json"} or path.name == "py.typed"
    }
    assert "arca/monitoring/objectives/availability.yaml" in wanted
    assert "arca/bootstrap/template.yaml" in wanted
    assert "arca/py.typed" in wanted
    with ZipFile(built[1]) as wheel:
        held = set(wheel.namelist())
    assert wanted - held == set()
    roots = {name.split("/")[0] for name in held}
    assert {root for root in roots if not root.endswith(".dist-info")} == {"arca"}


def test_the_environment_sees_neither_the_checkout_nor_the_extras(
    core: wheels.Environment, full: wheels.Environment
) -> None:
    """What these tests prove depends on it."""
    optional = ("moto", "pulumi", "matplotlib", "tests", "settings", "components")
    for environment, found in ((core, []), (full, ["moto", "pulumi", "matplotlib"])):
        done = environment.run("python", "-c", PUT_BESIDE, *optional)
        assert done.returncode == 0, done.stderr
        files, seen = done.stdout.splitlines()
        assert all(file.startswith(str(environment.bin.parent)) for file in files.split())
        assert seen == str(found)


def test_every_command_has_help(core: wheels.Environment) -> None:
    """All of them, nested ones too, without moto, Pulumi and matplotlib."""
    done = core.run("python", "-c", HELP_OF_EVERY_COMMAND)
    assert done.returncode == 0, done.stderr
    shown = {
        line.removeprefix("Usage: ").split(" [")[0]
        for line in done.stdout.splitlines()
        if line.startswith("Usage: ")
    }
    assert shown == set(commands(cli))
    assert len(shown) > 40


def test_the_installed_command_answers(core: wheels.Environment) -> None:
    """By its name and by its module; the version is the wheel's."""
    assert core.run("arca", "--version").stdout == "arca, version 0.1.0\n"
    assert core.run("python", "-m", "arca", "--version").stdout.endswith("version 0.1.0\n")
    done = core.run("arca-migrate", "--help")
    assert done.returncode == 0, done.stderr


def test_a_series_is_replayed(core: wheels.Environment) -> None:
    """The wheel's own objectives are found: one outage fires their alarms."""
    rows = (f"{minute},{0 if minute > 100 else 1000},1000" for minute in range(200))
    series = core.work / "series.csv"
    series.write_text("\n".join(["minute,good,total", *rows]) + "\n", encoding="utf-8")
    done = core.run("arca", "slo", "replay", str(series), "--slo", "errors", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["slo"], said["minutes"]) == ("errors", 200)
    assert min(firing["fired_minute"] for firing in said["firings"]) > 100


def test_a_log_is_checked(core: wheels.Environment) -> None:
    """Exit code 1 for a line that breaks the contract, 0 without one."""
    good = {
        "timestamp": "2026-11-24T12:00:00Z",
        "level": "INFO",
        "service": "api",
        "event": "service.start",
        "message": "up",
    }
    log = core.work / "log.jsonl"
    log.write_text(json.dumps(good) + "\n", encoding="utf-8")
    assert core.run("arca", "contract", "check", str(log)).returncode == 0
    log.write_text(json.dumps({**good, "level": "LOUD"}) + "\n", encoding="utf-8")
    done = core.run("arca", "contract", "check", str(log))
    assert (done.returncode, "level: 'LOUD'" in done.stdout) == (1, True)


def test_a_command_asks_an_emulated_aws(core: wheels.Environment, cloud: Cloud) -> None:
    """The stack is found by ARCA_STATE_DIR, without a checkout and without Pulumi."""
    for group in ("api", "definition-watch", "events", "slo-publisher"):
        cloud.log(f"/arca-prod/{group}", json.dumps(LINE) if group == "api" else "nothing")
    words = ("arca", "logs", "--correlation-id", LINE["correlation_id"], "--json")
    done = core.run(*map(str, words), variables={"ARCA_STATE_DIR": str(cloud.state)})
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["line"]["status"] == 200


@pytest.mark.parametrize("words", [("local", "up"), ("ranges", "refresh"), ("status",)])
def test_a_command_that_needs_a_checkout_says_so(
    full: wheels.Environment, words: tuple[str, ...]
) -> None:
    """Exit code 1 and one message: what it wants and what to do."""
    done = full.run("arca", *words)
    assert (done.returncode, done.stdout) == (1, "")
    assert "This command needs a checkout of arca-infra" in done.stderr
    assert "change to your checkout" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_checkout_is_found_from_inside(full: wheels.Environment, checkout: Path) -> None:
    """The installed command works on the checkout that it is called in, whose program it runs."""
    for name in ("settings", "components"):
        (checkout.parent / name).symlink_to(ROOT / name)
    done = full.run("arca", "local", "up", "--dry-run", cwd=checkout)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "would: bring dev up in it")


@pytest.mark.parametrize(
    ("words", "extra"),
    [(("local", "up"), "emulator"), (("dashboard", "render", "database"), "charts")],
)
def test_an_extra_that_is_missing_is_named(
    core: wheels.Environment, checkout: Path, words: tuple[str, ...], extra: str
) -> None:
    """One message with the command that installs it; a program reads the same as JSON."""
    done = core.run("arca", *words, "--json", cwd=checkout)
    assert done.returncode == 1, done.stderr
    error = json.loads(done.stdout)["error"]
    assert error["do"] == f"in the checkout: pip install ./packages/arca-migrate '.[{extra}]'"
    assert "which is not installed" in done.stderr
    assert "Traceback" not in done.stderr


def test_pictures_need_the_extra_charts_alone(full: wheels.Environment) -> None:
    """A dashboard is drawn outside a checkout."""
    done = full.run("arca", "dashboard", "render", "database", "--out", "database.png")
    assert done.returncode == 0, done.stderr
    assert (full.work / "database.png").read_bytes().startswith(b"\x89PNG")


def test_the_program_needs_what_requirements_in_names(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """`pulumi up` installs requirements.txt alone: no numpy, no boto3."""
    lines = (ROOT / "requirements.in").read_text(encoding="utf-8").splitlines()
    wanted = [line for line in lines if line and not line.startswith("#")]
    environment = wheels.environment(tmp_path_factory, [], *wanted)
    names = [
        str(path.relative_to(ROOT).with_suffix("")).replace("/", ".").removesuffix(".__init__")
        for folder in ("settings", "components")
        for path in sorted((ROOT / folder).rglob("*.py"))
    ]
    code = f"import importlib\nfor name in {names}: importlib.import_module(name)"
    done = environment.run("python", "-c", code, variables={"PYTHONPATH": str(ROOT)})
    assert done.returncode == 0, done.stderr
