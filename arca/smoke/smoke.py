"""Smoke tests of a stack from outside: all checks at once, within a bounded time."""

import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, as_completed
from dataclasses import dataclass, replace
from threading import Thread
from typing import Any

from arca.check import Check, Verdict
from arca.smoke.probes import PROBES, Aim, Probe
from arca.smoke.web import Address, Deadline, NoAnswer
from arca.stack import Stack
from arca.traffic import targets

GRACE_SECONDS = 1.0
"""What a check may take beyond its timeout until nobody waits for it any more: a resolver that
hangs, or an answer that comes byte by byte."""
NO_EDGE = "the emulated cloud has no edge"
IN_TASKS = ("live", "ready", "database", "cache", "business")
"""Checks that tasks can be asked without an edge."""


@dataclass(frozen=True)
class Report:
    """What the checks said; `url` is what was asked, None where nothing could be."""

    stack: str
    url: str | None
    checks: tuple[Check, ...]

    @property
    def failed(self) -> list[Check]:
        """The checks that failed."""
        return [check for check in self.checks if check.verdict == "FAILED"]

    @property
    def verdict(self) -> Verdict:
        """FAILED where a check has, SKIPPED where nothing was checked, else OK."""
        if self.failed:
            return "FAILED"
        return "OK" if any(check.verdict == "OK" for check in self.checks) else "SKIPPED"

    def as_json(self) -> dict[str, Any]:
        """For programs."""
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
) -> Report:
    """Ask a stack; each check has `timeout` seconds, and all of them together a second more.

    Without a URL it is the exported one. Raises ArcaError where the URL is none, or where the
    emulated cloud does not answer.
    """
    asked, names = _choose(stack, url)
    if asked is None:
        checks = (Check(name, "SKIPPED", NO_EDGE) for probe in PROBES for name in probe)
        return Report(stack.name, None, tuple(checks))
    chosen = {probe: ask for probe, ask in PROBES.items() if probe[0] in names}
    found = {check.name: check for check in _answers(_aim(stack, asked), chosen, timeout, watch)}
    checks = (
        found.get(name, Check(name, "SKIPPED", NO_EDGE)) for probe in PROBES for name in probe
    )
    return Report(stack.name, asked.url, tuple(checks))


def _choose(stack: Stack, url: str | None) -> tuple[Address | None, set[str]]:
    """What to ask, and the checks that can be asked of it."""
    every = {name for probe in PROBES for name in probe}
    given = Address.parse(url) if url is not None else None
    if stack.endpoint is None:
        return given or Address.parse(public_url(stack)), every
    if given is not None:
        return (given if given.loopback else None), every
    return _stand_in(stack), set(IN_TASKS)


def public_url(stack: Stack) -> str:
    """The URL that always means this stack: a DR stack shares the customers' name with its primary.

    That name answers from the primary for as long as the primary is well.
    """
    edge = stack.outputs.edge
    return edge.regional_url if stack.outputs.role == "secondary" else edge.url


def _aim(stack: Stack, address: Address) -> Aim:
    outputs = stack.outputs
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return Aim(
        address,
        load_balancer=None if stack.endpoint else outputs.service.load_balancer_dns_name,
        stands_by=outputs.phase != "active",
        has_cache=outputs.cache is not None,
        context=context,
    )


def _answers(
    aim: Aim,
    probes: Mapping[tuple[str, ...], Probe],
    timeout: float,
    watch: Callable[[Check], None],
) -> Iterator[Check]:
    """Run all probes at once and give their checks as they end; what does not end has failed."""
    running = {_start(aim, names, probe, timeout): names for names, probe in probes.items()}
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


def _start(aim: Aim, names: tuple[str, ...], probe: Probe, timeout: float) -> Future[list[Check]]:
    """Run a probe in a thread that nobody has to wait for.

    The threads of an executor are joined when Python ends: one that hangs would hold the command.
    """
    future: Future[list[Check]] = Future()

    def work() -> None:
        began = time.monotonic()
        try:
            found = probe(aim, Deadline.after(timeout))
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
    """The probe's own check has failed; what else its answer would have said is not known."""
    first, *others = names
    return [
        Check(first, "FAILED", why),
        *(Check(name, "SKIPPED", f"{first} has no answer") for name in others),
    ]


def _stand_in(stack: Stack) -> Address | None:
    """A task on this machine that the emulated load balancer sends production traffic to."""
    for found in targets(stack):
        target = found["Target"]
        address = Address("http", target["Id"], target.get("Port", stack.outputs.service.port))
        if address.loopback:
            return address
    return None
