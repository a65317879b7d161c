"""`arca ci`: the steps of the GitHub workflows that need more than a line of shell."""

import json
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from arca.cli.suggestions import complete_stack

if TYPE_CHECKING:
    from arca.ci.github import GitHub
    from arca.ci.report import DriftResult

STACK_OPTION = click.option(
    "--stack", "stack_name", required=True, shell_complete=complete_stack, help="The stack."
)


def _commit(_: click.Context, __: click.Parameter, value: str) -> str:
    if not re.fullmatch("[0-9a-f]{40}", value):
        raise click.BadParameter("expected a whole commit, 40 hex digits")
    return value


REPOSITORY_OPTION = click.option("--repository", required=True, help="GitHub's name: OWNER/NAME.")
COMMIT_OPTION = click.option("--commit", required=True, callback=_commit, help="40 hex digits.")


@click.group("ci")
def command() -> None:
    """Steps of the GitHub workflows; docs/pipeline.md describes them."""


@command.command("touched")
def touched() -> None:
    """Print the stacks that a change touches, as a JSON list.

    The changed paths come on standard input, one a line, relative to the repository's root.
    """
    from arca import checkout
    from arca.ci.touched import touched_stacks

    paths = [line.strip() for line in sys.stdin if line.strip()]
    click.echo(json.dumps(touched_stacks(paths, checkout.stack_names())))


@command.command("plan-policy")
def plan_policy() -> None:
    """Refuse a plan that would lose data or change the pipeline's roles; exit code 6.

    The event log of `pulumi preview` comes on standard input. Each step that breaks a policy is
    printed on standard output.
    """
    from arca.ci.plan_policy import planned_steps, violations
    from arca.errors import Refused

    found = violations(planned_steps(sys.stdin))
    for line in found:
        click.echo(line)
    if found:
        raise Refused(
            "The plan breaks the pipeline's policies.",
            where="; ".join(found),
            wanted="a plan that keeps what holds data, and the pipeline's own roles",
            do="change the program, or have an operator apply it by hand (docs/pipeline.md)",
        )


@command.command("plan-digest")
@click.option("--approved", help="What this command printed of the plan that was approved.")
def plan_digest(approved: str | None) -> None:
    """Print the digest of a plan: equal digests, equal steps.

    The event log of `pulumi preview` comes on standard input. With --approved, a plan that is
    another one is refused with exit code 6; an empty text is no plan, and refused too.
    """
    from arca.ci.plan_digest import plan_digest as digest_of
    from arca.ci.plan_digest import require_approved
    from arca.ci.plan_policy import planned_steps

    found = digest_of(planned_steps(sys.stdin))
    click.echo(found)
    if approved is not None:
        require_approved(found, approved)


@command.command("require-no-recovery")
@STACK_OPTION
def require_no_recovery(stack_name: str) -> None:
    """Refuse to update a stack during a failover or a fail-back; exit code 6.

    Refused too is a file whose phase is not the stack's, or does not fit the failover lever.
    """
    from arca.recovery.pipeline import require_no_recovery as required
    from arca.stack import find

    click.echo(required(stack_name, find=find))


@command.command("environments")
@click.argument("names", nargs=-1, required=True)
@REPOSITORY_OPTION
@click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")
def environments(names: tuple[str, ...], repository: str, *, as_json: bool) -> None:
    """Check that GitHub guards environments as docs/pipeline.md says; exit code 6 otherwise.

    GH_TOKEN holds a token that may read the repository's Actions. Exit code 1 where GitHub does
    not answer or the token may not read the rules: that is no pass.
    """
    from arca.ci.environments import require_rules, violations

    github = _github(repository)
    if as_json:
        found = {name: violations(github, name) for name in names}
        click.echo(json.dumps(found, indent=2, sort_keys=True))
        if not any(found.values()):
            return
    for name in names:
        require_rules(github, name)
        click.echo(f"{name} is guarded", err=as_json)


@command.command("require-tip")
@REPOSITORY_OPTION
@COMMIT_OPTION
def require_tip(repository: str, commit: str) -> None:
    """Refuse a commit that is not the tip of main; exit code 6.

    So a run that is started again long after it was new applies nothing.
    """
    from arca.ci import commit as commits

    commits.require_tip(_github(repository), commit)


@command.command("require-tests")
@REPOSITORY_OPTION
@COMMIT_OPTION
@click.option("--workflow", required=True, help="The workflow's file, such as ci.yml.")
@click.option(
    "--minutes", required=True, type=click.IntRange(min=1), help="The longest time to wait."
)
def require_tests(repository: str, commit: str, workflow: str, minutes: int) -> None:
    """Wait until a workflow has succeeded on a push of the commit to main.

    Exit code 6 where it ended in another way, or the commit is no longer main's tip.
    """
    from datetime import timedelta

    from arca.ci import commit as commits
    from arca.clock import Clock

    commits.require_tests(
        _github(repository),
        commit,
        workflow,
        timeout=timedelta(minutes=minutes),
        clock=Clock(),
        say=_say,
    )


def _github(repository: str) -> "GitHub":
    """Return the API as a job's environment names it (GitHub Docs, "Variables reference")."""
    from arca.ci.github import DEFAULT_URL, GitHub

    url = os.environ.get("GITHUB_API_URL") or DEFAULT_URL
    return GitHub(repository, os.environ.get("GH_TOKEN", ""), url.rstrip("/"))


@command.group("report")
def report() -> None:
    """Keep a pull request's comment or a stack's issue up to date; `gh` calls GitHub."""


def _stacks(_: click.Context, __: click.Parameter, value: str) -> list[str]:
    try:
        found = json.loads(value)
    except ValueError:
        found = None
    if not isinstance(found, list):
        raise click.BadParameter("expected a JSON list, as `arca ci touched` prints it")
    return [str(stack) for stack in found]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - JSON


@report.command("comment")
@REPOSITORY_OPTION
@click.option("--number", required=True, type=int, help="The pull request.")
@click.option(
    "--results",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="The directory with <stack>.txt, <stack>.result and <stack>.cost.json of each preview.",
)
@click.option("--stacks", required=True, callback=_stacks, help="The touched stacks, as JSON.")
def report_comment(repository: str, number: int, results: Path, stacks: list[str]) -> None:
    """Write the previews of a pull request, and what its stacks cost, into its one comment.

    The cost is compared with docs/cost.json of this checkout, which is the target branch's.
    """
    from arca import checkout
    from arca.ci import report as github

    sections = github.preview_sections(results, stacks)
    costs = github.cost_lines(results, stacks, checkout.root() / "docs" / "cost.json")
    body = github.render_body(github.PREVIEW_MARKER, sections, costs)
    click.echo(github.update_comment(github.gh, repository, number, body))


@report.command("issue")
@REPOSITORY_OPTION
@STACK_OPTION
@click.option("--result", required=True, type=click.Choice(["clean", "drift", "failed"]))
@click.option(
    "--output",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file with the drift check's output; it may be missing.",
)
def report_issue(repository: str, stack_name: str, result: "DriftResult", output: Path) -> None:
    """Open, change or close the drift issue of a stack."""
    from arca.ci import report as github

    text = output.read_text("utf-8") if output.exists() else "(no output; see the run)"
    click.echo(github.update_drift_issue(github.gh, repository, stack_name, result, text))


@command.group("review-stack")
def review_stack() -> None:
    """Generate, admit and find the stacks of pull requests."""


@review_stack.command("generate")
@click.argument("number", type=click.IntRange(min=1))
def review_stack_generate(number: int) -> None:
    """Write Pulumi.review-NUMBER.yaml, made from dev's settings.

    Refused with exit code 6 where dev and prod share an account.
    """
    from arca import checkout
    from arca.ci.review_stack import generate

    click.echo(generate(number, checkout.root()).name)


@review_stack.command("admit")
@click.argument("number", type=click.IntRange(min=1))
@click.option(
    "--budget",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file with what `aws budgets describe-budget` printed.",
)
def review_stack_admit(number: int, budget: Path) -> None:
    """Refuse the stack of pull request NUMBER where a limit is reached; exit code 6.

    What `pulumi stack ls --json` printed comes on standard input.
    """
    from arca.ci.review_stack import admit

    stacks = _json(sys.stdin.read(), "standard input")
    try:
        money = _json(budget.read_text(encoding="utf-8"), str(budget))
    except OSError as error:
        raise click.UsageError(f"{budget} cannot be read: {error.strerror}") from None
    admit(stacks, number, money)


def _numbers(_: click.Context, __: click.Parameter, value: str) -> frozenset[int]:
    try:
        return frozenset(int(word) for word in value.split(",") if word)
    except ValueError:
        raise click.BadParameter("expected numbers with commas between them") from None


@review_stack.command("removable")
@click.option(
    "--requested",
    required=True,
    callback=_numbers,
    help="The open pull requests that request a stack: 4,12; empty for none.",
)
def review_stack_removable(requested: frozenset[int]) -> None:
    """Print the numbers of the review stacks to destroy, one a line.

    What `pulumi stack ls --json` printed comes on standard input.
    """
    from arca.ci.review_stack import removable
    from arca.clock import Clock

    stacks = _json(sys.stdin.read(), "standard input")
    for number in removable(stacks, requested, Clock().now()):
        click.echo(number)


@command.group("deployment")
def deployment() -> None:
    """Follow the ECS deployment that `pulumi up` began."""


@deployment.command("latest")
@STACK_OPTION
def deployment_latest(stack_name: str) -> None:
    """Print a reference to the newest deployment, for `follow --after`.

    Fails with exit code 1 where it stays unknown, before anything is changed.
    """
    from arca.ci.deployment import latest, run_arca
    from arca.clock import Clock

    click.echo(latest(run_arca, stack_name, clock=Clock()))


@deployment.command("follow")
@STACK_OPTION
@click.option("--after", required=True, help="What `latest` printed before the update.")
def deployment_follow(stack_name: str, after: str) -> None:
    """Follow a later deployment to its end, and promote it where it pauses.

    The exit codes are those of `arca deploy`: 0 live or none begun, 3 rolled back, 4 rollback
    failed, 5 unknown.
    """
    from arca.ci.deployment import follow, run_arca
    from arca.clock import Clock

    code = follow(run_arca, stack_name, after, clock=Clock(), say=_say)
    click.get_current_context().exit(code)


def _json(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise click.UsageError(f"{where} is not JSON: {error}") from None


def _say(text: str) -> None:
    """Print on one line of the log, at once."""
    sys.stdout.write(f"{' '.join(text.split())}\n")
    sys.stdout.flush()
