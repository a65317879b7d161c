"""Values that no message may show: secrets where none belongs, encrypted or in plain text."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import cast

from arca.stackfile import PREFIX, KeyPath, StackFile
from settings.problem import HIDDEN, NO_VALUE, Problem

SECRETS: tuple[KeyPath, ...] = (("alerting", "pagerduty_key"),)
"""Keys whose values are encrypted in a stack's file."""
ENCRYPTABLE: tuple[KeyPath, ...] = (
    *SECRETS,
    ("owner", "cloudflare_account_id"),
    ("owner", "cloudflare_zone_id"),
)
"""Keys whose values may be encrypted. Any other value reaches resources as plain text."""
SECRET_TEXT = re.compile(
    r"\b(AKIA|ASIA)[0-9A-Z]{16}\b"
    r"|\b(gh[opsur]_|github_pat_|glpat-|xox[abeoprs]-|[rs]k_(live|test)_|AIza)[\w-]{8,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY"
    r"|\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\."
    r"|://[^\s/@]*:[^\s/@]+@"
    r"|://hooks\.slack\.com/"
)
"""Forms that only a secret has: access keys of AWS (IAM User Guide, "IAM identifiers"), tokens of
GitHub, GitLab, Slack, Stripe and Google, private keys in PEM, JSON Web Tokens, URLs with a password
and Slack's webhooks."""


def plain_secrets(file: StackFile) -> Iterator[Problem]:
    """Yield secrets that stand in the file as plain text; Pulumi itself decrypts before it runs."""
    for path in SECRETS:
        if path in file.lines and path not in file.encrypted:
            key = f"{PREFIX}{'.'.join(path)}"
            wanted = f"an encrypted value; set it with `pulumi config set --secret --path {key}`"
            yield Problem(".".join(path), HIDDEN, wanted, file.line(path))


def misplaced(section: str, file: StackFile | None, *, secret: bool) -> list[Problem]:
    """Return a section's encrypted values under keys that are not encrypted.

    `secret` says that Pulumi holds the section as a secret, which it does when any value in it is
    encrypted. Without a line of such a value, the whole section is the problem.
    """
    encrypted = [path for path in file.encrypted if path[0] == section] if file else []
    wrong = sorted(path for path in encrypted if path not in ENCRYPTABLE)
    if not encrypted and secret and all(path[0] != section for path in ENCRYPTABLE):
        wrong = [(section,)]
    return [
        Problem(".".join(path), NO_VALUE, _wanted(path), file.line(path) if file else None)
        for path in wrong
    ]


def _wanted(path: KeyPath) -> str:
    below = [secret for secret in SECRETS if secret[: len(path)] == path]
    if below:
        keys = " and ".join(f"{PREFIX}{'.'.join(secret)}" for secret in below)
        return (
            "a section in plain text, in which only the secret itself is encrypted: "
            f"`pulumi config set --secret --path {keys}`"
        )
    return "a value in plain text, because this key is not encrypted"


def without_secret(problem: Problem, file: StackFile | None, secret: Collection[str]) -> Problem:
    """Return the problem without the value that Pulumi decrypted.

    `secret` names the sections that Pulumi holds as secrets; without a file, all of such a section
    may be one.
    """
    path = tuple(problem.path.split("."))
    hidden = path in file.encrypted if file else path[0] in secret
    if hidden and problem.value not in (None, NO_VALUE):
        return replace(problem, value=HIDDEN)
    return problem


def secret_texts(section: str, value: object, file: StackFile | None) -> list[Problem]:
    """Return the texts of a section, at any depth, that have the form of a secret."""
    wanted = "no secret in plain text; docs/how-to.md says how a secret is added"
    return [
        Problem(".".join(path), HIDDEN, wanted, file.line(path) if file else None)
        for path, text in _texts((section,), value)
        if path not in SECRETS and SECRET_TEXT.search(text)
    ]


def _texts(path: KeyPath, value: object) -> Iterator[tuple[KeyPath, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, below in cast("Mapping[str, object]", value).items():
            yield from _texts((*path, key), below)
    elif isinstance(value, list):
        for number, below in enumerate(cast("list[object]", value)):
            yield from _texts((*path, str(number)), below)
