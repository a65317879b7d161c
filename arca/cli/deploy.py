"""`arca deploy`: an image, to a verdict on what runs."""

from datetime import timedelta
from functools import partial
from typing import Any

import click

from arca.cli.options import SPAN, of_stack


@click.command("deploy")
@click.argument("image", required=False)
@click.option(
    "--resume",
    is_flag=True,
    help="Go on with a release that was interrupted, or follow a deployment that nobody follows.",
)
@click.option(
    "--override",
    multiple=True,
    type=click.Choice(["scan", "alarms", "budget"]),
    help="Open this gate though it is closed; wants --reason. May be repeated.",
)
@click.option("--reason", help="Why a gate is opened.")
@click.option("--skip-migrations", is_flag=True, help="Do not run the expand migrations.")
@click.option("--hold", is_flag=True, help="Stay at the pause until `arca promote`.")
@click.option(
    "--rollback-on-interrupt", is_flag=True, help="Ctrl-C rolls back; without it ECS goes on."
)
@click.option("--timeout", default="2h", show_default=True, type=SPAN, help="How long to watch.")
@click.option("--dry-run", is_flag=True, help="Ask the gates, and change nothing.")
@of_stack
def command(
    stack_name: str,
    target: Any,
    *,
    image: str | None,
    override: tuple[str, ...],
    reason: str | None,
    timeout: timedelta,
    resume: bool,
    skip_migrations: bool,
    hold: bool,
    rollback_on_interrupt: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Ship IMAGE: a tag or digest in the stack's registry.

    Gates, a new revision, expand migrations, the deployment by its id, smoke tests at the pause
    and after the shift, and a verdict on what runs: exit code 0 live, 1 failed, 3 rolled back,
    4 rollback failed, 5 unknown, 6 refused.
    """
    from arca.cli import release_report as report
    from arca.release import gates
    from arca.release.deploy import Release
    from arca.release.service import Service
    from arca.release.wishes import Wishes
    from arca.stack import find

    if (image is None) != resume:
        raise click.UsageError("name an IMAGE, or --resume, and not both")
    if override and not reason:
        raise click.UsageError("--override wants --reason")
    stack = find(stack_name, target=target)
    if dry_run and image is not None:
        reference, _ = gates.image_reference(stack, image)
        report.gates_only(stack, reference, gates.run(Service(stack), reference), as_json=as_json)
        return
    wishes = Wishes(
        override=override,
        reason=reason,
        migrate=not skip_migrations,
        hold=hold,
        rollback_on_interrupt=rollback_on_interrupt,
        timeout=timeout,
    )
    live = report.Live()
    release = Release(stack, wishes=wishes, say=live.say, watch=live.watch)
    if dry_run:
        report.resumable(stack, release.resumable(), as_json=as_json)
        return
    go = release.resume if image is None else partial(release.deploy, image)
    outcome = report.watched(stack, go)
    report.end(stack, outcome, as_json=as_json)
