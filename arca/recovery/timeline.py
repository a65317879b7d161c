"""The timeline of a record as an SVG picture: each phase a bar, its budget an outline behind it."""

import html
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from arca.recovery.record import Phase, Record

WIDTH = 860
LEFT = 190
"""Room for the phases' names."""
RIGHT = 160
"""Room for the durations behind the bars."""
TOP = 58
ROW = 30
TICKS = 6
LABELLED = 'aria-labelledby="timeline-title timeline-text"'
STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
"""Seconds between two lines of the scale; the first that needs few enough lines is taken."""


@dataclass(frozen=True)
class _Scale:
    begin: datetime
    seconds: float

    def x(self, moment: datetime) -> float:
        return self.after((moment - self.begin).total_seconds())

    def after(self, seconds: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * min(1.0, max(0.0, seconds / self.seconds))


def timeline(record: Record) -> str:
    """Return an SVG element that takes its colours from the page's style (report_page.py).

    Screen readers get a title, and a description with every phase in words.
    """
    moments = {"serves": record.first_good_smoke, "alarms green": record.alarms_green}
    marks = [(label, moment) for label, moment in moments.items() if moment is not None]
    last = max(record.ended, *(moment for _, moment in marks), record.declared)
    # A drill whose phases all took no time still has a scale.
    scale = _Scale(record.declared, max(1.0, (last - record.declared).total_seconds()))
    height = TOP + ROW * len(record.phases) + 14
    title, text = f"Timeline of the {record.kind}", " ".join(described(record))
    parts = [
        f'<svg class="timeline" viewBox="0 0 {WIDTH} {height}" role="img" {LABELLED}>',
        f'<title id="timeline-title">{html.escape(title)}</title>',
        f'<desc id="timeline-text">{html.escape(text)}</desc>',
        *_grid(scale, height),
        *(part for row, one in enumerate(record.phases) for part in _bar(scale, row, one)),
        *(part for place, mark in enumerate(marks) for part in _mark(scale, place, *mark, height)),
        "</svg>",
    ]
    return "\n".join(parts)


def described(record: Record) -> Iterator[str]:
    """Yield the timeline in sentences."""
    yield f"Declared at {record.declared:%H:%M:%S} UTC."
    for one in record.phases:
        after = (one.began - record.declared).total_seconds()
        yield (
            f"{one.name} began after {duration(after)}, took {duration(one.seconds)} of "
            f"{duration(one.budget_seconds)}: {one.outcome}."
        )
    if record.rto_seconds is not None:
        yield f"The first smoke test passed after {duration(record.rto_seconds)}."
    if record.green_seconds is not None:
        yield f"All alarms were green after {duration(record.green_seconds)}."


def duration(seconds: float) -> str:
    """Return a duration for people: `7.2 s`, `4 min 10 s`, `1 h 2 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s" if 0 < seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def _grid(scale: _Scale, height: float) -> Iterator[str]:
    step = next((s for s in STEPS if scale.seconds / s <= TICKS), math.ceil(scale.seconds / TICKS))
    for number in range(math.floor(scale.seconds / step) + 1):
        x = scale.after(number * step)
        yield f'<line class="grid" x1="{x:.1f}" y1="{TOP - 6}" x2="{x:.1f}" y2="{height - 8}"/>'
        yield (
            f'<text class="tick" x="{x:.1f}" y="{TOP - 12}" text-anchor="middle">'
            f"{duration(number * step) if number else '0'}</text>"
        )


def _bar(scale: _Scale, row: int, one: Phase) -> Iterator[str]:
    y = TOP + ROW * row
    x, end = scale.x(one.began), scale.x(one.ended)
    begun = (one.began - scale.begin).total_seconds()
    allowed = scale.after(begun + one.budget_seconds)
    outcome = one.outcome if one.in_time or one.outcome != "OK" else "LATE"
    told = f"{duration(one.seconds)}{'' if outcome == 'OK' else f' {outcome}'}"
    yield f'<text class="name" x="{LEFT - 10}" y="{y + 18}" text-anchor="end">{one.name}</text>'
    yield (
        f'<rect class="budget" x="{x:.1f}" y="{y + 4}" width="{max(1.0, allowed - x):.1f}" '
        f'height="{ROW - 8}" rx="3"/>'
    )
    yield (
        f'<rect class="bar {outcome.lower()}" x="{x:.1f}" y="{y + 8}" '
        f'width="{max(2.0, end - x):.1f}" height="{ROW - 16}" rx="2"/>'
    )
    # Behind the outline too, which would cross the words.
    yield f'<text class="took" x="{max(end, allowed) + 6:.1f}" y="{y + 19}">{told}</text>'


def _mark(scale: _Scale, number: int, label: str, moment: datetime, height: float) -> Iterator[str]:
    x = scale.x(moment)
    # Two marks close to each other would write over each other on one line.
    y = 14 + 14 * number
    yield f'<line class="mark" x1="{x:.1f}" y1="{y + 3}" x2="{x:.1f}" y2="{height - 8}"/>'
    yield f'<text class="mark" x="{x:.1f}" y="{y}" text-anchor="middle">{label}</text>'
