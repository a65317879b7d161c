"""The part of docs/monitoring.md about the proof: its table, and the picture of one outage."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from arca import checkout
from arca.monitoring.alarm import Composite
from arca.monitoring.live import charts
from arca.monitoring.slo.compiler import OUTAGE, compile_objective
from arca.monitoring.slo.objectives import read_objectives
from arca.monitoring.slo.proof.bounds import Bounds, bounds_of
from arca.monitoring.slo.proof.judge import read_by
from arca.monitoring.slo.replay import EventSeries, evaluate_alarm, notified, states
from arca.monitoring.table.api import outage
from arca.monitoring.thresholds import Thresholds

FOUND = checkout.root() / "docs" / "proof.json"
"""What `arca slo prove --scenarios 2000 --json` printed."""
PICTURE = checkout.root() / "docs" / "dashboards" / "outage.png"
BEGIN, LENGTH, SHOWN = 24 * 60, 20, 130
"""The outage's first minute, its minutes, and the minutes that the picture shows."""
REQUESTS_A_MINUTE = 1000.0
FIGURES = (
    ("unpaged", "unpaged_percent", "budget used before the page", "%"),
    ("after_recovery", "after_recovery", "minutes from the end to the last page", ""),
    ("pages", "pages_an_incident", "pages of an incident", ""),
    ("needless", "needless", "pages for nothing", ""),
)
"""A figure, its bound, what it is, and its unit."""


def table() -> str:
    """Return the table of the worst incidents that the search found, and the bounds."""
    lines = ["| objective | figure | worst | bound | in |", "| --- | --- | --- | --- | --- |"]
    bounds = {one.name: bounds_of(one) for one in read_objectives()}
    for found in json.loads(FOUND.read_text(encoding="utf-8"))["objectives"]:
        lines += _rows(found, bounds[found["slo"]])
    return "\n".join(lines)


def _rows(found: dict[str, Any], bounds: Bounds) -> list[str]:
    must = found["must_page"]
    shares = (
        ("incidents that page once", found["paged_once"], f"at least {bounds.once_percent:g}%"),
        ("incidents over before a page", found["missed"], f"{bounds.missed_percent:g}%"),
    )
    rows = [
        f"| {found['slo']} | {what} | {100 * number / must:.1f}% | {bound} | "
        f"{number} of {must} that must page |"
        for what, number, bound in shares
    ]
    for name, bound, what, unit in FIGURES:
        worst = found["worst"][name]
        value = len(worst["pages"]) if name == "pages" else worst.get(bound, worst.get(name))
        limit = f"{getattr(bounds, bound):g}{unit}"
        where = _where(worst) if value else ""
        rows.append(f"| {found['slo']} | {what} | {value:g}{unit} | {limit} | {where} |")
    return rows


def _where(worst: dict[str, Any]) -> str:
    """Return the incident in words; its seed runs it again."""
    return (
        f"seed {worst['seed']}: {worst['trouble']} of {worst['minutes']} min at "
        f"{100 * worst['share']:.3g}%, {worst['a_minute']:g} events a minute ({worst['traffic']}), "
        f"telemetry {worst['telemetry']}"
    )


def lines() -> list[charts.Span]:
    """Return the alarms of an outage of all requests: when each is on, and when it notifies."""
    objective = next(one for one in read_objectives() if one.name == "errors")
    total = np.full(BEGIN + 10 * 60, REQUESTS_A_MINUTE)
    good = total.copy()
    good[BEGIN : BEGIN + LENGTH] = 0
    events = EventSeries(good, total)
    alarms = compile_objective(objective)
    state = states(objective, alarms, events)
    sign = next(one for one in outage(Thresholds()).alarms if one.name == "api-failing")
    state[sign.name] = evaluate_alarm(sign, read_by(sign, objective, events))
    down = state[sign.name]
    page = next(one for one in alarms.composites if one.severity == "SEV2")
    shown: list[tuple[str, list[int]]] = [
        (f"{OUTAGE} (SEV1)", notified(down, None, None)),
        (f"{page.name} (SEV2)", _moments(page, state, down)),
    ]
    state |= {f"{OUTAGE} (SEV1)": down, f"{page.name} (SEV2)": state[page.name]}
    shown += [(name, []) for group in page.any_of for name in group]
    return [
        charts.Span("requests fail", [(0, LENGTH)], []),
        *(
            charts.Span(name, _spans(state[name]), [minute - BEGIN for minute in moments])
            for name, moments in shown
        ),
    ]


def _moments(page: Composite, state: dict[str, Any], down: Any) -> list[int]:
    return notified(state[page.name], down, page.hold)


def _spans(state: Any) -> list[tuple[int, int]]:
    """Return the beginnings and ends, in minutes of the outage."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0.0], state, [0.0])))) - BEGIN
    return [(int(one), int(other)) for one, other in zip(edges[::2], edges[1::2], strict=True)]


def is_stale() -> bool:
    """Return whether the picture is of other data."""
    if not PICTURE.exists():
        return True
    with Image.open(PICTURE) as picture:
        return picture.info.get(charts.FINGERPRINT) != _fingerprint()


def draw() -> None:
    """Draw the picture of the outage."""
    title = f"All requests fail for {LENGTH} minutes, {REQUESTS_A_MINUTE:g} requests a minute"
    charts.draw_spans(title, lines(), SHOWN, PICTURE, fingerprint=_fingerprint())


def _fingerprint() -> str:
    code = Path(charts.__file__).read_bytes()
    return hashlib.sha256(repr(lines()).encode() + code).hexdigest()
