"""`arca dashboard`: the dashboards as pictures, from a recording or the made-up day."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from arca import files
from arca.cli.options import SPAN, of_stack
from arca.errors import ArcaError

RECORDED_PERIOD = 300


@click.group("dashboard")
def command() -> None:
    """The dashboards, as pictures."""


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")
def show(*, as_json: bool) -> None:
    """List the dashboards and how many widgets each has."""
    from arca.cli import render

    found = _boards()
    if as_json:
        render.print_json({name: [w.title for w in board.widgets] for name, board in found.items()})
        return
    render.table(
        ("dashboard", "title", "widgets"),
        [(name, board.title, str(len(board.widgets))) for name, board in found.items()],
    )


@command.command("render")
@click.argument("name")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="A recording of `arca dashboard record`; without one, a made-up day.",
)
@click.option("--out", type=click.Path(path_type=Path), help="The picture; <NAME>.png.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")
def draw(name: str, data: Path | None, out: Path | None, *, as_json: bool) -> None:
    """Draw a dashboard as CloudWatch lays it out."""
    from arca.cli import render
    from arca.monitoring import sample
    from arca.monitoring.live import charts
    from arca.monitoring.recording import Recording

    board = _board(name)
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
@click.option("--out", type=click.Path(path_type=Path), help="The recording; <NAME>.json.")
@of_stack
def record(
    name: str, since: timedelta, out: Path | None, stack_name: str, target: Any, *, as_json: bool
) -> None:
    """Record what a dashboard shows, to draw it later or elsewhere."""
    from arca.cli import render
    from arca.monitoring.live.recorder import record as read
    from arca.stack import find

    board = _board(name)
    stack = find(stack_name, target=target)
    path = out or Path(f"{name}.json")
    files.check(path)
    with render.ProgressLine() as progress:
        progress.show("reading CloudWatch", 0)
        recording = read(
            stack, board, since=since, now=datetime.now(UTC), period_seconds=RECORDED_PERIOD
        )
    with files.writing(path):
        recording.write(path)
    if as_json:
        render.print_json({"recording": str(path), "series": sorted(recording.file.series)})
    else:
        render.line(f"Wrote {path}: {len(recording.file.series)} series.")


def fingerprint(board: Any, recording: Any) -> str:
    """What a picture was drawn from, and by what; a picture with another one is stale."""
    from arca.monitoring.live import charts

    content = json.dumps(recording.file.model_dump(mode="json"), sort_keys=True)
    code = Path(charts.__file__).read_text(encoding="utf-8")
    return hashlib.sha256(f"{board!r}{content}{code}".encode()).hexdigest()[:16]


def _boards() -> dict[str, Any]:
    from arca.monitoring.dashboards import boards
    from arca.monitoring.objectives import goals

    return dict(boards(goals()))


def _board(name: str) -> Any:
    found = _boards()
    if name not in found:
        raise ArcaError(
            f"There is no dashboard {name}.",
            where="arca/monitoring/dashboards.py",
            wanted=f"one of {', '.join(found)}",
            do="run `arca dashboard list`",
        )
    return found[name]
