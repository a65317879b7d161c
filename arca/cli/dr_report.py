"""`arca dr report`: print the records of drills and recoveries, or write a page."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    from arca.recovery.record import Record


@click.command("report")
@click.argument("path", metavar="[FILE|DIR]", required=False, type=click.Path(path_type=Path))
@click.option("--html", "out", type=click.Path(path_type=Path), help="Write one record as a page.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")
def command(path: Path | None, out: Path | None, *, as_json: bool) -> int:
    """Print a record, or a table of all records of a directory: docs/drills without one.

    The exit code is 1 where the newest record failed, or where a file is no record. A page is one
    HTML file that loads nothing else. --html takes the newest record of a directory.
    """
    from arca import checkout, files
    from arca.cli import render
    from arca.errors import ExitCode
    from arca.recovery import records
    from arca.recovery.report_page import report_page
    from arca.recovery.verdict import judge

    if out is not None:
        files.check(out, suffix=".html")
    source = path or checkout.root() / "docs" / "drills"
    found = records.read(source)
    newest = found[-1]
    if out is not None:
        with files.writing(out):
            out.write_text(report_page(newest), encoding="utf-8")
        click.echo(f"Wrote {out}.", err=True)
    if as_json:
        render.print_json({"records": [records.as_json(one) for one in found]})
    elif out is None:
        _print(found, whole=not source.is_dir())
    return ExitCode.DONE if judge(newest).passed else ExitCode.FAILED


def _print(found: "Sequence[Record]", *, whole: bool) -> None:
    from arca.cli import render
    from arca.recovery.report import INDEX_TITLES, index_row

    if whole:
        for one in found:
            _print_whole(one)
        return
    render.table(INDEX_TITLES, [index_row(one) for one in found], folds=("verdict",))


def _print_whole(record: "Record") -> None:
    from arca.cli import render
    from arca.recovery.report import data_rows, phase_rows, summary_rows
    from arca.recovery.verdict import judge

    verdict = judge(record)
    render.line(f"{record.name}: {'OK' if verdict.passed else 'FAILED'}", verdicts=True)
    for reason in verdict.reasons:
        render.line(f"  FAILED {reason}", verdicts=True)
    for note in verdict.notes:
        render.line(f"  note: {note}")
    for what, value in summary_rows(record):
        render.line(f"  {what}: {value}")
    titles = ("phase", "began (UTC)", "took", "budget", "outcome", "seen")
    render.table(titles, phase_rows(record), folds=("seen",))
    render.table(("invoices", "count", "which"), data_rows(record), folds=("which",))
    for one in record.invariants:
        render.line(f"  {one.outcome} {one.name}: {one.seen}", verdicts=True)
    for left in record.cleaned_up:
        word = "gone" if left.gone else "FAILED, still there"
        render.line(f"  {left.what}: {word} ({left.seen})", verdicts=True)
