"""Run all smoke tests of a stack from outside at once, within a bounded time."""

import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, as_completed
from dataclasses import dataclass, replace
from threading import Thread
from typing import Any

from arca.check import Check, CheckVerdict
from arca.clock import Clock
from arca.smoke.probes import PROBES, ProbedStack, SmokeProbe
from arca.smoke.request import Address, Deadline, NoAnswer
from arca.stack import Stack
from arca.traffic import read_production_traffic

GRACE_SECONDS = 1.0
"""Seconds after its timeout at which a check that has not ended counts as failed.

A resolver that hangs and an answer that comes byte by byte do not end by themselves.
"""
NO_EDGE = "the emulated cloud has no edge"
CHECKS_OF_TASKS = ("live", "ready", "database", "cache", "business")
"""Checks that need a task of the service, but neither edge nor TLS."""


@dataclass(frozen=True)
class SmokeReport:
    """The results of all checks of a stack."""

    stack: str
    url: str | None
    """The URL that the requests went to; None where there was none to test."""
    checks: tuple[Check, ...]

    @property
    def failed(self) -> list[Check]:
        """The checks that failed."""
        return [check for check in self.checks if check.verdict == "FAILED"]

    @property
    def verdict(self) -> CheckVerdict:
        """FAILED where a check failed, SKIPPED where none was carried out, OK otherwise."""
        if self.failed:
            return "FAILED"
        return "OK" if any(check.verdict == "OK" for check in self.checks) else "SKIPPED"

    def as_json(self) -> dict[str, Any]:
        """Return the report as `arca smoke --json` prints it."""
        return {
            "stack": self.stack,
            "url": self.url,
            "verdict": self.verdict,
            "checks": [check.as_json() for check in self.checks],
        }


def run(
    stack: Stack,
    *,
    url: str | None,
    timeout: float,
    watch: Callable[[Check], None] = lambda _: None,
    clock: Clock | None = None,
) -> SmokeReport:
    """Test a stack at a URL, by default its exported one, and return the results.

    Each check has `timeout` seconds; all together have GRACE_SECONDS more. `watch` gets each check
    as it ends. Raises ArcaError for a URL that is not valid, and where the emulated cloud does not
    answer.
    """
    address, names = _choose(stack, url)
    if address is None:
        checks = (Check(name, "SKIPPED", NO_EDGE) for probe in PROBES for name in probe)
        return SmokeReport(stack.name, None, tuple(checks))
    chosen = {checked: probe for checked, probe in PROBES.items() if checked[0] in names}
    probed = _probed(stack, address, clock or Clock())
    found = {check.name: check for check in _results(probed, chosen, timeout, watch)}
    checks = (
        found.get(name, Check(name, "SKIPPED", NO_EDGE)) for probe in PROBES for name in probe
    )
    return SmokeReport(stack.name, address.url, tuple(checks))


def _choose(stack: Stack, url: str | None) -> tuple[Address | None, set[str]]:
    """Return the address to test and the names of the checks that apply to it."""
    every = {name for probe in PROBES for name in probe}
    given = Address.parse(url) if url is not None else None
    if stack.endpoint is None:
        return given or Address.parse(public_url(stack)), every
    if given is not None:
        return (given if given.loopback else None), every
    return _local_task(stack), set(CHECKS_OF_TASKS)


def public_url(stack: Stack) -> str:
    """Return the URL that always leads to this stack.

    A DR stack shares the customers' host name with its primary, which answers while it is healthy;
    so a DR stack is tested by its regional name.
    """
    edge = stack.outputs.edge
    return edge.regional_url if stack.outputs.role == "secondary" else edge.url


def _probed(stack: Stack, address: Address, clock: Clock) -> ProbedStack:
    """Gather what the probes need to know of a stack."""
    outputs = stack.outputs
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return ProbedStack(
        address,
        load_balancer=None if stack.endpoint else outputs.service.load_balancer_dns_name,
        stands_by=outputs.phase != "active",
        has_cache=outputs.cache is not None,
        context=context,
        clock=clock,
    )


def _results(
    stack: ProbedStack,
    probes: Mapping[tuple[str, ...], SmokeProbe],
    timeout: float,
    watch: Callable[[Check], None],
) -> Iterator[Check]:
    """Run all probes at once and yield their checks as they end, late ones as failures."""
    running = {_start(stack, names, probe, timeout): names for names, probe in probes.items()}
    waiting = dict(running)
    try:
        for future in as_completed(running, timeout=timeout + GRACE_SECONDS):
            del waiting[future]
            for check in future.result():
                watch(check)
                yield check
    except TimeoutError:
        late = round((timeout + GRACE_SECONDS) * 1000)
        for names in waiting.values():
            for check in _without_answer(names, f"did not end within {timeout:g} s"):
                watch(check)
                yield replace(check, milliseconds=late)


def _start(
    stack: ProbedStack, names: tuple[str, ...], probe: SmokeProbe, timeout: float
) -> Future[list[Check]]:
    """Start a probe in a daemon thread.

    An executor joins its threads when Python ends, so that a probe that hangs would hold the
    command.
    """
    future: Future[list[Check]] = Future()

    def work() -> None:
        began = time.monotonic()
        try:
            found = probe(stack, Deadline.after(timeout))
        except NoAnswer as failure:
            found = _without_answer(names, str(failure))
        except BaseException as error:  # noqa: BLE001 - raised again where the result is read
            future.set_exception(error)
            return
        took = round((time.monotonic() - began) * 1000)
        future.set_result([replace(check, milliseconds=took) for check in found])

    Thread(target=work, name=f"smoke-{names[0]}", daemon=True).start()
    return future


def _without_answer(names: tuple[str, ...], why: str) -> list[Check]:
    """Return the failure of a probe's own check, and the others of its checks as skipped."""
    first, *others = names
    return [
        Check(first, "FAILED", why),
        *(Check(name, "SKIPPED", f"{first} has no answer") for name in others),
    ]


def _local_task(stack: Stack) -> Address | None:
    """Return a task on this machine that gets production traffic; None where there is none."""
    for found in read_production_traffic(stack).targets:
        target = found["Target"]
        address = Address("http", target["Id"], target.get("Port", stack.outputs.service.port))
        if address.loopback:
            return address
    return None
