"""What the double keeps: accounts, and zones with all that was created in them."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from arca.zone_plans import PLANS, Plan, PlanLimits

Json = dict[str, Any]
IDENTIFIER = r"[0-9a-f]{32}"
"""The form of Cloudflare's ids."""


class OwnedZone(BaseModel):
    """A zone that its owner has at Cloudflare before a stack comes up."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=f"^{IDENTIFIER}$")
    name: str = Field(min_length=1)
    account: str = Field(pattern=f"^{IDENTIFIER}$")
    plan: Plan


def _objects() -> dict[str, Json]:
    return {}


@dataclass
class Zone:
    """A zone and what it holds, each kind by its ids."""

    owned: OwnedZone
    created: datetime
    dns_records: dict[str, Json] = field(default_factory=_objects)
    rulesets: dict[str, Json] = field(default_factory=_objects)
    healthchecks: dict[str, Json] = field(default_factory=_objects)
    certificates: dict[str, Json] = field(default_factory=_objects)
    """The client certificates of authenticated origin pulls."""
    settings: dict[str, Json] = field(default_factory=_objects)
    origin_pulls: bool = False
    tiered_cache: Json | None = None

    @property
    def limits(self) -> PlanLimits:
        """What the zone's plan allows."""
        return PLANS[self.owned.plan]


@dataclass
class Account:
    """An account and its notification policies."""

    policies: dict[str, Json] = field(default_factory=_objects)


class State:
    """All accounts and zones of the double."""

    def __init__(self) -> None:
        self.zones: dict[str, Zone] = {}
        self.accounts: dict[str, Account] = {}
        self._made = 0

    def add_zone(self, owned: OwnedZone, now: datetime) -> None:
        """Add a zone with its account; a zone that exists stays as it is."""
        self.zones.setdefault(owned.id, Zone(owned, now))
        self.accounts.setdefault(owned.account, Account())

    def new_id(self) -> str:
        """Return an id that no object has."""
        self._made += 1
        return hashlib.sha256(f"cloudflare {self._made}".encode()).hexdigest()[:32]
