"""Questions to the person at the terminal."""

import sys
from typing import TextIO, cast

import click

from arca.errors import ArcaError, ExitCode


class NobodyAnswers(ArcaError):
    """A question cannot be asked: wrong usage, and nothing was done."""

    exit_code = ExitCode.USAGE


def confirm(question: str, *, where: str) -> None:
    """Ask on stderr and return where the answer is yes; another answer raises click.Abort.

    Raises NobodyAnswers where there is no terminal and no answer on stdin.
    """
    try:
        agreed = click.confirm(question, err=True)
    except (click.Abort, RuntimeError):
        # `input` raises RuntimeError where the shell closed stdin (`<&-`); then there is no stream.
        answers = cast("TextIO | None", sys.stdin)
        if answers is not None and answers.isatty():
            raise
        raise NobodyAnswers(
            f"Nobody is here to answer, and nothing was changed: {question}",
            where=where,
            wanted="a yes, from a terminal or by --yes",
            do="look at what `--dry-run` says, then add --yes",
        ) from None
    if not agreed:
        raise click.Abort
