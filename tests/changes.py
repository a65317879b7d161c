"""The settings of a real stack with some values changed, and what refuses them."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest

from arca import stackfile
from arca.errors import Explained
from tests.graph import declare

NO_ROUTES: Mapping[str, Any] = {"alerting": None}
"""Nobody is notified, whatever routes a stack's file names."""
ROUTES: Mapping[str, Any] = {
    "alerting": {
        "pagerduty_key": "0123456789abcdef0123456789abcdef",
        "slack_team_id": "T01",
        "slack_channel_id": "C01",
        "emails": ["tickets@arca.example"],
    }
}
"""Every route that alarms can take."""

read_once = cache(stackfile.stack_config)
"""The settings in a stack's file, kept because parsing it takes as long as refusing it."""


def changed(stack: str, changes: Mapping[str, Any]) -> dict[str, str]:
    """Return the settings with the values at some paths replaced; None removes a section."""
    config = dict(read_once(stack))
    for path, value in changes.items():
        section, *keys = path.split(".")
        key = f"{stackfile.PULUMI_PROJECT}:{section}"
        if not keys and value is None:
            config.pop(key, None)
            continue
        if not keys:
            config[key] = value if isinstance(value, str) else json.dumps(value)
            continue
        content = json.loads(config.get(key, "{}"))
        inner = content
        for name in keys[:-1]:
            inner = inner.setdefault(name, {})
        inner[keys[-1]] = value
        config[key] = json.dumps(content)
    return config


def refusal(stack: str, changes: Mapping[str, Any]) -> str:
    """Return the message with which the program refuses the changed settings."""
    with pytest.raises(Explained) as error:
        declare(stack, changed(stack, changes))
    return str(error.value)
