"""`arca deploy`: release an image, and end with a verdict on what runs."""

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import click

from arca.cli.options import SPAN, of_stack

if TYPE_CHECKING:
    from arca.stack import Target


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
    help="Open this gate though it is closed; needs --reason. May be repeated.",
)
@click.option("--reason", help="Why a gate is opened.")
@click.option("--skip-migrations", is_flag=True, help="Do not run the migrations.")
@click.option("--hold", is_flag=True, help="Stay at the pause until `arca promote`.")
@click.option(
    "--rollback-on-interrupt", is_flag=True, help="Ctrl-C rolls back; without it ECS goes on."
)
@click.option("--timeout", default="2h", show_default=True, type=SPAN, help="How long to watch.")
@click.option(
    "--dry-run",
    is_flag=True,
    help="Check the lock and the gates, and change nothing. The image's runner decides in the run "
    "whether its migrations may run.",
)
@of_stack
def command(
    stack_name: str | None,
    target: "Target",
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
    """Release IMAGE, a tag or digest in the stack's registry.

    It checks the gates, registers a revision and runs the expand and migrate migrations. Then it
    follows the deployment, with smoke tests at the pause and after the shift. The exit code is
    the verdict on what runs: 0 live, 1 failed, 3 rolled back, 4 rollback failed, 5 unknown,
    6 refused.
    """
    from arca.cli import release_output
    from arca.clock import Clock
    from arca.release import held_lock
    from arca.release.gates import check_gates
    from arca.release.image import image_reference
    from arca.release.journal_entry import ReleaseOptions
    from arca.release.release import Release
    from arca.release.service import EcsService
    from arca.stack import find

    if (image is None) != resume:
        raise click.UsageError("name an IMAGE or --resume, and not both")
    if override and not reason:
        raise click.UsageError("--override needs --reason")
    stack, clock = find(stack_name, target=target), Clock()
    if dry_run and image is not None:
        reference, _ = image_reference(stack, image)
        held_lock.require_free(stack, or_dead=False)
        found = check_gates(EcsService(stack), reference, now=clock.now())
        release_output.print_gates(stack, reference, found, opened=override, as_json=as_json)
        return
    options = ReleaseOptions(
        override=override,
        reason=reason,
        migrate=not skip_migrations,
        hold=hold,
        rollback_on_interrupt=rollback_on_interrupt,
        timeout=timeout,
    )
    progress = release_output.ReleaseProgress()
    release = Release(stack, options=options, say=progress.say, watch=progress.watch, clock=clock)
    if dry_run:
        release_output.print_resumable(stack, release.resumable(), as_json=as_json)
        return
    start = release.resume if image is None else partial(release.deploy, image)
    release_output.print_outcome(stack, start, as_json=as_json)
