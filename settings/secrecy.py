"""Values that no message may show: encrypted ones under a key that is not encrypted."""

from collections.abc import Iterator

from arca.stackfile import PREFIX, KeyPath, StackFile
from settings.problem import HIDDEN, NO_VALUE, Problem

SECRETS: tuple[KeyPath, ...] = (("alerting", "pagerduty_key"),)
"""Keys whose values are encrypted in a stack's file.

No other value is: the rules between two files compare the values as they stand there, and
resources and messages show them.
"""


def plain_secrets(file: StackFile) -> Iterator[Problem]:
    """Yield secrets that stand in the file as plain text; Pulumi itself decrypts before it runs."""
    for path in SECRETS:
        if path in file.lines and path not in file.encrypted:
            key = f"{PREFIX}{'.'.join(path)}"
            wanted = f"an encrypted value; set it with `pulumi config set --secret --path {key}`"
            yield Problem(".".join(path), HIDDEN, wanted, file.line(path))


def misplaced(section: str, file: StackFile | None, *, secret: bool) -> list[Problem]:
    """Return a section's encrypted values that are no secrets of the settings.

    `secret` says that Pulumi holds the section as a secret, which it does when any value in it is
    encrypted. Without a line of such a value, the whole section is the problem.
    """
    encrypted = [path for path in file.encrypted if path[0] == section] if file else []
    wrong = sorted(path for path in encrypted if path not in SECRETS)
    if not encrypted and secret and all(path[0] != section for path in SECRETS):
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
