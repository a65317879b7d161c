"""`arca migrate`: the schema, phase by phase."""

from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import click

from arca.cli.options import SPAN, of_stack


@click.command("migrate")
@click.option(
    "--phase",
    "phases",
    multiple=True,
    type=click.Choice(["expand", "migrate", "contract"]),
    help="Phases to run; expand and migrate, where none is named.",
)
@click.option("--image", help="Tag or digest whose migrations run; what the service runs.")
@click.option("--wait", default="1d", show_default=True, type=SPAN, help="Before a contract.")
@click.option("--plan", "planned", is_flag=True, help="Show and lint the SQL of --history.")
@click.option(
    "--history",
    type=click.Path(path_type=Path),
    help="The application's Alembic directory, for --plan.",
)
@click.option("--from", "start", help="With --plan: the database's revision, or base.")
@click.option("--timeout", default="2h", show_default=True, type=SPAN, help="How long it may take.")
@click.option("--dry-run", is_flag=True, help="Say what would run.")
@of_stack
def command(
    stack_name: str,
    target: Any,
    *,
    phases: tuple[str, ...],
    image: str | None,
    wait: timedelta,
    planned: bool,
    history: Path | None,
    start: str | None,
    timeout: timedelta,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Run an image's migrations as a task; 1 where they fail, 6 where they are refused.

    Nobody releases meanwhile. A contract runs alone, and only that of the image which alone serves
    and has been live for --wait. With --plan no cloud is asked: the SQL is shown and linted; 1
    where an error is found, 6 where a run would be refused for its order.
    """
    if planned != (history is not None) or (start is not None and not planned):
        raise click.UsageError("--plan and --history go together, and --from goes with them")
    chosen = phases or ("expand", "migrate")
    if history is not None:
        _plan(history, chosen, start=start, as_json=as_json)
        return
    from arca.cli import render
    from arca.clock import Clock
    from arca.release.migrations import Migrations, alone, refusal
    from arca.release.service import Service
    from arca.stack import find

    stack = find(stack_name, target=target)
    say = partial(click.echo, err=True)
    service, clock = Service(stack), Clock()
    asked = Migrations(service, clock, say)
    reference = asked.image(image)
    content = {"stack": stack.name, "image": reference, "phases": list(chosen)}
    if dry_run:
        asked.require_contract(reference, phases=chosen, wait=wait)
        if as_json:
            render.print_json({**content, "dry_run": True})
        else:
            render.line(f"Would run {', '.join(chosen)} of {reference}.")
        return
    with alone(stack, reference, chosen, clock) as beating:
        asked.require_contract(reference, phases=chosen, wait=wait)
        say(f"{', '.join(chosen)} of {reference}")
        migrations = Migrations(service, beating, say)
        result = migrations.run(reference, phases=chosen, timeout=timeout)
    refused = refusal(result)
    if as_json:
        render.print_json({**content, **result.as_json(), "refused": refused})
    elif result.exit_code == 0:
        render.line(f"Done: {', '.join(chosen)} of {reference}.")
    else:
        how = f"REFUSED: {refused}" if refused else f"FAILED: it ended with {result.exit_code}"
        render.line(how if refused else f"{how}: {result.reason}")
        render.line("  runbook:  docs/runbooks/database-migration-failure.md")
    code = 1 if result.exit_code is None else result.exit_code
    click.get_current_context().exit(code if code in (0, 6) else 1)


def _plan(directory: Path, phases: tuple[str, ...], *, start: str | None, as_json: bool) -> None:
    from arca_migrate import history, lint, plan
    from arca_migrate.phase import Phase

    from arca.cli import render
    from arca.release.migrations import as_own_errors

    with as_own_errors():
        found = plan.plan(
            history.read(directory), start=plan.revision(start), phases=tuple(map(Phase, phases))
        )
        findings = lint.lint(found)
    if as_json:
        revisions = [
            {"id": one.id, "phase": str(one.phase), "sql": one.sql} for one in found.revisions
        ]
        render.print_json(
            {
                "revisions": revisions,
                "held": [one.id for one in found.held],
                "stuck": found.stuck.id if found.stuck else None,
                "findings": [finding.as_json() for finding in findings],
            }
        )
    else:
        render.line(found.sql or "Nothing is pending.")
        for one in found.held:
            render.line(f"-- held back: {one.id} ({one.phase})")
        for finding in findings:
            render.line(
                f"{finding.level}: {finding.revision}:{finding.line} {finding.rule}: "
                f"{finding.message}"
            )
        # What the runner asks first; what is shown so far says why.
        with as_own_errors():
            found.require_order()
    errors = [finding for finding in findings if finding.level == "error"]
    click.get_current_context().exit(6 if found.stuck else 1 if errors else 0)
