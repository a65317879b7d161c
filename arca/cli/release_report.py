"""What a person sees of a release: its stages as they come, and the verdict."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from arca.check import Check
from arca.cli import render
from arca.errors import ExitCode
from arca.release.service import Deployment, short
from arca.release.verdict import EXIT_CODES, Interrupted, Outcome, Verdict
from arca.stack import Stack


class Live:
    """The release on stderr: a line for each thing that happens."""

    def __init__(self) -> None:
        self._last = ""

    def say(self, text: str) -> None:
        """One line."""
        click.echo(text, err=True)

    def watch(self, deployment: Deployment) -> None:
        """The deployment's state, where it is another than before."""
        text = stage(deployment)
        if text != self._last:
            self._last = text
            click.echo(text, err=True)


def stage(deployment: Deployment) -> str:
    """A deployment in one line: stage, shares of traffic, tasks, alarms."""
    target = deployment.target
    shares = "".join(
        f"  {name} {percent:g}%"
        for name, percent in (
            ("production", target.production_percent),
            ("test", target.test_percent),
        )
        if percent is not None
    )
    alarms = f"  alarms {', '.join(deployment.triggered_alarms)}" * bool(
        deployment.triggered_alarms
    )
    paused = "  waits for `arca promote`" * (deployment.paused_hook is not None)
    return (
        f"{short(deployment.arn)}  {deployment.status}  {deployment.stage or '-'}{shares}"
        f"  tasks {target.running}/{target.requested}{alarms}{paused}"
    )


def watched(stack: Stack, release: Callable[[], Outcome]) -> Outcome:
    """Run a release; Ctrl-C ends the watching and says what goes on."""
    try:
        return release()
    except Interrupted:
        click.echo(
            f"Stopped watching: ECS goes on by itself. Follow it again with "
            f"`arca deploy --resume --stack {stack.name}`, or roll it back with "
            f"`arca stop --stack {stack.name}`.",
            err=True,
        )
        click.get_current_context().exit(ExitCode.INTERRUPTED)


def end(stack: Stack, outcome: Outcome, *, as_json: bool) -> None:
    """Print the verdict and leave with its exit code."""
    if as_json:
        render.print_json({"stack": stack.name, **outcome.as_json()})
    else:
        for text in lines(stack, outcome):
            render.line(text)
    click.get_current_context().exit(outcome.exit_code)


def lines(stack: Stack, outcome: Outcome) -> list[str]:
    """The verdict for a person: what, why, what to do."""
    found = [f"{outcome.verdict.upper()}: {outcome.reason}"]
    found.append(f"  image:    {outcome.image}")
    if outcome.runs:
        found.append(f"  runs:     {short(outcome.runs)}")
    found += [f"  opened:   {name}: {why}" for name, why in outcome.opened.items()]
    found += [f"  stopped:  {reason}" for reason in outcome.stop_reasons]
    found += [f"  log:      {line}" for line in outcome.log_lines]
    if outcome.runbook:
        found.append(f"  runbook:  {outcome.runbook}")
    if outcome.verdict is Verdict.UNKNOWN:
        found.append(
            f"  do:       look at `arca status --stack {stack.name}`, then "
            f"`arca deploy --resume --stack {stack.name}`"
        )
    return found


def checks(found: Sequence[Check]) -> None:
    """A tree of answers."""
    for check in found:
        render.line(f"  {check.verdict:8}{check.name}: {check.detail}")


def gates_only(stack: Stack, image: str, found: Sequence[Check], *, as_json: bool) -> None:
    """What the gates say, where nothing is to be changed."""
    closed = [check.name for check in found if check.verdict == "FAILED"]
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
        checks(found)
        render.line(f"Would be refused: {', '.join(closed)}" if closed else "Would be deployed.")
    click.get_current_context().exit(EXIT_CODES[Verdict.REFUSED] if closed else 0)


def resumable(stack: Stack, found: Mapping[str, Any], *, as_json: bool) -> None:
    """What would be gone on with, where nothing is to be changed."""
    if as_json:
        render.print_json({"stack": stack.name, "dry_run": True, **found})
    else:
        known = f" ({found['id']})" if found["id"] else ""
        render.line(f"Would resume {found['what']} of {found['image']} at {found['step']}{known}.")
