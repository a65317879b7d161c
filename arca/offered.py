"""Whether AWS still offers what the settings pin (arca/pins.py), in a stack's region."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from arca.check import Check
from arca.clients import client, explained
from arca.pins import PINS, Pin
from arca.stack import Stack


def check_pins(stack: Stack, *, now: datetime) -> list[Check]:
    """Ask AWS about each pinned version; one that is gone or deprecated FAILED.

    The emulated cloud offers everything, so there each is SKIPPED.
    """
    return [_check(stack, pin, now) for pin in PINS]


def _check(stack: Stack, pin: Pin, now: datetime) -> Check:
    name = f"pin {pin.setting}"
    ask = ASK.get(pin.setting)
    if stack.endpoint is not None:
        return Check(name, "SKIPPED", f"{pin.version}; only AWS knows what it offers")
    if ask is None:
        return Check(name, "SKIPPED", f"{pin.version}; AWS has no call that tells")
    with explained(stack, f"The {name} cannot be checked"):
        wrong = ask(stack, pin.version, now)
    if wrong is not None:
        return Check(name, "FAILED", f"{pin.version} {wrong}; {pin.source}")
    return Check(name, "OK", pin.version)


def _engine(stack: Stack, version: str, _now: datetime) -> str | None:
    found: list[dict[str, Any]] = client(stack, "rds").describe_db_engine_versions(
        Engine="postgres", EngineVersion=version, IncludeAll=True
    )["DBEngineVersions"]
    states = {str(one.get("Status", "available")) for one in found}
    if states == {"available"}:
        return None
    return "is deprecated" if states else "is not offered"


def _authority(stack: Stack, version: str, now: datetime) -> str | None:
    rds = client(stack, "rds")
    try:
        found = rds.describe_certificates(CertificateIdentifier=version)["Certificates"]
    except rds.exceptions.CertificateNotFoundFault:
        return "is not offered"
    return None if all(one["ValidTill"] > now for one in found) else "has expired"


def _cache(stack: Stack, version: str, _now: datetime) -> str | None:
    found = client(stack, "elasticache").describe_cache_engine_versions(
        Engine="valkey", EngineVersion=version
    )["CacheEngineVersions"]
    return None if found else "is not offered"


def _policy(stack: Stack, version: str, _now: datetime) -> str | None:
    elb = client(stack, "elbv2")
    try:
        elb.describe_ssl_policies(Names=[version])
    except elb.exceptions.SSLPolicyNotFoundException:
        return "is not offered"
    return None


def _runtime(stack: Stack, version: str, now: datetime) -> str | None:
    synthetics = client(stack, "synthetics")
    token: dict[str, str] = {}
    while True:
        page = synthetics.describe_runtime_versions(**token)
        for one in page["RuntimeVersions"]:
            if one["VersionName"] == version:
                ends = one.get("DeprecationDate")
                return None if ends is None or ends > now else "is deprecated"
        if "NextToken" not in page:
            return "is not offered"
        token = {"NextToken": page["NextToken"]}


ASK: dict[str, Callable[[Stack, str, datetime], str | None]] = {
    "cache.engine_version": _cache,
    "database.ca_certificate": _authority,
    "database.engine_version": _engine,
    "load_balancer.tls_policy": _policy,
    "probe.runtime": _runtime,
}
"""How AWS is asked; each returns what is wrong, None where nothing is."""
