"""The pull request's preview comment and the stack's drift issue, each kept up to date in place.

`gh` calls GitHub; the workflow gives it a token in GH_TOKEN.
"""

import json
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

from arca.errors import ArcaError

GitHubApi = Callable[..., Any]
"""A function like `gh` below: a path, `method` and the fields to send; returns JSON."""
DriftResult = Literal["clean", "drift", "failed"]
MAX_BODY_CHARACTERS = 60_000
"""GitHub refuses a body of more than 65,536 characters."""
DRIFT_LABEL = "drift"
BOT = "github-actions[bot]"
"""The login of whoever writes with a workflow's own token."""
PREVIEW_MARKER = "previews"
FENCE = "`" * 8
BOUNDS = ("low", "expected", "high")


def gh(path: str, *, method: str = "GET", **fields: str) -> Any:
    """Call GitHub's API; GET returns all pages of a list. Raises ArcaError where the call fails."""
    command = ["gh", "api", path, "--method", method]
    command += ["--paginate", "--slurp"] if method == "GET" else []
    for name, value in fields.items():
        command += ["--raw-field", f"{name}={value}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - a fixed command
    except (OSError, subprocess.CalledProcessError) as error:
        said = str(getattr(error, "stderr", "") or error).strip()
        raise ArcaError(
            f"GitHub's API call failed: {said}",
            where=f"gh api {path} --method {method}",
            wanted="`gh` on PATH, and in GH_TOKEN a token that may do this",
            do="look at the job's permissions and at GitHub's status, and run the job again",
        ) from None
    answer = json.loads(done.stdout)
    return [item for page in answer for item in page] if method == "GET" else answer


def render_body(marker: str, sections: Sequence[tuple[str, str]], lines: Sequence[str] = ()) -> str:
    """Return Markdown: a hidden marker, lines, then a folded section for each title and text.

    Long texts keep their end, so that the whole stays below GitHub's limit.
    """
    room = MAX_BODY_CHARACTERS // max(len(sections), 1)
    parts = [f"<!-- {marker} -->", *(f"- {line}" for line in lines)]
    if lines:
        # Without an empty line, the first section would belong to the list.
        parts.append("")
    for title, text in sections:
        shown = text if len(text) <= room else f"... cut; the run shows all of it\n{text[-room:]}"
        # No text may close its own fence.
        shown = shown.replace(FENCE, "").strip()
        block = f"{FENCE}\n{shown}\n{FENCE}"
        parts.append(f"<details><summary>{title}</summary>\n\n{block}\n\n</details>")
    return "\n".join(parts)


def preview_sections(folder: Path, stacks: Sequence[str]) -> list[tuple[str, str]]:
    """Return the title and text of each touched stack's preview.

    A preview leaves `<stack>.txt`, its output, and `<stack>.result`, its job's status. A stack
    without these files has a section too: its job ended before it could write them.
    """
    found: list[tuple[str, str]] = []
    for stack in stacks:
        output, status = folder / f"{stack}.txt", folder / f"{stack}.result"
        result = status.read_text("utf-8").strip() if status.exists() else "not started"
        title = f"Preview: {stack}" if result == "success" else f"Preview: {stack} ({result})"
        text = output.read_text("utf-8") if output.exists() else "(no output; see the run)"
        found.append((title, text))
    return found or [("No stack is touched", "This change leaves all that the program reads.")]


def cost_lines(folder: Path, stacks: Sequence[str], base: Path) -> list[str]:
    """Return a line on the cost of each touched stack, and its difference from the base.

    A preview leaves `<stack>.cost.json`, what `arca cost` printed. `base` is the estimate that the
    target branch has committed (docs/cost.json); without it, no line has a difference.
    """
    before = _json(base)
    lines: list[str] = []
    for stack in stacks:
        try:
            found = _json(folder / f"{stack}.cost.json")["stacks"][stack]
            low, expected, high = (float(found["total"][one]) for one in BOUNDS)
            missing = len(found["not_priced"])
        except (KeyError, TypeError, ValueError):
            lines.append(f"Cost of {stack}: no estimate; see the run.")
            continue
        try:
            difference = expected - float(before[stack]["total"]["expected"])
            against = f", {difference:+,.0f} against the target branch"
        except (KeyError, TypeError, ValueError):
            against = ""
        left = f"; {missing} charges are not priced and not in it" if missing else ""
        lines.append(
            f"Cost of {stack}: about {expected:,.0f} USD a month ({low:,.0f} to {high:,.0f})"
            f"{against}{left}."
        )
    return lines


def _json(path: Path) -> Any:
    """Return the content of a file; None where it is missing or no JSON."""
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None


def update_comment(api: GitHubApi, repository: str, number: int, body: str) -> str:
    """Write the pull request's preview comment, or replace it; returns which.

    Only a comment of the workflow's own with the marker is replaced, never a person's.
    """
    comments = f"repos/{repository}/issues/{number}/comments"
    ours = [
        comment
        for comment in api(comments)
        if comment["user"]["login"] == BOT
        and comment["body"].startswith(f"<!-- {PREVIEW_MARKER} -->")
    ]
    if ours:
        api(f"repos/{repository}/issues/comments/{ours[0]['id']}", method="PATCH", body=body)
        return "changed"
    api(comments, method="POST", body=body)
    return "written"


def update_drift_issue(
    api: GitHubApi, repository: str, stack: str, result: DriftResult, output: str
) -> str:
    """Open the stack's drift issue, replace its text, or close it; returns what was done.

    A check that failed is a finding too, because nobody knows whether the stack has drifted.
    """
    issues = f"repos/{repository}/issues"
    title = f"Drift: {stack}"
    labelled = api(f"{issues}?state=open&labels={DRIFT_LABEL}&per_page=100")
    opened = [issue for issue in labelled if issue["title"] == title]
    if result == "clean":
        for issue in opened:
            path = f"{issues}/{issue['number']}"
            api(f"{path}/comments", method="POST", body="The stack matches its program again.")
            api(path, method="PATCH", state="closed")
        return "closed" if opened else "clean"
    summary = {
        "drift": f"{stack} differs from its program",
        "failed": f"The drift check of {stack} failed",
    }[result]
    body = render_body(f"drift-{stack}", [(summary, output)])
    if opened:
        api(f"{issues}/{opened[0]['number']}", method="PATCH", body=body)
        return "changed"
    api(issues, method="POST", title=title, body=body, **{"labels[]": DRIFT_LABEL})
    return "opened"
