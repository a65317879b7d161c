"""Run the tests on a copy of the tree as an owner would change it: `make test-owner`.

Every placeholder is filled in, and the changes of every recipe in docs/how-to.md are made. A test
that holds a value of the committed tree, or that cannot stand an encrypted one, fails there.
`python -m tools.owner [WORD ...]` gives the words to pytest.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from arca import checkout
from tools import how_to, tree

ACCOUNTS = {"dev": "411122223333", "staging": "422233334444", "prod": "433344445555"}
PAGED = ("prod", "dr")
ROUTES = "  arca-api:alerting:\n"
EMAILS = "    emails: [guardia@facturas-sur.com.ar]\n"
ENCRYPTED = """\
    pagerduty_key:
      secure: v1:dGhpcyBpcyBub3Qg:YSBzZWNyZXQgb2YgYW55Ym9keSBhdCBhbGw=
"""
"""A value as `pulumi config set --secret` leaves it: version, nonce and ciphertext."""
KEY = """\
secretsprovider: awskms://alias/arca-state?region=us-east-1
encryptedkey: AQICAHhrZXkgb2Ygbm9ib2R5IGF0IGFsbA==
"""
"""What `pulumi stack init --secrets-provider` adds."""


def values(stack: str) -> Mapping[str, str]:
    """Return what an owner writes in place of each placeholder of a stack's file, by key."""
    stage = "prod" if stack == "dr" else stack
    account = ACCOUNTS[stage]
    region = "us-east-1" if stack == "dr" else "sa-east-1"
    domain = f"facturas-sur{'' if stage == 'prod' else f'-{stage}'}.com.ar"
    return {
        "account_id": f'"{account}"',
        "domain": domain,
        "cloudflare_account_id": f'"{"5a" * 16}"',
        "cloudflare_zone_id": f'"{account}{"b" * 20}"',
        "image": f"{account}.dkr.ecr.{region}.amazonaws.com/arca-api:1.0.0",
        "contact_email": f"guardia+arca@{domain}",
        "infra_repository": "facturas-sur/platform",
        "application_repository": "facturas-sur/invoices",
    }


def fill_in(directory: Path) -> None:
    """Replace every placeholder in a tree's stack files; prod and dr get an encrypted secret too.

    A tree whose owner filled everything in gets other values in the same places.
    Raises LookupError if a file lacks a key, or has it twice.
    """
    for stack in checkout.stack_names():
        path = directory / f"Pulumi.{stack}.yaml"
        text = path.read_text(encoding="utf-8")
        for key, value in values(stack).items():
            text, count = re.subn(rf"(?m)^( +{key}: ).*$", rf"\g<1>{value}", text)
            if count != 1:
                message = f"{path.name} has {key!r} {count} times: change tools/owner.py as well"
                raise LookupError(message)
        if stack in PAGED:
            text = _with_pager(text)
        path.write_text(text if "encryptedkey:" in text else KEY + text, encoding="utf-8")


def _with_pager(text: str) -> str:
    """Add the encrypted secret, unless the tree's owner has one."""
    if "pagerduty_key:" in text:
        return text
    if ROUTES not in text:
        text = f"{text}\n{ROUTES}"
    emails = "" if "    emails:" in text else EMAILS
    return text.replace(ROUTES, ROUTES + emails + ENCRYPTED)


def main(words: Sequence[str]) -> int:
    """Change a copy, write anew what follows, and run its tests; return their exit code."""
    with tempfile.TemporaryDirectory(prefix="arca-owner-") as name:
        directory = Path(name)
        tree.copy(directory)
        fill_in(directory)
        for recipe in how_to.recipes():
            if recipe.fits(directory):
                recipe.make(directory)
        programs = str(Path(tree.python(directory)).parent)
        environment = os.environ | {"PATH": os.pathsep.join([programs, os.environ["PATH"]])}
        for command in (
            ("-m", "arca", "check", "--aws"),
            ("-m", "tools.fresh"),
            ("-m", "pytest", "-m", "not slow and not engine", *words),
        ):
            done = subprocess.run(  # noqa: S603 - our own commands
                [tree.python(directory), *command], cwd=directory, env=environment, check=False
            )
            if done.returncode:
                return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
