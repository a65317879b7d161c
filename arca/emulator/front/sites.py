"""The names that customers use, from the exports that `arca local up` saves."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

PREFERRED = ("prod", "staging", "dev")
"""Whose URL a request without a known name is for: the first of these that is up."""


@dataclass(frozen=True)
class Sites:
    """The public names, and where the default one leads."""

    origins: Mapping[str, str]
    """The name in Route 53 that each public name at Cloudflare stands for."""
    default: str | None
    """The public name for a request with any other Host; None while nothing is up."""
    regions: tuple[str, ...]
    """The regions of the stacks."""

    def public_name(self, host: str) -> str | None:
        """Return the public name of a request's Host."""
        return host if host in self.origins else self.default


def read_sites(folder: Path) -> Sites:
    """Read the exports of all stacks in a folder; a file that is just being removed is left out."""
    found: list[Mapping[str, Any]] = []
    for path in sorted(folder.glob("*.json")):
        try:
            found.append(json.loads(path.read_bytes()))
        except FileNotFoundError:
            continue
    return sites(found)


def sites(exports: Iterable[Mapping[str, Any]]) -> Sites:
    """Return the names of stacks, of which each writes the same exports (arca/outputs.py)."""
    listed = list(exports)
    origins: dict[str, str] = {}
    for one in listed:
        edge = one["edge"]
        origins[_host(edge["url"])] = edge["origin_name"]
        origins[_host(edge["regional_url"])] = edge["regional_origin_name"]
    by_stack = {one["stack"]: _host(one["edge"]["url"]) for one in listed}
    order = [*(name for name in PREFERRED if name in by_stack), *sorted(by_stack)]
    return Sites(
        origins=origins,
        default=by_stack[order[0]] if order else None,
        regions=tuple(sorted({str(one["region"]) for one in listed})),
    )


def _host(url: str) -> str:
    return str(urlsplit(url).hostname)
