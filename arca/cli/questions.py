"""Questions to the person at the terminal."""

import sys
from collections.abc import Callable
from typing import TextIO, TypeVar, cast

import click

from arca.errors import ArcaError, ExitCode

T = TypeVar("T")


class NobodyAnswers(ArcaError):
    """A question cannot be asked: wrong usage, and nothing was done."""

    exit_code = ExitCode.USAGE


def confirm(question: str, *, where: str) -> None:
    """Ask on stderr and return where the answer is yes; another answer raises click.Abort.

    Raises NobodyAnswers where there is no terminal and no answer on stdin.
    """
    if not _asked(lambda: click.confirm(question, err=True), question, where):
        raise click.Abort


def text(question: str, *, where: str) -> str:
    """Ask on stderr and return the answer; raises NobodyAnswers as `confirm` does."""
    return _asked(lambda: click.prompt(question, err=True, type=str), question, where)


def _asked(ask: Callable[[], T], question: str, where: str) -> T:
    try:
        return ask()
    except (click.Abort, RuntimeError):
        # `input` raises RuntimeError where the shell closed stdin (`<&-`); then there is no stream.
        answers = cast("TextIO | None", sys.stdin)
        if answers is not None and answers.isatty():
            raise
        raise NobodyAnswers(
            f"Nobody is here to answer, and nothing was changed: {question}",
            where=where,
            wanted="an answer, from a terminal or by --yes",
            do="look at what `--dry-run` says, then add --yes",
        ) from None
