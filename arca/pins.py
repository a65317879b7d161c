"""The versions of others' software that the settings pin, and when each was last checked.

A vendor closes old versions: the stack that has one keeps it, and a new stack cannot be created.
"""

from dataclasses import dataclass
from datetime import date, timedelta

FRESH_FOR = timedelta(days=90)
"""How long a check counts: PostgreSQL has a minor release each quarter."""


@dataclass(frozen=True)
class Pin:
    """A pinned version: the default of a setting."""

    setting: str
    version: str
    checked: date
    """The day on which somebody compared it with the source."""
    source: str


PINS = (
    Pin(
        "cache.engine_version",
        "8.0",
        date(2026, 11, 28),
        "Amazon ElastiCache User Guide, 'Supported engines and versions'",
    ),
    Pin(
        "database.ca_certificate",
        "rds-ca-rsa2048-g1",
        date(2026, 11, 28),
        "Amazon RDS User Guide, 'Using SSL/TLS to encrypt a connection', certificate authorities",
    ),
    Pin(
        "database.engine_version",
        "17.11",
        date(2026, 11, 28),
        "cfn-lint 1.58, engine versions of AWS::RDS::DBInstance; PostgreSQL, 'Security'",
    ),
    Pin(
        "load_balancer.tls_policy",
        "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09",
        date(2026, 11, 28),
        "Elastic Load Balancing User Guide, 'Security policies for your Application Load Balancer'",
    ),
    Pin(
        "probe.runtime",
        "syn-python-selenium-14.0",
        date(2026, 11, 28),
        "Amazon CloudWatch User Guide, 'Runtime versions using Python and Selenium Webdriver'",
    ),
    Pin(
        "service.collector.image",
        "public.ecr.aws/aws-observability/aws-otel-collector:v0.46.0",
        date(2026, 11, 28),
        "github.com/aws-observability/aws-otel-collector, pull request 3146",
    ),
)


def pinned(setting: str) -> str:
    """Return the version of a setting; raises KeyError where none is pinned."""
    return {pin.setting: pin.version for pin in PINS}[setting]


def stale(today: date) -> tuple[Pin, ...]:
    """Return the pins that nobody has checked for FRESH_FOR."""
    return tuple(pin for pin in PINS if today - pin.checked > FRESH_FOR)
