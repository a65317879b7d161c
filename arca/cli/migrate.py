"""`arca migrate`: run an image's migrations, phase by phase."""

from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from arca.cli.options import SPAN, of_stack

if TYPE_CHECKING:
    from arca.stack import Target


@click.command("migrate")
@click.option(
    "--phase",
    "phases",
    multiple=True,
    type=click.Choice(["expand", "migrate", "contract"]),
    help="Phase to run, may be repeated; expand and migrate where none is named.",
)
@click.option("--image", help="Tag or digest whose migrations run; default: what the service runs.")
@click.option(
    "--wait",
    default="1d",
    show_default=True,
    type=SPAN,
    help="How long what serves must have been live before a contract.",
)
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
    stack_name: str | None,
    target: "Target",
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
    """Run an image's migrations as a task.

    The exit code is 1 where they fail, 6 where they are refused, as on a standby or a fenced
    primary. Nobody can release meanwhile. A contract runs alone, and only for the image that alone
    serves and has been live for --wait.

    With --plan no cloud is asked: the SQL is shown and linted. The exit code is then 1 where an
    error is found, 6 where a run would be refused for its order.
    """
    from arca.cli import render
    from arca.cli.release_output import runbook_lines
    from arca.clock import Clock
    from arca.errors import ExitCode
    from arca.monitoring.runbooks import RUNBOOKS
    from arca.release.migrations import (
        RELEASE_PHASES,
        Migrations,
        ending,
        exit_code,
        refusal,
        require_writable,
    )
    from arca.release.service import EcsService
    from arca.stack import find

    if planned != (history is not None) or (start is not None and not planned):
        raise click.UsageError("--plan and --history go together, and --from goes with them")
    chosen = phases or RELEASE_PHASES
    if history is not None:
        _print_plan(history, chosen, start=start, as_json=as_json)
        return
    stack = find(stack_name, target=target)
    migrations = Migrations(EcsService(stack), Clock(), partial(click.echo, err=True))
    reference = migrations.image(image)
    content = {"stack": stack.name, "image": reference, "phases": list(chosen)}
    if dry_run:
        require_writable(stack)
        migrations.require_contract_allowed(reference, phases=chosen, wait=wait)
        if as_json:
            render.print_json({**content, "dry_run": True})
        else:
            render.line(f"Would run {', '.join(chosen)} of {reference}.")
        return
    result = migrations.run_locked(reference, phases=chosen, wait=wait, timeout=timeout)
    refused = refusal(result)
    if as_json:
        render.print_json({**content, **result.as_json(), "refused": refused})
    elif result.exit_code == ExitCode.DONE:
        render.line(f"Done: {', '.join(chosen)} of {reference}.")
    else:
        render.line(f"REFUSED: {refused}" if refused else f"FAILED: {ending(result)}")
        for text in runbook_lines(RUNBOOKS["database-migration-failure"].path):
            render.line(text)
    click.get_current_context().exit(exit_code(result))


def _print_plan(
    directory: Path, phases: tuple[str, ...], *, start: str | None, as_json: bool
) -> None:
    """Print the SQL of the pending revisions and what is wrong with it, and leave."""
    from arca_migrate import history, lint, plan
    from arca_migrate.phase import Phase

    from arca.cli import render
    from arca.errors import ExitCode
    from arca.release.migrations import arca_errors

    with arca_errors():
        found = plan.plan(
            history.read(directory), start=plan.revision(start), phases=tuple(map(Phase, phases))
        )
        if not as_json:
            # Before squawk runs, which may not be installed.
            render.line(found.sql or "Nothing is pending.")
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
        for one in found.held:
            render.line(f"-- held back: {one.id} ({one.phase})")
        for finding in findings:
            render.line(
                f"{finding.level}: {finding.revision}:{finding.line} {finding.rule}: "
                f"{finding.message}"
            )
        # The runner checks this first; what is shown so far says why.
        with arca_errors():
            found.require_order()
    if found.stuck:
        code = ExitCode.REFUSED
    elif any(finding.level == "error" for finding in findings):
        code = ExitCode.FAILED
    else:
        code = ExitCode.DONE
    click.get_current_context().exit(code)
