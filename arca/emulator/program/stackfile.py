"""Reads a stack's file, `Pulumi.<stack>.yaml`, as the Pulumi CLI does."""

import json
from pathlib import Path
from typing import cast

import yaml

from arca import checkout
from arca.errors import ArcaError

PULUMI_PROJECT = "arca-api"


def stack_config(stack: str, *, root: Path | None = None) -> dict[str, str]:
    """Return a stack's settings as the Pulumi CLI passes them to the program: objects as JSON.

    Raises ArcaError if there is no such stack or its file is invalid.
    """
    path = (root or checkout.root()) / f"Pulumi.{stack}.yaml"
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ArcaError(
            f"There is no stack {stack!r}.",
            where=path.name,
            wanted=f"one of {', '.join(checkout.stack_names())}",
            do="name one of those, or add the stack's file",
        ) from None
    except yaml.YAMLError as error:
        raise ArcaError(
            f"The stack's file is not YAML: {' '.join(str(error).split())}",
            where=path.name,
            wanted="a mapping with the key `config`",
            do="correct the line that the message names",
        ) from None
    config = cast("dict[str, object]", content).get("config") if isinstance(content, dict) else None
    if not isinstance(config, dict):
        raise ArcaError(
            "The stack's file has no settings.",
            where=path.name,
            wanted="a mapping with the key `config`",
            do="compare it with Pulumi.dev.yaml",
        )
    return {
        str(key): value if isinstance(value, str) else json.dumps(value, default=str)
        for key, value in cast("dict[object, object]", config).items()
    }
