"""`arca dr estimate`: how long it takes to recreate a stack, or to fail over to it."""

from typing import TYPE_CHECKING

import click

from arca.cli.suggestions import complete_stack

if TYPE_CHECKING:
    from arca.recovery.estimate import Scenario, UpdateEstimate


@click.command("estimate")
@click.argument("stack", metavar="[STACK]", default="dr", shell_complete=complete_stack)
@click.option(
    "--parallel",
    type=click.IntRange(min=1, max=1000),
    help="Operations at once, as `pulumi up --parallel`; 16 without it.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")
def command(stack: str, parallel: int | None, *, as_json: bool) -> int:
    """Estimate how long it takes to recreate STACK, dr without one, and to fail over to it.

    Nothing is asked of AWS: the stack's graph is recorded, and a table has the durations of AWS's
    operations (docs/disaster-recovery.md). The exit code is 1 where an expected duration is not
    less than the RTO of an hour.
    """
    from arca import stackfile
    from arca.cli import extras, render
    from arca.cli.graphs import Recorder, in_phase
    from arca.errors import ExitCode
    from arca.recovery import durations
    from arca.recovery import estimate as estimates

    extras.require("moto", "pulumi", "pulumi_aws", "pulumi_cloudflare")
    table, workers = durations.read(), parallel or estimates.PARALLEL
    click.echo(f"Recording {stack}", err=True)
    recorder = Recorder()
    graph = recorder.graph(stack)
    found = [estimates.recreate(graph, table, parallel=workers)]
    if graph.primary is not None:
        file = stackfile.read(stackfile.path_of(stack))
        graphs = [recorder.graph_of(in_phase(file, phase)) for phase in estimates.PHASES]
        found.append(estimates.activate(graphs, table, parallel=workers))
    if as_json:
        scenarios = [estimates.as_json(one) for one in found]
        render.print_json({"stack": stack, "parallel": workers, "scenarios": scenarios})
    else:
        for one in found:
            _print(one)
    return ExitCode.DONE if all(one.in_time for one in found) else ExitCode.FAILED


def _print(found: "Scenario") -> None:
    from arca.cli import render
    from arca.recovery.budgets import RTO_SECONDS
    from arca.recovery.timeline import duration

    total = found.total
    verdict = "OK" if found.in_time else "FAILED"
    render.line(
        f"{verdict} {found.title}: {duration(total.expected)} "
        f"({duration(total.low)} to {duration(total.high)}), "
        f"allowed are less than {duration(RTO_SECONDS)}",
        verdicts=True,
    )
    if found.beside_seconds:
        render.line(f"  beside the updates, by their budgets: {duration(found.beside_seconds)}")
    if found.unknown:
        render.line(f"  resources without a duration of their own: {len(found.unknown)}")
    for one in found.updates:
        _print_update(one)
    render.line()


def _print_update(one: "UpdateEstimate") -> None:
    from arca.cli import render
    from arca.recovery.timeline import duration

    counts = ", ".join(
        f"{one.update.count(operation)} to {operation}"
        for operation in ("create", "update", "delete")
    )
    render.line(f"  {one.title}: {duration(one.total.expected)}; {counts}")
    render.line(f"  longest path, {duration(one.path_seconds)}:")
    saves = {gain.step.urn: gain.seconds for gain in one.gains}
    render.table(
        ("resource", "operation", "expected", "low to high", "share", "saves", "certainty"),
        [
            (
                step.label,
                step.operation,
                duration(step.seconds.expected),
                f"{duration(step.seconds.low)} to {duration(step.seconds.high)}",
                f"{step.seconds.expected / one.path_seconds:.0%}",
                duration(saves[step.urn]),
                step.row.certainty if step.row else "",
            )
            for step in one.path
        ],
        folds=("resource",),
    )
    if one.gains:
        first = one.gains[0]
        render.line(f"  speed up first: {first.step.label}, saves {duration(first.seconds)}")
