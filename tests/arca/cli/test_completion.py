"""Tests of the help, and of shell completion: what it knows, and that it never asks AWS."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import click
import pytest
from click.testing import CliRunner

from arca import clients
from arca import stack as stacks
from arca.cli import suggestions
from arca.cli.main import COMMANDS, GROUPS, cli
from arca.release.service import short
from arca.stack import Stack
from tests import ROOT, clock
from tests.arca.emulated import Cloud, arca
from tests.arca.release.stage import Stage

Complete = Callable[..., list[str]]
STACKS = ["dev", "dr", "prod", "staging"]
RUN = "import sys; sys.argv = ['arca']; from arca.cli.main import main; main()"


@pytest.fixture
def complete(tmp_path: Path) -> Complete:
    """Complete the last word of a line as bash does, in a process of its own."""

    def run(*words: str, state: Path = tmp_path) -> list[str]:
        done = subprocess.run(
            [sys.executable, "-c", RUN],
            cwd=ROOT,
            env={
                **clock.environment(),
                "PATH": os.environ["PATH"],
                "ARCA_STATE_DIR": str(state),
                "_ARCA_COMPLETE": "bash_complete",
                "COMP_WORDS": " ".join(("arca", *words)),
                "COMP_CWORD": str(len(words)),
            },
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stderr == ""
        return [line.partition(",")[2] for line in done.stdout.splitlines() if line]

    return run


@pytest.mark.slow
def test_commands_options_and_stacks_are_completed(complete: Complete) -> None:
    """Commands come without importing them, stacks from the checkout's files."""
    assert complete("sta") == ["status"]
    assert complete("st") == ["status", "stop"]
    assert complete("maintenance", "st") == ["start", "status"]
    assert complete("status", "--stack", "") == STACKS
    assert complete("deploy", "--stack", "st") == ["staging"]
    assert complete("check", "d") == ["dev", "dr"]
    assert complete("check", "dev", "p") == ["prod"]
    assert "--correlation-id" in complete("logs", "--")


def commands(group: click.Group, context: click.Context) -> Iterator[click.Command]:
    """Yield every command below a group."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, context)
        else:
            yield command


def test_every_option_and_argument_for_a_stack_is_completed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody has to know where the stacks of a command come from."""
    monkeypatch.setenv("ARCA_STATE_DIR", str(tmp_path))
    context = click.Context(cli)
    found = [
        (str(command.name), [item.value for item in one.shell_complete(context, "")])
        for command in commands(cli, context)
        for one in command.params
        if "--stack" in one.opts or (isinstance(one, click.Argument) and one.name == "stacks")
    ]
    assert {"check", "up", "push", "fault", "stand-in"} <= {name for name, _ in found}
    assert [name for name, stacks in found if stacks != STACKS] == []


def test_without_a_cloud_no_deployment_is_completed(complete: Complete) -> None:
    """No message breaks the line that is typed."""
    assert complete("why", "") == []
    assert complete("rollback", "--stack", "prod", "--to", "") == []


def test_a_cloud_that_does_not_answer_completes_nothing(cloud: Cloud, complete: Complete) -> None:
    """The record names an endpoint where nobody listens."""
    record = (cloud.state / "cloud.json").read_text(encoding="utf-8")
    (cloud.state / "cloud.json").write_text(record.replace(cloud.endpoint, "http://127.0.0.1:9"))
    assert complete("why", "", state=cloud.state) == []


def suggested(words: tuple[str, ...], last: str, kind: str) -> list[str]:
    """Return what the function that completes an argument or option of a command returns."""
    context = click.Context(cli, **cli.context_settings)
    command = cli.get_command(context, words[0])
    assert command is not None
    made = command.make_context(words[0], list(words[1:]), parent=context, resilient_parsing=True)
    parameter = next(one for one in command.params if one.name == kind)
    return [item.value for item in parameter.shell_complete(made, last)]


class Connected:
    """Stands for the socket's module: the emulated cloud of these tests has no socket."""

    @staticmethod
    def create_connection(_address: Any, _timeout: float) -> "Connected":
        """Connect to nothing."""
        return Connected()

    def close(self) -> None:
        """Do nothing."""


def test_deployments_and_revisions_of_the_emulated_cloud(monkeypatch: pytest.MonkeyPatch) -> None:
    """`why` completes ids and revisions, `rollback --to` the revisions that were live."""
    stage = Stage(monkeypatch)

    def find_emulated(_name: str | None) -> Stack:
        return stage.stack

    monkeypatch.setattr(stacks, "find_emulated", find_emulated)
    monkeypatch.setattr(suggestions, "socket", Connected)
    stage.push("2")
    stage.cloud.fault("exits", image=f"{stage.stack.outputs.registry.repository_url}:2")
    stage.release(migrate=False).deploy("2")
    newest, oldest = (short(one.arn) for one in stage.service().deployments())
    everything = suggested(("why",), "", "deployment")
    assert set(everything) == {newest, oldest, "api:1", "api:2"}
    assert suggested(("why",), newest[:5], "deployment") == [newest]
    assert suggested(("rollback",), "api", "to") == ["api:1"]
    assert suggested(("why", "--target", "aws"), "", "deployment") == []


@pytest.mark.parametrize("target", ["aws", "auto"])
def test_completion_never_calls_aws(
    target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stack that is not up in the emulated cloud completes nothing, and no client is made."""

    def called(*_: Any, **__: Any) -> NoReturn:
        raise AssertionError

    monkeypatch.setenv("ARCA_STATE_DIR", str(tmp_path))
    monkeypatch.setattr(clients, "_client", called)
    monkeypatch.setattr(subprocess, "run", called)
    for name in ("prod", "nope"):
        words = ("why", "--stack", name, "--target", target)
        assert suggested(words, "", "deployment") == []
        assert suggested(("rollback", *words[1:]), "", "to") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_asks_this_program(shell: str) -> None:
    """Each shell gets a script that sets the variable which the program reads."""
    result = arca("completion", shell)
    assert result.exit_code == 0
    assert f"_ARCA_COMPLETE={shell}_complete" in result.stdout
    assert arca("completion", "csh").exit_code == 2


def test_the_script_works_in_bash(tmp_path: Path) -> None:
    """A bash that has read the script completes a command's stacks."""
    program = tmp_path / "arca"
    program.write_text(f"#!{sys.executable}\n{RUN.replace('; ', chr(10))}\n", encoding="utf-8")
    program.chmod(0o755)
    script = arca("completion", "bash").stdout
    asked = (
        "COMP_WORDS=(arca status --stack st); COMP_CWORD=3; _arca_completion arca; "
        'echo "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        [shutil.which("bash") or "bash", "--norc", "-c", f"{script}\n{asked}"],
        cwd=ROOT,
        env={
            **clock.environment(),
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "ARCA_STATE_DIR": str(tmp_path),
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "staging\n"


def test_the_help_has_short_option_and_groups() -> None:
    """`-h` is `--help` everywhere, and each command stands in one group."""
    for words in ([], ["status"], ["slo", "status"], ["maintenance", "start"], ["local", "up"]):
        short_help = CliRunner().invoke(cli, [*words, "-h"])
        assert short_help.exit_code == 0
        assert short_help.output == CliRunner().invoke(cli, [*words, "--help"]).output
    text = CliRunner().invoke(cli, ["-h"]).output
    for title, commands in GROUPS.items():
        section = text.partition(f"\n{title}:\n")[2].partition("\n\n")[0]
        assert [line.split()[0] for line in section.splitlines()] == list(commands)
    assert sum(map(len, GROUPS.values())) == len(COMMANDS)
    assert max(map(len, text.partition("Exit codes")[0].splitlines())) <= 80
