"""The graph of a stack with what the estimate needs beside it."""

from dataclasses import dataclass, field

from arca.cost.traffic import Traffic
from arca.graph import Graph


@dataclass(frozen=True)
class LoadedGraph(Graph):
    """The resources of a stack, and the load that no resource says."""

    traffic: Traffic = field(kw_only=True)
    plan: str = field(kw_only=True)
    """Cloudflare's plan of the zone: free, pro, business or enterprise."""
    primary: "LoadedGraph | None" = field(default=None, kw_only=True)
