"""What the release commands print: progress on stderr, gates, checks, and the verdict."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import click

from arca import checkout
from arca.check import Check
from arca.cli import render
from arca.errors import ArcaError, ExitCode
from arca.release import gates
from arca.release.migrations import sentence
from arca.release.rollback import RollbackPlan
from arca.release.service import EcsDeployment, short
from arca.release.steps import Interrupted
from arca.release.verdict import ReleaseOutcome, Verdict
from arca.stack import Stack


class ReleaseProgress:
    """Prints a release's events on stderr, a line each."""

    def __init__(self) -> None:
        self._last = ""

    def say(self, text: str) -> None:
        """Print one line."""
        click.echo(text, err=True)

    def watch(self, deployment: EcsDeployment) -> None:
        """Print the deployment's state where it has changed since the last line."""
        text = deployment_line(deployment)
        if text != self._last:
            self._last = text
            click.echo(text, err=True)


def deployment_line(deployment: EcsDeployment) -> str:
    """Return a deployment in one line: stage, shares of traffic, tasks, alarms."""
    target = deployment.target
    shares = "".join(
        f"  {name} {percent:g}%"
        for name, percent in (
            ("production", target.production_percent),
            ("test", target.test_percent),
        )
        if percent is not None
    )
    names = ", ".join(deployment.triggered_alarms)
    alarms = f"  alarms {names}" if names else ""
    paused = "  paused" if deployment.paused_hook is not None else ""
    return (
        f"{short(deployment.arn)}  {deployment.status}  {deployment.stage or '-'}{shares}"
        f"  tasks {target.running}/{target.requested}{alarms}{paused}"
    )


def print_outcome(stack: Stack, release: Callable[[], ReleaseOutcome], *, as_json: bool) -> None:
    """Run a release, print its verdict and leave with its exit code.

    Ctrl-C ends the watching, and what goes on is printed.
    """
    try:
        outcome = release()
    except Interrupted:
        click.echo(
            f"Stopped watching: ECS goes on by itself, but waits at a pause and then rolls back. "
            f"Follow it again with `arca deploy --resume --stack {stack.name}`, or roll it back "
            f"with `arca stop --stack {stack.name}`.",
            err=True,
        )
        click.get_current_context().exit(ExitCode.INTERRUPTED)
    if as_json:
        render.print_json({"stack": stack.name, **outcome.as_json()})
    else:
        for number, text in enumerate(_outcome_lines(stack, outcome)):
            render.line(text, verdicts=number == 0)
    click.get_current_context().exit(outcome.exit_code)


def _outcome_lines(stack: Stack, outcome: ReleaseOutcome) -> list[str]:
    """Return the verdict for a person: what, why, what to do."""
    found = [f"{outcome.verdict.upper()}: {outcome.reason}"]
    found.append(f"  image:    {outcome.image}")
    if outcome.runs:
        found.append(f"  runs:     {short(outcome.runs)}")
    found += [f"  opened:   {name}: {why}" for name, why in outcome.opened.items()]
    found += [f"  stopped:  {reason}" for reason in outcome.stop_reasons]
    found += [f"  log:      {sentence(line)}" for line in outcome.log_lines]
    found += runbook_lines(outcome.runbook)
    if outcome.verdict is Verdict.UNKNOWN:
        found.append(
            f"  do:       look at `arca status --stack {stack.name}`, then "
            f"`arca deploy --resume --stack {stack.name}`"
        )
    return found


def runbook_lines(page: str | None) -> list[str]:
    """Return the line that names a runbook's page, by its path in this repository.

    There is no line where the checkout lacks the page, or where there is no checkout.
    """
    with suppress(ArcaError):
        if page is not None and (checkout.root() / page).is_file():
            return [f"  runbook:  {page}"]
    return []


def print_checks(found: Sequence[Check]) -> None:
    """Print checks, a line each."""
    for check in found:
        render.line(f"  {check.verdict:8}{check.name}: {check.detail}", verdicts=True)


def print_gates(
    stack: Stack, image: str, found: Sequence[Check], *, opened: Sequence[str], as_json: bool
) -> None:
    """Print what the gates say in a dry run, and leave with REFUSED where one is closed.

    `opened` are the gates that the operator opens though they are closed.
    """
    closed = [check.name for check in gates.closed(found) if check.name not in opened]
    if as_json:
        content: dict[str, Any] = {
            "stack": stack.name,
            "image": image,
            "dry_run": True,
            "closed": closed,
            "checks": [check.as_json() for check in found],
        }
        render.print_json(content)
    else:
        render.line(f"{stack.where}: {image}")
        print_checks(found)
        render.line(f"Would be refused: {', '.join(closed)}" if closed else "Would be deployed.")
    click.get_current_context().exit(ExitCode.REFUSED if closed else ExitCode.DONE)


def print_rollback_plan(
    stack: Stack, plan: RollbackPlan, refusal: str | None, *, as_json: bool
) -> None:
    """Print what `arca rollback` would do, and leave with REFUSED where it would be refused."""
    if as_json:
        content = {"stack": stack.name, "dry_run": True, **plan.as_json(), "refused": refusal}
        render.print_json(content)
    else:
        render.line(f"Would {plan}.")
        if refusal is not None:
            render.line(f"Would be refused: {refusal}")
    click.get_current_context().exit(ExitCode.DONE if refusal is None else ExitCode.REFUSED)


def print_resumable(stack: Stack, found: Mapping[str, Any], *, as_json: bool) -> None:
    """Print what `arca deploy --resume` would go on with."""
    if as_json:
        render.print_json({"stack": stack.name, "dry_run": True, **found})
    else:
        known = f" ({found['id']})" if found["id"] else ""
        render.line(f"Would resume {found['what']} of {found['image']} at {found['step']}{known}.")
