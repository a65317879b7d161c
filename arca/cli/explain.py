"""`arca explain`: explain what follows from the stacks' files."""

from typing import TYPE_CHECKING

import click

from arca.cli.suggestions import complete_source, complete_stack, complete_target

if TYPE_CHECKING:
    from arca.graph import Graph
    from arca.reach.answer import Answer


@click.group("explain")
def command() -> None:
    """Explain what follows from a stack's file; nothing is asked of AWS."""


@command.command("reach")
@click.argument("origin", metavar="[FROM]", required=False, shell_complete=complete_source)
@click.argument("destination", metavar="[TO]", required=False, shell_complete=complete_target)
@click.option(
    "--stack",
    "stack_name",
    default="prod",
    show_default=True,
    shell_complete=complete_stack,
    help="The stack, by its file.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")
def reach_command(
    origin: str | None, destination: str | None, stack_name: str, *, as_json: bool
) -> int:
    """Explain whether FROM reaches TO: the path, or the first obstacle on it.

    Without FROM and TO, every flow that is reached is printed, with what it is for
    (docs/architecture.md has the matrix). A place is, for example, customer,
    service, job, database or test-listener; the shell completes all of them. The answer follows
    from what the stack declares: names, routes, NAT, endpoints, groups, listeners and their rules.

    The exit code is 1 where FROM does not reach TO. Without them, it is 1 where a flow that the
    platform needs is refused, or where one is open that nobody expects.
    """
    from arca.cli import extras
    from arca.cli.graphs import Recorder

    if origin is not None and destination is None:
        raise click.UsageError("name both places, FROM and TO, or none of them")
    extras.require("moto", "pulumi", "pulumi_aws", "pulumi_cloudflare")
    if origin is None or destination is None:
        click.echo(f"Recording {stack_name}", err=True)
        return _matrix(Recorder().graph(stack_name), as_json=as_json)
    from arca.reach.reach import check_names, reach

    check_names(origin, destination)
    click.echo(f"Recording {stack_name}", err=True)
    return _print(
        stack_name, reach(Recorder().graph(stack_name), origin, destination), as_json=as_json
    )


def _print(stack: str, answer: "Answer", *, as_json: bool) -> int:
    from arca.cli import render
    from arca.errors import ExitCode

    code = ExitCode.DONE if answer.reached else ExitCode.FAILED
    if as_json:
        render.print_json({"stack": stack, **answer.as_json()})
        return code
    verdict = "reaches" if answer.reached else "does not reach"
    render.line(f"In {stack}, {answer.source} {verdict} {answer.target} on TCP {answer.port}.")
    for number, hop in enumerate(answer.path, start=1):
        render.line(f"{number:3}. {hop.resource}: {hop.rule}")
    if answer.obstacle is not None:
        obstacle = answer.obstacle
        render.line(f"  X  {obstacle.resource}: {obstacle.lacks} ({obstacle.cause})")
    return code


def _matrix(graph: "Graph", *, as_json: bool) -> int:
    from arca.cli import render
    from arca.errors import ExitCode
    from arca.reach.flows import verdicts
    from arca.reach.table import absent_places

    found = verdicts(graph)
    wrong = [one for one in found.values() if not one.kept]
    code = ExitCode.FAILED if wrong else ExitCode.DONE
    if as_json:
        flows = [
            {**one.answer.as_json(), "expected": one.expected, "why": one.why, "kept": one.kept}
            for one in found.values()
        ]
        render.print_json({"stack": graph.stack, "ok": not wrong, "flows": flows})
        return code
    reached = [
        (one.answer.source, f"{one.answer.target}:{one.answer.port}", one.expected, one.why)
        for one in found.values()
        if one.answer.reached
    ]
    render.table(("from", "to", "flow", "why"), sorted(reached), folds=("why",))
    render.line(f"{len(found) - len(reached)} other pairs of places are refused.")
    absent = absent_places(found)
    if absent:
        render.line(f"Not in {graph.stack}: {', '.join(absent)}")
    for one in wrong:
        reason = f"refused by {one.answer.obstacle.resource}" if one.answer.obstacle else "open"
        render.line(f"wrong: {one.answer.source} to {one.answer.target} is {reason}")
    return code
