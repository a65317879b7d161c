"""`arca local traffic`: be the customers of the emulated cloud, and count what they saw."""

import secrets
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from arca.clock import Clock
from arca.emulator import state as states
from arca.errors import ArcaError, ExitCode

if TYPE_CHECKING:
    from arca.emulator.traffic.plan import Arrivals
    from arca.emulator.traffic.report import Report

READY_FILE = "front.json"
"""The front's ready file in the state directory."""
KEY_VARIABLE = "ARCA_API_KEY"


@click.command("traffic")
@click.option("--rate", default=20.0, show_default=True, help="Requests a second, on average.")
@click.option("--seconds", default=30.0, show_default=True, help="How long requests are sent.")
@click.option("--seed", default=1, show_default=True, help="Decides moments and contents.")
@click.option(
    "--mix",
    default="issue=70,read=25,status=5",
    show_default=True,
    help="Shares of issued invoices, read invoices and the status.",
)
@click.option(
    "--arrivals",
    type=click.Choice(["poisson", "constant"]),
    default="poisson",
    show_default=True,
    help="Whether the moments are random or evenly spread.",
)
@click.option("--url", help="The API's URL; by default the front of the emulated cloud.")
@click.option(
    "--api-key",
    envvar=KEY_VARIABLE,
    default="",
    help=f"The API key of the customers' account; or {KEY_VARIABLE} in the environment.",
)
@click.option("--timeout", default=20.0, show_default=True, help="Seconds to wait for an answer.")
@click.option("--retries", default=3, show_default=True, help="Repetitions of what failed.")
@click.option("--points-of-sale", default=4, show_default=True, help="Invoices are spread over.")
@click.option(
    "--history",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Append what was asked and told to this file, as JSON lines.",
)
@click.option("--run", help="First part of the idempotency keys; by default a random one.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on stdout.")
def command(
    *,
    rate: float,
    seconds: float,
    seed: int,
    mix: str,
    arrivals: str,
    url: str | None,
    api_key: str,
    timeout: float,
    retries: int,
    points_of_sale: int,
    history: Path | None,
    run: str | None,
    as_json: bool,
) -> None:
    """Send customers' requests, and count what customers saw.

    Requests are sent at their moments, whether or not earlier ones are answered. Latencies count
    from those moments. A customer repeats what failed, with the same Idempotency-Key.

    The exit code is 1 if a request was lost: it failed, or nobody knows its outcome, after all
    repetitions. It is 130 after Ctrl-C, which sends no further request and waits for the answers.
    """
    from arca.cli import extras, render

    _require_positive(rate=rate, seconds=seconds, timeout=timeout, points_of_sale=points_of_sale)
    extras.require("aiohttp")
    from arca.emulator.traffic import plan as plans
    from arca.emulator.traffic.customers import CustomerSettings
    from arca.emulator.traffic.run import run_until_signal

    plan = plans.TrafficPlan(
        rate=rate,
        seconds=seconds,
        seed=seed,
        mix=plans.read_mix(mix),
        run=run or f"traffic-{secrets.token_hex(4)}",
        arrivals=cast("Arrivals", arrivals),
        points_of_sale=points_of_sale,
    )
    settings = CustomerSettings(
        url=(url or _front_url()).rstrip("/"),
        api_key=api_key,
        timeout_seconds=timeout,
        retries=retries,
    )
    report, interrupted = run_until_signal(
        plan, settings, clock=Clock(), monotonic=time.monotonic, history=history
    )
    content = {
        "url": settings.url,
        "seed": seed,
        "run": plan.run,
        "rate": rate,
        "interrupted": interrupted,
        **report.as_json(),
    }
    if as_json:
        render.print_json(content)
    else:
        for line in lines(report, content):
            render.line(line)
    code = ExitCode.FAILED if report.lost else ExitCode.DONE
    click.get_current_context().exit(ExitCode.INTERRUPTED if interrupted else code)


def lines(report: "Report", content: dict[str, Any]) -> list[str]:
    """Return the result for a person."""
    told = f"{content['requests']} requests in {content['seconds']:.1f} s to {content['url']}"
    outcomes = ", ".join(
        f"{content[name]} {name}" for name in ("ok", "rejected", "pending", "failed", "unknown")
    )
    failed = ", ".join(f"{n} {name}" for name, n in content["failed_attempts"].items())
    latency = ", ".join(f"{name} {value:g}" for name, value in content["latency_ms"].items())
    late = f"{content['late']}, at most {content['most_late_ms']:g} ms after their moment"
    return [
        f"{told} (seed {content['seed']}, run {content['run']})",
        f"  lost:            {report.lost}",
        f"  outcomes:        {outcomes}",
        f"  failed attempts: {failed or 'none'}; {content['repeated']} requests were repeated",
        f"  latency in ms:   {latency or 'no answer'}",
        f"  sent late:       {late}",
        *(f"  lost at {one}" for one in content["first_losses"]),
    ]


def _require_positive(**numbers: float) -> None:
    for name, number in numbers.items():
        if not 0 < number < float("inf"):
            option = f"--{name.replace('_', '-')}"
            raise click.BadParameter("it must be above 0", param_hint=option)


def _front_url() -> str:
    """Return the URL of the front in the state directory; raises ArcaError."""
    from arca.emulator.front.ready import read_ready

    try:
        return read_ready(states.State().directory / READY_FILE).customers
    except ArcaError as error:
        raise ArcaError(
            error.what,
            where=error.where,
            wanted=error.wanted,
            do=f"{error.do}, or name a URL with --url",
        ) from None
