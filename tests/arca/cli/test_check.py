"""`arca check`, on the real files and on a checkout with mistakes."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from arca import checkout
from arca.checkout import ProgramFailed
from arca.cli.main import cli
from arca.errors import ArcaError
from settings.model import Settings
from settings.problem import Problem
from settings.rules import RULES, Rule
from tests import ROOT, clock
from tests.settings.bad_files import DEV


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a checkout with stack files of its own."""
    for path in ROOT.glob("Pulumi*.yaml"):
        shutil.copy(path, tmp_path)
    (tmp_path / "__main__.py").touch()
    monkeypatch.setattr(checkout, "__file__", str(tmp_path / "arca" / "checkout.py"))
    checkout.root.cache_clear()
    yield tmp_path
    checkout.root.cache_clear()


def check(*words: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(cli, ["check", *words], standalone_mode=False)


def spoil(root: Path, stack: str, text: str) -> None:
    """Replace a stack's file."""
    (root / f"Pulumi.{stack}.yaml").write_text(text, encoding="utf-8")


@pytest.mark.usefixtures("root")
def test_the_real_files_are_right() -> None:
    """Without arguments, every file is checked."""
    done = check()
    assert done.return_value == 0, done.output
    assert [line.split(":")[0] for line in done.stdout.splitlines() if line[0] != " "] == [
        f"Pulumi.{stack}.yaml" for stack in ("dev", "dr", "prod", "staging")
    ]
    assert json.loads(check("--json").stdout)["ok"] is True


def test_a_mistake_is_shown_with_its_line(root: Path) -> None:
    """The exit code is 1, and the other files are checked too."""
    spoil(root, "dev", DEV.replace("stage: dev", "stage: stagging"))
    done = check()
    assert done.return_value == 1
    assert "Pulumi.dev.yaml: 1 problem\n" in done.stdout
    assert '  Pulumi.dev.yaml:9: arca-api:stage is "stagging"\n' in done.stdout
    assert "Pulumi.staging.yaml: no problems" in done.stdout


def test_a_mistake_as_json(root: Path) -> None:
    """A program gets file, line, key, value and what is wanted."""
    spoil(root, "dev", DEV.replace("stage: dev", "stage: stagging"))
    done = check("dev", "--json")
    assert done.return_value == 1
    found = json.loads(done.stdout)
    assert found["ok"] is False
    assert found["stacks"]["dev"]["problems"] == [
        {
            "file": "Pulumi.dev.yaml",
            "line": 9,
            "key": "arca-api:stage",
            "value": "stagging",
            "wanted": "one of dev, staging, prod; did you mean staging?",
        }
    ]


def test_what_aws_needs_is_asked_for(root: Path) -> None:
    """Placeholders are refused with `--aws` alone."""
    spoil(root, "dev", DEV.replace("arca-api:1.0.0", "arca-api:placeholder"))
    assert check("dev").return_value == 0
    done = check("dev", "--aws")
    assert done.return_value == 1
    assert 'arca-api:owner.image is "arca-api:placeholder"' in done.stdout


def test_an_encrypted_secret_is_accepted_and_never_shown(root: Path) -> None:
    """It is what the documented command writes."""
    encrypted = "  arca-api:alerting:\n    pagerduty_key:\n      secure: v1:abc\n"
    spoil(root, "dev", DEV + encrypted)
    done = check("dev", "--aws", "--json")
    assert done.return_value == 0, done.stdout
    assert "v1:abc" not in done.stdout


def test_an_encrypted_value_is_no_placeholder(root: Path) -> None:
    """An owner may encrypt Cloudflare's ids too."""
    zone = "abcdef0123456789abcdef0123456789"
    spoil(root, "dev", DEV.replace(f": {zone}", ": {secure: v1:abc}"))
    done = check("dev", "--aws")
    assert done.return_value == 0, done.stdout
    assert "v1:abc" not in done.stdout


def test_a_file_that_is_not_yaml(root: Path) -> None:
    """It is a problem of that file; the others are checked all the same."""
    spoil(root, "dev", "config: {a: [\n")
    done = check()
    assert done.return_value == 1
    assert "where:  Pulumi.dev.yaml:2" in done.stdout
    assert "Pulumi.prod.yaml: no problems" in done.stdout


@pytest.mark.usefixtures("root")
def test_a_stack_that_is_none() -> None:
    """A wrong word on the command line is an error of the command."""
    done = check("prodd")
    assert isinstance(done.exception, ArcaError)
    assert "did you mean prod?" in done.exception.wanted


@pytest.mark.usefixtures("root")
def test_a_file_is_validated_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each rule runs once for a file, with and without `--aws`."""
    checked: list[str] = []

    def count(settings: Settings) -> Iterator[Problem]:
        checked.append(settings.stage)
        yield from ()

    module = checkout.program_module("settings.load")
    monkeypatch.setattr(module, "RULES", (Rule((), count), *RULES))
    check()
    assert sorted(checked) == ["dev", "prod", "prod", "staging"]
    check("dev", "--aws")
    assert len(checked) == 5


def test_a_mistake_in_the_program_is_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A component that cannot be imported is an error with its line, and no bare traceback."""
    (root / "settings_of_this_test.py").write_text("FIRST = 1\ndef broken(:\n", encoding="utf-8")
    monkeypatch.setattr(sys, "path", [*sys.path])
    with pytest.raises(ProgramFailed, match="SyntaxError: ") as raised:
        checkout.program_module("settings_of_this_test")
    assert raised.value.where == "settings_of_this_test.py:2"


WATCHED = """
import sys, traceback

class Watch:
    places = {}

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        frames = [f"{f.filename}:{f.lineno}" for f in traceback.extract_stack()]
        ours = [place for place in frames if "/components/" in place or "/settings/" in place]
        cls.places.setdefault(name, ours[-1] if ours else "an import outside the components")

sys.meta_path.insert(0, Watch)
sys.argv = ["arca", "check"]
from arca.cli.main import main
try:
    main()
except SystemExit as end:
    if end.code:
        raise
# pulumi_aws puts its packages there before it loads them; their own modules come with them.
loaded = [
    name
    for name in sys.modules
    if name.startswith("pulumi_cloudflare.")
    or (name.startswith("pulumi_aws.") and name.count(".") > 1)
]
if loaded:
    sys.exit(f"{Watch.places[loaded[0]]} loads {loaded[0]}")
"""


def test_no_package_of_the_sdks_is_loaded() -> None:
    """Loading one takes seconds: a check reads annotations of none, and uses none."""
    done = subprocess.run(
        [sys.executable, "-c", WATCHED],
        cwd=ROOT,
        env=clock.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (
        f"`arca check` became slow: {done.stderr}"
        "Use the SDK's classes in functions only. Where annotations name them, begin the file with "
        "`from __future__ import annotations`."
    )
