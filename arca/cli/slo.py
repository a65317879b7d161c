"""`arca slo`: objectives, their budgets, and the replay of their alarms."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from arca.cli.options import of_stack, pass_clock
from arca.clock import Clock
from arca.errors import ArcaError

if TYPE_CHECKING:
    from arca.monitoring.slo.proof.report import Proof
    from arca.stack import Target

PROVED = (
    "objective",
    "incidents",
    "must page",
    "over before a page",
    "one page",
    "worst: budget unpaged",
    "minutes after the end",
    "pages",
    "for nothing",
)
"""The columns of `arca slo prove`; `Proof.row` has the values."""


@click.group("slo")
def command() -> None:
    """Objectives: status, report, replay and proof of their alarms."""


@command.command("status")
@of_stack
@pass_clock
def status_command(
    clock: Clock, stack_name: str | None, target: "Target", *, as_json: bool
) -> None:
    """Show each objective: good share, budget used and left, burn rate, time until it is gone."""
    from arca.cli import render
    from arca.monitoring.live.objectives import objective_statuses
    from arca.stack import find

    stack = find(stack_name, target=target)
    with render.ProgressLine() as progress:
        progress.show("reading CloudWatch", 0)
        found = objective_statuses(stack, now=clock.now())
    if as_json:
        render.print_json({"stack": stack.name, "objectives": [one.as_json() for one in found]})
        return
    render.table(
        (
            "objective",
            "target",
            "good",
            "budget used",
            "budget left",
            "year",
            "burn rate",
            "gone in",
            "verdict",
        ),
        [
            (
                one.name,
                f"{one.target_percent:g}%",
                _number(one.good_percent, "%"),
                _number(one.consumed_percent, "%"),
                _number(one.left_percent, "%"),
                _number(one.year_consumed_percent, "%"),
                _number(one.burn_rate, "x"),
                _number(one.days_left, " days"),
                one.verdict,
            )
            for one in found
        ],
    )
    if not found:
        render.line("This stack measures no objective: it is a standby, or has no probe.")


@command.command("report")
@click.option("--month", required=True, help="The month, as 2026-10.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="The page to write; by default slo-<stack>-<month>.html.",
)
@of_stack
@pass_clock
def report_command(
    clock: Clock,
    stack_name: str | None,
    target: "Target",
    month: str,
    out: Path | None,
    *,
    as_json: bool,
) -> None:
    """Write an HTML page about a month: each objective's budget, with plots."""
    from arca.cli import render
    from arca.monitoring.live.report import Month, write_report
    from arca.stack import find

    chosen = Month.parse(month, now=clock.now())
    stack = find(stack_name, target=target)
    path = out or Path(f"slo-{stack.name}-{month}.html")
    with render.ProgressLine() as progress:
        summary = write_report(stack, chosen, path, watch=lambda what: progress.show(what, 0))
    if as_json:
        render.print_json({"page": str(path), "objectives": summary})
    else:
        render.line(f"Wrote {path}.")


@command.command("replay")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--slo", "name", required=True, help="The objective whose alarms are run.")
@click.option("--all", "everything", is_flag=True, help="Also show the halves of composite alarms.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")
def replay_command(file: Path, name: str, *, everything: bool, as_json: bool) -> None:
    """Replay a series of events through an objective's alarms: when each fires and clears.

    FILE is a CSV with the columns minute, good, total. The alarms are those that a stack
    declares, evaluated by CloudWatch's rules.
    """
    from arca.cli import render
    from arca.monitoring.live.replayed_series import read_series
    from arca.monitoring.slo.budget import BUDGET_DAYS
    from arca.monitoring.slo.compiler import compile_objective
    from arca.monitoring.slo.objectives import read_objectives
    from arca.monitoring.slo.replay import consumed_at, replay

    found = {objective.name: objective for objective in read_objectives()}
    if name not in found:
        raise ArcaError(
            f"There is no objective {name}.",
            where="arca/monitoring/objectives",
            wanted=f"one of {', '.join(found)}",
            do="name one of them with --slo",
        )
    objective, events = found[name], read_series(file)
    alarms = compile_objective(objective)
    severities = {alarm.name: alarm.severity for alarm in alarms.notifying()}
    firings = sorted(
        (
            firing
            for alarm, fired in replay(objective, alarms, events).items()
            for firing in fired
            if everything or alarm in severities
        ),
        key=lambda firing: (firing.fired, firing.alarm),
    )
    rows = [
        {
            "alarm": firing.alarm,
            "severity": severities.get(firing.alarm),
            "fired_minute": firing.fired,
            "cleared_minute": firing.cleared,
            "budget_consumed_percent": round(
                consumed_at(objective, events, firing.fired, days=BUDGET_DAYS), 2
            ),
        }
        for firing in firings
    ]
    if as_json:
        render.print_json({"slo": name, "minutes": events.minutes, "firings": rows})
        return
    render.table(
        ("alarm", "severity", "fired", "cleared", "budget used by then"),
        [
            (
                str(row["alarm"]),
                str(row["severity"] or ""),
                _minutes(firing.fired),
                _minutes(firing.cleared),
                f"{row['budget_consumed_percent']}%",
            )
            for firing, row in zip(firings, rows, strict=True)
        ],
    )
    if not rows:
        render.line(f"No alarm of {name} fires in these {events.minutes} minutes.")


@command.command("prove")
@click.option("--slo", "name", help="The objective; all of them by default.")
@click.option(
    "--scenarios",
    type=click.IntRange(min=1),
    default=500,
    show_default=True,
    help="How many made-up incidents each objective's alarms get.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="The first incident's seed; each one after it has the next.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")
def prove_command(name: str | None, scenarios: int, seed: int, *, as_json: bool) -> None:
    """Search made-up incidents for one that the alarms page too late, too often or for nothing.

    Ends with 1 where a figure is beyond its bound; the message names the incident's seed, and
    `--seed SEED --scenarios 1` runs it alone.
    """
    from arca.cli import render
    from arca.monitoring.slo.objectives import read_objectives
    from arca.monitoring.slo.proof.report import prove_declared

    found = {objective.name: objective for objective in read_objectives()}
    if name is not None and name not in found:
        raise ArcaError(
            f"There is no objective {name}.",
            where="arca/monitoring/objectives",
            wanted=f"one of {', '.join(found)}",
            do="name one of them with --slo, or leave --slo out",
        )
    chosen = [found[name]] if name is not None else list(found.values())
    proofs: list[Proof] = []
    with render.ProgressLine() as progress:
        for objective in chosen:
            progress.show(f"{objective.name}: {scenarios} incidents", 0)
            proofs.append(prove_declared(objective, scenarios=scenarios, seed=seed))
    if as_json:
        render.print_json({"seed": seed, "objectives": [proof.as_json() for proof in proofs]})
    else:
        render.table(PROVED, [proof.row() for proof in proofs])
    broken = [f"{proof.objective}: {one}" for proof in proofs for one in proof.breaches()]
    if broken:
        raise ArcaError(
            "\n".join(broken),
            where="arca slo prove",
            wanted="no figure beyond arca/monitoring/slo/proof/bounds.py",
            do="run the seed alone with `--scenarios 1`, and correct the alarms",
        )


@command.command("publish")
@click.option("--dry-run", is_flag=True, help="Compute and print, and put nothing.")
@of_stack
@pass_clock
def publish_command(
    clock: Clock, stack_name: str | None, target: "Target", *, dry_run: bool, as_json: bool
) -> None:
    """Publish the budgets now, as the hourly function does."""
    from arca.cli import render
    from arca.clients import client, explained
    from arca.monitoring.live.objectives import input_of_publisher
    from arca.monitoring.slo import publisher
    from arca.stack import find

    stack = find(stack_name, target=target)
    now, described = clock.now(), input_of_publisher(stack)
    cloudwatch = client(stack, "cloudwatch")
    with explained(stack, "The budgets cannot be published"):
        values = (
            publisher.compute(cloudwatch, described, now=now)
            if dry_run
            else publisher.publish(cloudwatch, described, now=now)
        )
    if as_json:
        render.print_json({"dry_run": dry_run, "published": values})
        return
    render.table(
        ("metric", "objective", "window", "value"),
        [
            (value["metric"], value["SLO"], value["Window"], f"{value['value']:.4g}")
            for value in values
            if "Window" in value
        ],
    )
    counted = sum("Window" not in value for value in values)
    render.line(f"{counted} hours whose slices were counted.")
    render.line("Nothing was put." if dry_run else f"Put {len(values)} values.")


def _number(value: float | None, unit: str) -> str:
    return "-" if value is None else f"{value:g}{unit}"


def _minutes(value: int | None) -> str:
    """Return a minute since the beginning as a day and a time of day."""
    if value is None:
        return "still fires"
    days, rest = divmod(int(value), 24 * 60)
    return f"day {days}, {rest // 60:02}:{rest % 60:02}"
