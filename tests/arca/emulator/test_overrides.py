"""Tests of settings that one run changes."""

import json
from typing import Any

import pytest

from arca.emulator.overrides import apply_overrides, read_overrides
from arca.errors import ArcaError

CONFIG = {
    "arca-api:stage": "prod",
    "arca-api:recovery": '{"phase": "standby", "warm_tasks": 1}',
    "arca-api:network": '{"zones": ["a", "b"]}',
}


def changed(*texts: str) -> dict[str, Any]:
    """Return the settings that the options change, read as the program reads them."""
    after = apply_overrides(CONFIG, read_overrides(texts))
    differ = {key: text for key, text in after.items() if CONFIG.get(key) != text}
    gone = {key: None for key in CONFIG if key not in after}
    return {
        key: text if text[0] not in "{[" else json.loads(text) for key, text in differ.items()
    } | gone


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "recovery.phase=promoting",
            {"arca-api:recovery": {"phase": "promoting", "warm_tasks": 1}},
        ),
        ("network.zones=[a, b, c]", {"arca-api:network": {"zones": ["a", "b", "c"]}}),
        ("arca-api:stage=dev", {"arca-api:stage": "dev"}),
        ("protected=true", {"arca-api:protected": "true"}),
        ("new.deep.key=1.5", {"arca-api:new": {"deep": {"key": 1.5}}}),
        ("recovery.warm_tasks=", {"arca-api:recovery": {"phase": "standby"}}),
        ("network=", {"arca-api:network": None}),
        ("recovery.phase=a=b", {"arca-api:recovery": {"phase": "a=b", "warm_tasks": 1}}),
    ],
)
def test_a_value_is_yaml_at_its_path(text: str, expected: dict[str, Any]) -> None:
    """Everything else stays; a value that is left out removes the key."""
    assert changed(text) == expected


@pytest.mark.parametrize(
    ("texts", "what"),
    [
        (["recovery.phase"], "no setting with a value"),
        (["=promoting"], "no setting with a value"),
        (["recovery..phase=x"], "no setting with a value"),
        (["recovery.phase=[a"], "the value is no YAML"),
        (["stage=a", "arca-api:stage=b"], "the setting stands twice"),
    ],
)
def test_an_option_that_cannot_be_read_is_named(texts: list[str], what: str) -> None:
    """The message repeats the option and shows a right one."""
    with pytest.raises(ArcaError, match=what) as error:
        read_overrides(texts)
    assert texts[-1] in error.value.where
    assert "recovery.phase=promoting" in error.value.wanted


@pytest.mark.parametrize("path", ["stage.x", "recovery.phase.x", "network.zones.0"])
def test_a_path_below_a_value_is_refused(path: str) -> None:
    """A list is set as a whole, and a value has no keys."""
    with pytest.raises(ArcaError, match=f"There is no setting {path}") as error:
        apply_overrides(CONFIG, {path: 1})
    assert error.value.do == f"set {path.rpartition('.')[0]} as a whole"
