"""`arca dashboard`: list, record and draw the dashboards."""

import hashlib
import json
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from arca import files
from arca.cli.options import SPAN, of_stack, pass_clock
from arca.clock import Clock
from arca.errors import ArcaError

if TYPE_CHECKING:
    from arca.monitoring.dashboard import Dashboard
    from arca.monitoring.recording import Recording
    from arca.stack import Target

RECORDED_PERIOD = 300
"""Seconds of a point of a recording."""


@click.group("dashboard")
def command() -> None:
    """The dashboards, as pictures."""


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")
def show(*, as_json: bool) -> None:
    """List the dashboards and how many widgets each has."""
    from arca.cli import render

    found = _dashboards()
    if as_json:
        render.print_json({name: [w.title for w in board.widgets] for name, board in found.items()})
        return
    render.table(
        ("dashboard", "title", "widgets"),
        [(name, board.title, str(len(board.widgets))) for name, board in found.items()],
        folds=("title",),
    )


@command.command("render")
@click.argument("name")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="A recording of `arca dashboard record`; without one, a made-up day.",
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="The picture to write; by default <NAME>.png."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")
def draw(name: str, data: Path | None, out: Path | None, *, as_json: bool) -> None:
    """Draw a dashboard as CloudWatch lays it out."""
    from arca.cli import render
    from arca.monitoring import sample
    from arca.monitoring.live import charts
    from arca.monitoring.recording import Recording

    board = _dashboard(name)
    path = out or Path(f"{name}.png")
    files.check(path, suffix=".png")
    recording = Recording.read(data) if data else sample.day([board])
    with files.writing(path):
        charts.draw_board(board, recording, path, fingerprint=fingerprint(board, recording))
    if as_json:
        render.print_json({"picture": str(path), "title": recording.title})
    else:
        render.line(f"Wrote {path}: {recording.title}.")


@command.command("record")
@click.argument("name")
@click.option("--since", default="3h", show_default=True, type=SPAN, help="How far back.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="The recording to write; by default <NAME>.json."
)
@of_stack
@pass_clock
def record(
    clock: Clock,
    *,
    name: str,
    since: timedelta,
    out: Path | None,
    stack_name: str | None,
    target: "Target",
    as_json: bool,
) -> None:
    """Record the metrics of a dashboard, to draw it later or elsewhere."""
    from arca.cli import render
    from arca.monitoring.live.dashboard_recorder import record_dashboard
    from arca.stack import find

    board = _dashboard(name)
    stack = find(stack_name, target=target)
    path = out or Path(f"{name}.json")
    files.check(path)
    with render.ProgressLine() as progress:
        progress.show("reading CloudWatch", 0)
        recording = record_dashboard(
            stack, board, since=since, now=clock.now(), period_seconds=RECORDED_PERIOD
        )
    with files.writing(path):
        recording.write(path)
    if as_json:
        render.print_json({"recording": str(path), "series": sorted(recording.file.series)})
    else:
        render.line(f"Wrote {path}: {len(recording.file.series)} series.")


def fingerprint(board: "Dashboard", recording: "Recording") -> str:
    """Return the fingerprint of a picture's data and code; a picture with another one is stale."""
    from arca.monitoring.live import charts

    content = json.dumps(recording.file.model_dump(mode="json"), sort_keys=True)
    code = Path(charts.__file__).read_text(encoding="utf-8")
    return hashlib.sha256(f"{board!r}{content}{code}".encode()).hexdigest()[:16]


def _dashboards() -> "dict[str, Dashboard]":
    from arca.monitoring.dashboards import all_dashboards
    from arca.monitoring.slo.objectives import read_objectives

    return all_dashboards(read_objectives())


def _dashboard(name: str) -> "Dashboard":
    found = _dashboards()
    if name not in found:
        raise ArcaError(
            f"There is no dashboard {name}.",
            where="arca/monitoring/dashboards.py",
            wanted=f"one of {', '.join(found)}",
            do="run `arca dashboard list`",
        )
    return found[name]
