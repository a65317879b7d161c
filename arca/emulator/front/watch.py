"""Follows the emulated cloud: reads it again and again, and keeps the last answers."""

from collections.abc import Callable
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from arca.emulator.front import reader
from arca.emulator.front.dns import Records
from arca.emulator.front.sites import Sites, read_sites
from arca.emulator.front.table import RegionAnswers, RoutingTable, routing_table

STRUCTURE_SECONDS = 1.0
"""Seconds between two readings of what seldom changes: listeners, new rules, attributes, stacks."""
RECORDS_SECONDS = 0.4
"""Seconds between two readings of Route 53."""


class Watch:
    """What the emulated cloud was when it last answered.

    A load balancer goes on while the API of its region is lost, and so does this.
    """

    def __init__(
        self, client: reader.Client, exports: Path, monotonic: Callable[[], float]
    ) -> None:
        self.sites = Sites({}, None, ())
        self.records = Records()
        self.table = RoutingTable()
        self._unread: dict[str, str] = {}
        """Why a part could not be read last time, by region or service."""
        self.readings = 0
        self._client, self._exports, self._monotonic = client, exports, monotonic
        self._regions: dict[str, RegionAnswers] = {}
        self._structure_due = self._records_due = 0.0

    @property
    def problems(self) -> dict[str, str]:
        """Why a part could not be read last time, or why a listener cannot be followed."""
        refused = {
            listener.arn: listener.problem.what
            for balancer in self.table.balancers
            for listener in balancer.listeners
            if listener.problem is not None
        }
        return {**self._unread, **refused}

    def read(self, *, everything: bool = False) -> None:
        """Read what is due; a failure is a `problem`, and keeps what was known."""
        now = self._monotonic()
        if everything or now >= self._records_due:
            self._records_due = now + RECORDS_SECONDS
            self._note("route53", self._read_records)
        whole = everything or now >= self._structure_due
        if whole:
            self._structure_due = now + STRUCTURE_SECONDS
            self._note("exports", self._read_sites)
        for region in self.sites.regions:
            self._note(region, lambda region=region: self._read_region(region, whole=whole))
        kept = {name: self._regions[name] for name in self.sites.regions if name in self._regions}
        self._regions = kept
        self.table = routing_table(kept.values())
        self.readings += 1

    def _read_records(self) -> None:
        self.records = reader.read_records(self._client)

    def _read_sites(self) -> None:
        self.sites = read_sites(self._exports)

    def _read_region(self, region: str, *, whole: bool) -> None:
        known = self._regions.get(region)
        self._regions[region] = (
            reader.read_structure(self._client, region)
            if whole or known is None
            else reader.read_moving(self._client, known)
        )

    def _note(self, part: str, read: Callable[[], None]) -> None:
        try:
            read()
        except (ClientError, BotoCoreError, OSError, ValueError, KeyError) as error:
            self._unread[part] = f"{type(error).__name__}: {error}"
        else:
            self._unread.pop(part, None)
