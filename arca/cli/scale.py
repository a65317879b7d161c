"""`arca scale`: change how many tasks run, until the next `pulumi up`."""

from typing import TYPE_CHECKING

import click

from arca.cli.options import of_stack

if TYPE_CHECKING:
    from arca.stack import Target


@click.command("scale")
@click.option("--min", "fewest", required=True, type=click.IntRange(0, 1000), help="Fewest tasks.")
@click.option(
    "--max",
    "most",
    type=click.IntRange(1, 1000),
    help="Most tasks; unchanged by default. Only where there is autoscaling.",
)
@click.option("--yes", is_flag=True, help="Do not ask before the service may lose its last task.")
@click.option("--dry-run", is_flag=True, help="Say what would change.")
@of_stack
def command(
    fewest: int,
    most: int | None,
    stack_name: str | None,
    target: "Target",
    *,
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Change the range that autoscaling keeps, and with it the number of tasks.

    Use it in an incident: `pulumi up` restores what the stack's file says. A stack without
    autoscaling gets exactly --min tasks. It asks before the service may be left with no task.
    """
    from arca.cli import questions, render
    from arca.release.scaling import carry_out, plan_scaling
    from arca.stack import find

    if most is not None and fewest > most:
        raise click.UsageError(f"--min {fewest} is more than --max {most}")
    stack = find(stack_name, target=target)
    change = plan_scaling(stack, fewest=fewest, most=most)
    if not dry_run:
        if change.empties and not yes:
            questions.confirm(f"{change}: may no task be left to serve?", where=stack.where)
        carry_out(stack, change)
    if as_json:
        render.print_json({"stack": stack.name, "dry_run": dry_run, **change.as_json()})
        return
    render.line(f"{'Would change' if dry_run else 'Changed'} {stack.where}: {change}")
    render.line(f"`pulumi up` goes back to Pulumi.{stack.name}.yaml; change it there to keep it.")
