"""`arca local`: start, update, show and stop the emulated cloud on this machine."""

from collections.abc import Mapping
from typing import Any

import click

from arca import stack as stacks
from arca import stackfile
from arca.cli import local_live, local_region, local_traffic, local_update
from arca.cli.suggestions import complete_stack
from arca.emulator import client, server
from arca.emulator import state as states
from arca.emulator import up as lifecycle
from arca.emulator.ecs import faults
from arca.errors import ExitCode

OWNER_OPTION = click.option(
    "--stack",
    "named",
    shell_complete=complete_stack,
    help="The owner of the registry; by default the stack that is up.",
)


def _owner(named: str | None) -> str:
    """Return the named stack, without a name the default one of the emulated cloud.

    Raises StackNotNamed where there is no such default.
    """
    return stacks.default_emulated() if named is None else named


@click.group("local")
def command() -> None:
    """Start, update, show and stop the emulated cloud on this machine."""


command.add_command(local_live.command)
command.add_command(local_region.command)
command.add_command(local_traffic.command)


@command.command("up")
@click.option(
    "--stack",
    default="dev",
    show_default=True,
    shell_complete=complete_stack,
    help="The stack to bring up.",
)
@click.option(
    "--port",
    default=lifecycle.DEFAULT_PORT,
    show_default=True,
    type=click.IntRange(1024, 65535),
    help="The loopback port of the emulated AWS.",
)
@click.option(
    "--bare",
    is_flag=True,
    help="Leave the stack as `pulumi up` does: no task, and no value in your own secrets.",
)
@click.option("--exports", is_flag=True, help="Print the stack's exports too.")
@click.option("--components", is_flag=True, help="Print the resources of each component too.")
@click.option("--dry-run", is_flag=True, help="Check the settings and print the plan only.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on stdout.")
def up(
    stack: str,
    *,
    port: int,
    bare: bool,
    exports: bool,
    components: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Bring a stack up in a new emulated AWS; dr comes up beside prod.

    The new emulated AWS replaces the one that is up when the stack is complete. A bad setting, a
    taken port or a failure leaves the one that is up as it was.

    The command runs the program with the stack's own YAML. Each AWS resource becomes API calls,
    which are checked against AWS's service model and carried out by moto where it can. Each
    Cloudflare resource becomes a call to an emulated Cloudflare.

    Deployments take simulated minutes. ARCA_LOCAL_MINUTE in the environment sets the seconds of
    one, from 0.01 to 3600; the default is 1.
    """
    from arca.cli import extras, render

    stackfile.stack_config(stack)
    state = states.State()
    extras.require("cloudflare", "moto", "pulumi", "pulumi_aws", "pulumi_cloudflare")
    if dry_run:
        plan = lifecycle.plan(stack, port=port, state=state)
        if as_json:
            render.print_json({"stack": stack, "port": port, "plan": list(plan)})
        else:
            for step in plan:
                render.line(f"would: {step}")
        return
    with render.ProgressLine() as progress:
        report = lifecycle.up(
            stack,
            port=port,
            state=state,
            watch=lambda one: local_update.show_progress(one, progress.show),
            bare=bare,
        )
    if as_json:
        render.print_json(
            {
                "stack": report.stack,
                "endpoint": report.endpoint,
                "seconds": report.seconds,
                "components": report.components,
                "exports": report.exports,
                "gone": list(report.gone),
            }
        )
        return
    render.line(f"{stack} is up in the emulated AWS at {report.endpoint} ({report.seconds} s)")
    render.line(resource_totals(report.components))
    render.line("created: every call carried out by moto or the emulated Cloudflare; validated")
    render.line(
        "only: a call checked against AWS's model that moto cannot carry out; recorded only:"
    )
    render.line("no call of an API behind it.")
    if components:
        render.components(report.components)
    if report.gone:
        render.line(f"The previous emulated AWS ended with: {', '.join(report.gone)}")
    if exports:
        render.line("\nExports:")
        render.exports(report.exports)
    _print_next(report)


def _print_next(report: lifecycle.UpReport) -> None:
    """Print the commands that a person may want next."""
    from arca.cli import render

    render.line("\nTry next:")
    region = report.exports["region"]
    aws = f"AWS_ACCESS_KEY_ID=x AWS_SECRET_ACCESS_KEY=x aws --endpoint-url {report.endpoint}"
    render.line("  arca local status            what is up in this cloud")
    render.line("  arca local status --exports  the exports of its stacks")
    render.line(f"  {aws} --region {region} ecs list-clusters")
    if report.stack == "prod":
        render.line("  make up STACK=dr             the DR region beside it")
    render.line("  make down                    end it")


def resource_totals(components: Mapping[str, Mapping[str, int]]) -> str:
    """Return the number of a stack's resources in words, with the number of each outcome."""
    created, validated, recorded = (
        sum(counts[outcome] for counts in components.values())
        for outcome in ("created", "validated", "recorded")
    )
    total = created + validated + recorded
    parts = f"{created} created, {validated} validated only, {recorded} recorded only"
    return f"{total} resources: {parts}"


command.add_command(local_update.command)


@command.command("down")
@click.option("--dry-run", is_flag=True, help="Print what would be ended, and end nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on stdout.")
def down(dry_run: bool, as_json: bool) -> None:  # noqa: FBT001 - click's flags
    """End the emulated AWS and everything in it.

    It is no error if there is none.
    """
    from arca.cli import render

    state = states.State()
    record = state.read() if dry_run else lifecycle.down(state=state)
    ended = sorted(record.stacks) if record else []
    if as_json:
        render.print_json({"was_up": record is not None, "stacks": ended, "dry_run": dry_run})
    elif record is None:
        render.line("Nothing was up.")
    else:
        verb = "Would end" if dry_run else "Ended"
        render.line(f"{verb} the emulated AWS at {record.endpoint}: {', '.join(ended) or 'empty'}")


@command.command("status")
@click.option("--exports", is_flag=True, help="Print the exports of the stacks too.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on stdout.")
def status(*, exports: bool, as_json: bool) -> None:
    """Print what is up in the emulated AWS, and whether it answers.

    The exit code is 1 if the emulated AWS has ended or does not answer, else 0.
    """
    from arca.cli import render

    state = states.State()
    record, running = lifecycle.status(state=state)
    failed = record is not None and not running
    if as_json:
        content = record.model_dump(exclude={"token"}) if record else {}
        if exports and record:
            content["exports"] = {stack: state.exports(stack) for stack in record.stacks}
        render.print_json({"running": running, **content})
    elif record is None:
        render.line("Nothing is up. `make up` brings dev up.")
    else:
        _print_status(record, running=running)
        for stack in sorted(record.stacks) if exports else ():
            render.line(f"\nExports of {stack}:")
            render.exports(state.exports(stack))
    click.get_current_context().exit(ExitCode.FAILED if failed else ExitCode.DONE)


def _print_status(record: states.CloudRecord, *, running: bool) -> None:
    from arca.cli import render

    where = f"The emulated AWS at {record.endpoint} (process {record.pid})"
    if running:
        render.line(f"{where} answers.")
    elif server.alive(record):
        render.line(f"{where} does not answer. Run `make down`, then bring the stacks up again.")
    else:
        render.line(f"{where} has ended, and its stacks with it. Bring them up again:")
    for stack, entry in sorted(record.stacks.items(), key=lambda one: one[1].up_at):
        total = sum(sum(counts.values()) for counts in entry.components.values())
        since = f"{total} resources, up since {entry.up_at}"
        render.line(f"  {stack}: {since}" if running else f"  make up STACK={stack}")
    for stack in record.incomplete:
        render.line(f"  {stack}: incomplete, because an earlier `make up STACK={stack}` failed")


@command.command("push")
@click.argument("tag")
@OWNER_OPTION
@click.option("--dry-run", is_flag=True, help="Print what would be pushed, and push nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on stdout.")
def push(tag: str, named: str | None, dry_run: bool, as_json: bool) -> None:  # noqa: FBT001 - click's flags
    """Push a made-up image to a stack's registry.

    The image has this TAG, and its scan is complete.
    """
    from arca.cli import render

    client.require_tag(tag)
    asked = client.EmulatorClient(states.State())
    stack = _owner(named)
    reference = {"image": asked.reference(tag, stack=stack)}
    found = reference if dry_run else asked.push(tag, stack=stack)
    if as_json:
        render.print_json({"dry_run": dry_run, **found})
    else:
        render.line(f"{'Would push' if dry_run else 'Pushed'} {found['image']}")


@command.command("fault")
@click.argument("name", required=False, type=click.Choice(faults.FAULT_NAMES))
@click.option("--image", help="The tag or the whole reference of the broken image.")
@click.option("--code", type=int, help="The exit code of `exits`.")
@click.option("--of", help="The owner of what `exits`: service or run-task (migrations).")
@click.option("--percent", type=float, help="The share of the traffic at which `alarm-at` fires.")
@click.option("--stage", help="The lifecycle stage of `hook-refuses` and `stall`.")
@click.option("--calls", type=int, help="The number of calls that `throttle` refuses.")
@OWNER_OPTION
@click.option(
    "--clear",
    is_flag=True,
    help="Remove all faults first; this ends stalls and sets the alarms of `alarm-at` to OK.",
)
@click.option("--dry-run", is_flag=True, help="Print the resulting faults, and change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on stdout.")
def fault(
    name: str | None,
    *,
    named: str | None,
    clear: bool,
    dry_run: bool,
    as_json: bool,
    **details: Any,
) -> None:
    """Cause a fault, or list the faults.

    The fault NAME affects what begins from now on. Without NAME the command lists the faults.
    """
    from arca.cli import render

    asked = client.EmulatorClient(states.State())
    given = {key: value for key, value in details.items() if value is not None}
    if "image" in given:
        given["image"] = asked.reference(given["image"], stack=_owner(named))
    if name is None and given:
        raise click.UsageError(f"--{next(iter(given))} needs the NAME of a fault")
    wanted = [client.read_fault({"fault": name, **given})] if name else []
    if dry_run:
        found = [*([] if clear else asked.faults()), *wanted]
    else:
        if clear:
            asked.clear_faults()
        found = asked.add_fault(wanted[0]) if wanted else asked.faults()
    shown = [one.model_dump(exclude_unset=True) for one in found]
    if as_json:
        render.print_json({"dry_run": dry_run, "faults": shown})
        return
    for one in shown:
        text = ", ".join(f"{key} {value}" for key, value in one.items() if key != "fault")
        render.line(f"{one['fault']}  {text}".rstrip())
    if not shown:
        render.line("There are no faults.")


@command.command("stand-in")
@click.argument("image")
@click.argument("words", nargs=-1, required=True)
@OWNER_OPTION
@click.option("--dry-run", is_flag=True, help="Print what would be run, and change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on stdout.")
def stand_in(
    image: str, words: tuple[str, ...], named: str | None, *, dry_run: bool, as_json: bool
) -> None:
    """Run a command here for every task of IMAGE.

    The command is WORDS (after `--`), followed by the container's own command. A task of
    the service gets its port in the variable PORT.
    """
    from arca.cli import render

    asked = client.EmulatorClient(states.State())
    reference = asked.reference(image, stack=_owner(named))
    if not dry_run:
        asked.stand_in(reference, words)
    if as_json:
        render.print_json({"dry_run": dry_run, "image": reference, "command": list(words)})
    else:
        done = "Would stand in" if dry_run else "Stands in"
        render.line(f"{done} for {reference}: {' '.join(words)}")
