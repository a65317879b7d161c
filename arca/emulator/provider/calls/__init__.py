"""The table: which API calls a resource type stands for."""

from collections.abc import Mapping

from arca.emulator.provider.calls import (
    cache,
    database,
    edge,
    functions,
    network,
    platform,
    runtime,
    storage,
    watching,
    web,
)
from arca.emulator.provider.calls.table import Call

TABLE: Mapping[str, tuple[Call, ...]] = {
    **network.TABLE,
    **storage.TABLE,
    **database.TABLE,
    **cache.TABLE,
    **platform.TABLE,
    **edge.TABLE,
    **web.TABLE,
    **runtime.TABLE,
    **watching.TABLE,
    **functions.TABLE,
}
"""Resource type to the calls that make it, in order."""

RECORDED = ("cloudflare:", "random:", "tls:", "pulumi:providers:")
"""Beginnings of the types that stand for no AWS call: they are recorded only."""

__all__ = ["RECORDED", "TABLE", "Call"]
