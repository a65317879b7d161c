"""The load balancer's certificate."""

import re

import pytest

from arca.errors import ArcaError
from components.certificate import Certificate
from components.component import Place
from settings import Settings, cloudflare_zone
from tests import graph
from tests.components.alone import alone, text
from tests.stacks import settings_of


def build(s: Settings, here: Place) -> Certificate:
    """Declare the certificate."""
    zone = cloudflare_zone(s)
    return Certificate("certificate", here, zone=zone, origin_zone_id=text("Z1"), validates=True)


def test_a_name_without_a_record_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS may answer with other names, for example without the wildcard."""
    simulate = graph.simulate_outputs

    def other(*arguments: object, **options: object) -> tuple[str, dict[str, object]]:
        found, state = simulate(*arguments, **options)  # type: ignore[arg-type]
        for one in state.get("domainValidationOptions", []):
            one["domainName"] = one["domainName"].removeprefix("*.")
        return found, state

    monkeypatch.setattr(graph, "simulate_outputs", other)
    domain = re.escape(settings_of("dev").owner.domain)
    missing = rf"ACM wants no DNS record for \*\.(origin\.)?{domain}; it lists"
    with pytest.raises(ArcaError, match=missing):
        alone(build)
