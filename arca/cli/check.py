"""`arca check`: find what is wrong in the stacks' files."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import click

from arca import checkout, stackfile
from arca.cli.suggestions import complete_stack
from arca.errors import ArcaError, ExitCode


@dataclass(frozen=True)
class FileCheck:
    """What is wrong in a stack's file: the texts for people, the same for programs."""

    file: str
    texts: list[str]
    problems: list[Mapping[str, Any]]
    before_aws: list[Mapping[str, Any]]
    """What only AWS needs: the owner's values, and secrets."""
    before_aws_texts: list[str]


@click.command("check")
@click.argument("stacks", metavar="[STACK]...", nargs=-1, shell_complete=complete_stack)
@click.option(
    "--aws",
    is_flag=True,
    help="Also refuse what `pulumi up` refuses: placeholders, and a missing secret.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")
def command(stacks: tuple[str, ...], *, aws: bool, as_json: bool) -> int:
    """Check the files of stacks, or of all of them, and report everything that is wrong.

    Nothing is asked of AWS, and nothing is changed. The exit code is 1 if anything is wrong. A
    pinned version that nobody has checked for 90 days is a warning.
    """
    from arca import pins
    from arca.cli import extras, render
    from arca.cli.lazy_package import import_on_use
    from arca.clock import Clock

    extras.require("pulumi", "pulumi_aws", "pulumi_cloudflare")
    # The files of the settings declare resources too. A check declares none, and importing this
    # package takes most of its time; pulumi_aws imports its own modules on use.
    import_on_use("pulumi_cloudflare")
    found = {name: _check(name) for name in stacks or checkout.stack_names()}
    old = pins.stale(Clock().now().date())
    wrong = any(one.problems or (aws and one.before_aws) for one in found.values())
    if as_json:
        content = {
            name: {"file": one.file, "problems": one.problems, "before_aws": one.before_aws}
            for name, one in found.items()
        }
        unchecked = [pin.setting for pin in old]
        render.print_json({"ok": not wrong, "stacks": content, "unchecked_pins": unchecked})
        return ExitCode.FAILED if wrong else ExitCode.DONE
    for one in found.values():
        texts = [*one.texts, *(one.before_aws_texts if aws else [])]
        render.line(f"{one.file}: {_number(len(texts), 'problem')}")
        for text in texts:
            render.line(text)
        if one.before_aws and not aws:
            left = _number(len(one.before_aws), "value")
            render.line(f"  before AWS: {left} to fill in; `arca check {_stack(one)} --aws`")
    for pin in old:
        text = f"warning: {pin.setting} {pin.version} was last checked on {pin.checked}"
        click.echo(f"{text}; compare it with {pin.source}, and renew it in arca/pins.py", err=True)
    return ExitCode.FAILED if wrong else ExitCode.DONE


def _check(stack: str) -> FileCheck:
    path = stackfile.path_of(stack)
    try:
        file = stackfile.read(path)
    except ArcaError as error:
        if not path.exists():
            raise
        return FileCheck(path.name, [f"  {error}"], [error.as_json()], [], [])
    problems = checkout.program_module("settings.load").problems_of(file)
    always = [one for one in problems if not one.only_aws]
    later = [one for one in problems if one.only_aws]
    return FileCheck(
        file.name,
        [one.text(file.name) for one in always],
        [one.as_json(file.name) for one in always],
        [one.as_json(file.name) for one in later],
        [one.text(file.name) for one in later],
    )


def _stack(one: FileCheck) -> str:
    return one.file.split(".")[1]


def _number(count: int, noun: str) -> str:
    return f"{count or 'no'} {noun}{'' if count == 1 else 's'}"
