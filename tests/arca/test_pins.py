"""The pinned versions: where they are used, and when they count as unchecked."""

from datetime import timedelta
from functools import reduce
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from click.testing import CliRunner

from arca import offered, pins
from arca.cli.main import cli
from arca.clock import Clock
from arca.pins import FRESH_FOR, PINS, Pin
from tests.stacks import settings_of

NOW = Clock().now()
LATER, EARLIER = NOW + timedelta(days=1), NOW - timedelta(days=1)


@pytest.mark.parametrize("pin", PINS, ids=lambda pin: pin.setting)
def test_a_pin_is_the_default_of_its_setting(pin: Pin) -> None:
    """No stack's file has a version of its own, so one table tells what runs."""
    value = reduce(getattr, pin.setting.split("."), settings_of("prod"))
    assert value == pin.version


def test_a_check_counts_for_ninety_days() -> None:
    """From the next day on, the pin is a warning."""
    first = min(pin.checked for pin in PINS)
    assert pins.stale(first + FRESH_FOR) == ()
    assert len(pins.stale(first + FRESH_FOR + timedelta(days=1))) >= 1


def test_an_unchecked_pin_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    """`arca check` names it, and where to look, and still ends with 0."""
    old = Pin("probe.runtime", "syn-python-selenium-1.0", EARLIER.date() - FRESH_FOR, "a page")
    monkeypatch.setattr(pins, "PINS", (old,))
    result = CliRunner().invoke(cli, ["check", "dev"])
    assert result.exit_code == 0
    assert "warning: probe.runtime syn-python-selenium-1.0 was last checked on" in result.output
    assert "compare it with a page" in result.output


class Answers:
    """A client whose every call gives one answer, or fails with one code."""

    def __init__(self, answer: dict[str, Any] | str) -> None:
        self._answer = answer

    @property
    def exceptions(self) -> Any:
        """Return a namespace in which every error is the one that is raised."""
        return SimpleNamespace(
            CertificateNotFoundFault=ClientError, SSLPolicyNotFoundException=ClientError
        )

    def __getattr__(self, _operation: str) -> Any:
        def call(**_request: Any) -> dict[str, Any]:
            if isinstance(self._answer, str):
                raise ClientError({"Error": {"Code": self._answer}}, "Describe")
            return self._answer

        return call


CASES: tuple[tuple[str, dict[str, Any] | str, str | None], ...] = (
    ("database.engine_version", {"DBEngineVersions": [{"Status": "available"}]}, None),
    ("database.engine_version", {"DBEngineVersions": [{"Status": "deprecated"}]}, "deprecated"),
    ("database.engine_version", {"DBEngineVersions": []}, "not offered"),
    ("database.ca_certificate", {"Certificates": [{"ValidTill": LATER}]}, None),
    ("database.ca_certificate", {"Certificates": [{"ValidTill": EARLIER}]}, "expired"),
    ("database.ca_certificate", "CertificateNotFound", "not offered"),
    ("cache.engine_version", {"CacheEngineVersions": [{}]}, None),
    ("cache.engine_version", {"CacheEngineVersions": []}, "not offered"),
    ("load_balancer.tls_policy", {"SslPolicies": [{}]}, None),
    ("load_balancer.tls_policy", "SSLPolicyNotFound", "not offered"),
    ("probe.runtime", {"RuntimeVersions": [{}]}, None),
    ("probe.runtime", {"RuntimeVersions": [{"DeprecationDate": LATER}]}, None),
    ("probe.runtime", {"RuntimeVersions": [{"DeprecationDate": EARLIER}]}, "deprecated"),
    ("probe.runtime", {"RuntimeVersions": []}, "not offered"),
)


@pytest.mark.parametrize(("setting", "answer", "wrong"), CASES)
def test_aws_is_asked(
    setting: str,
    answer: dict[str, Any] | str,
    wrong: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What AWS closed, or will have closed, fails with the page to look at."""
    (pin,) = (one for one in PINS if one.setting == setting)
    if isinstance(answer, dict):
        runtimes: list[dict[str, Any]] = answer.get("RuntimeVersions", [])
        for one in runtimes:
            one["VersionName"] = pin.version

    def connect(*_: object) -> Answers:
        return Answers(answer)

    monkeypatch.setattr(offered, "client", connect)
    monkeypatch.setattr(offered, "PINS", (pin,))
    stack: Any = SimpleNamespace(endpoint=None, where="prod")
    (check,) = offered.check_pins(stack, now=NOW)
    assert check.verdict == ("FAILED" if wrong else "OK")
    assert (wrong or pin.version) in check.detail


def test_the_emulated_cloud_is_not_asked() -> None:
    """Moto offers what its authors wrote down, which says nothing about AWS."""
    stack: Any = SimpleNamespace(endpoint="http://127.0.0.1:1")
    checks = offered.check_pins(stack, now=NOW)
    assert {check.verdict for check in checks} == {"SKIPPED"}
    assert len(checks) == len(PINS)
