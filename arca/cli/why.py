"""`arca why`: explain why a deployment failed or rolled back."""

from typing import TYPE_CHECKING

import click

from arca.cli.options import of_stack
from arca.cli.suggestions import complete_deployment

if TYPE_CHECKING:
    from arca.release.causes import Cause, Explanation, Undeployed
    from arca.release.history import PastDeployment
    from arca.stack import Stack, Target


@click.command("why")
@click.argument("deployment", required=False, shell_complete=complete_deployment)
@of_stack
def command(
    deployment: str | None, stack_name: str | None, target: "Target", *, as_json: bool
) -> None:
    """Explain why a DEPLOYMENT failed or rolled back, the likeliest cause first.

    DEPLOYMENT is an id of `arca history`, the beginning of one, or a revision. Without it, the
    latest that did not succeed is explained. A release whose migrations failed has no deployment:
    name its revision. Each cause comes with its evidence: stop reasons and exit codes of tasks,
    their last log lines, health checks, alarms, lifecycle hooks, the service's events, and what
    `arca` noted itself. What nobody knows any more is said, too.
    """
    from arca.cli import render
    from arca.clock import Clock
    from arca.release import causes, history
    from arca.release.service import MOST_DEPLOYMENTS, EcsService
    from arca.stack import find

    stack = find(stack_name, target=target)
    service = EcsService(stack)
    found = history.read_history(service, most=MOST_DEPLOYMENTS)
    undeployed = causes.find_undeployed(service, found, deployment)
    if undeployed is not None:
        if as_json:
            render.print_json({"stack": stack.name, **undeployed.as_json()})
            return
        later = causes.success_after(found, undeployed.given.at)
        for text in _lines_of_undeployed(stack, undeployed, later):
            render.line(text)
        return
    chosen = causes.chosen_deployment(service, found, deployment)
    explanation = causes.explain(service, chosen, now=Clock().now())
    if as_json:
        render.print_json({"stack": stack.name, **explanation.as_json()})
        return
    later = causes.success_after(found, chosen.deployment.created)
    for number, text in enumerate(_lines(stack, explanation, later)):
        render.line(text, verdicts=number == 0)


def _not_latest(later: "PastDeployment | None") -> list[str]:
    """Return a line where a later deployment succeeded, so that nobody mends what is over."""
    from arca.release.service import short

    if later is None:
        return []
    one = later.deployment
    since = f"{one.finished or one.created:%Y-%m-%d %H:%M:%S} UTC"
    return [f"            not the latest: {short(one.arn)} is live since {since} ({later.tag})"]


def _lines_of_undeployed(
    stack: "Stack", undeployed: "Undeployed", later: "PastDeployment | None"
) -> list[str]:
    return [
        "deployment  none: the migrations ended the release before it",
        *_not_latest(later),
        f"revision    {undeployed.given.deployment}",
        *_cause_lines(1, undeployed.cause),
        "",
        f"next: arca status --stack {stack.name}",
    ]


def _cause_lines(number: int, cause: "Cause") -> list[str]:
    lines = ["", f"{number}. {cause.what}"]
    for one in cause.evidence:
        when = f"{one.at:%Y-%m-%d %H:%M:%S} UTC  " if one.at else ""
        lines.append(f"     {when}{one.text}")
    return [*lines, *(f"     log: {line}" for line in cause.log_lines)]


def _lines(stack: "Stack", explanation: "Explanation", later: "PastDeployment | None") -> list[str]:
    from arca.release.service import short

    past, deployment = explanation.past, explanation.past.deployment
    ended = f"{deployment.finished:%Y-%m-%d %H:%M:%S} UTC" if deployment.finished else "not yet"
    lines = [
        f"deployment  {short(deployment.arn)}  {deployment.status}  {deployment.stage or ''}",
        *_not_latest(later),
        f"deployed    {short(past.task_definition)}  {past.tag}",
        f"begun       {deployment.created:%Y-%m-%d %H:%M:%S} UTC, ended {ended}",
        f"ECS says    {deployment.reason or 'nothing'}",
    ]
    if explanation.noted is not None:
        lines.append(f"            {explanation.noted}")
    if deployment.status == "SUCCESSFUL":
        lines += ["", "The deployment succeeded. What follows happened all the same."]
    for number, cause in enumerate(explanation.causes, start=1):
        lines += _cause_lines(number, cause)
    if not explanation.causes:
        lines += ["", "No cause of a failure is known."]
    lines += (
        ["", *(f"not known: {text}" for text in explanation.unknown)] if explanation.unknown else []
    )
    lines += ["", f"next: arca status --stack {stack.name}"]
    return lines
