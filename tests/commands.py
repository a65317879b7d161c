"""Parse the command lines that a text shows, as the command line itself does."""

import re
import shlex

import click

from arca.cli.main import cli
from tests import ROOT

TARGETS = frozenset(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
ARCA = re.compile(r"^[ ]*(?:\$ |run: |- )?(?:exec )?arca ([a-z][^#|>\n]*)", re.MULTILINE)
MAKE = re.compile(r"^[ ]*(?:\$ |run: |- )?make ([a-z-]+)", re.MULTILINE)


def wrong(text: str) -> list[str]:
    """Return the errors of all lines of a text that begin with `arca` or `make`."""
    found = [f"make {name}" for name in MAKE.findall(text) if name not in TARGETS]
    for line in ARCA.findall(text.replace("\\\n", " ")):
        try:
            parse(shlex.split(line))
        except (click.ClickException, ValueError) as error:
            found.append(f"arca {line.strip()}: {error}")
    return found


def mentioned(text: str) -> list[str]:
    """Return the errors of a mention in a sentence, which may omit required options."""
    if text.startswith("make "):
        return wrong(text.split(" [", maxsplit=1)[0])
    if not text.startswith("arca "):
        return []
    words = [
        word
        for word in text.partition(" -- ")[0].split()[1:]
        if re.fullmatch(r"--[a-z-]+|[a-z-]+", word)
    ]
    command, _, rest = resolve(words)
    options = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    if isinstance(command, click.Group) and rest and not rest[0].startswith("--"):
        return [text]
    return [text for word in rest if word.startswith("--") and word not in options]


def parse(words: list[str]) -> None:
    """Parse all that follows `arca`, and run nothing.

    Raises:
        click.ClickException: A command, an option or an argument is not valid.

    """
    command, context, rest = resolve(words)
    if isinstance(command, click.Group) and rest:
        raise click.UsageError(f"there is no command {rest[0]}")
    if not isinstance(command, click.Group) and rest != ["--help"]:
        command.make_context(command.name, rest, parent=context)


def resolve(words: list[str]) -> tuple[click.Command, click.Context, list[str]]:
    """Follow the words through the groups; return the command and the words after it."""
    command: click.Command = cli
    context = click.Context(cli, info_name="arca", **cli.context_settings)
    rest = list(words)
    while isinstance(command, click.Group) and rest:
        below = command.get_command(context, rest[0])
        if below is None:
            break
        command, rest = below, rest[1:]
    return command, context, rest
