"""One comment a pull request and one issue a stack, kept up to date by a marker.

`gh` speaks to GitHub; its token comes from the workflow.
"""
# ruff: noqa: INP001 - a script of the workflows, run by its path

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

Api = Callable[..., Any]
LONGEST = 60_000
"""GitHub refuses a body of more than 65536 characters."""
LABEL = "drift"
BOT = "github-actions[bot]"
"""Who writes with a workflow's own token."""


def gh(path: str, *, method: str = "GET", **fields: str) -> Any:
    """Call GitHub's API; every page of a list."""
    command = ["gh", "api", path, "--method", method]
    command += ["--paginate", "--slurp"] if method == "GET" else []
    for name, value in fields.items():
        command += ["--raw-field", f"{name}={value}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - a fixed command
    answer = json.loads(done.stdout)
    return [item for page in answer for item in page] if method == "GET" else answer


def body(marker: str, sections: Sequence[tuple[str, str]]) -> str:
    """The marker that finds it again, and a folded section for each stack."""
    room = LONGEST // max(len(sections), 1)
    parts = [f"<!-- {marker} -->"]
    for title, text in sections:
        shown = text if len(text) <= room else f"... cut; the run has it all\n{text[-room:]}"
        # A fence that the text cannot close.
        fence = "`" * 8
        shown = shown.replace(fence, "")
        block = f"{fence}\n{shown.strip()}\n{fence}"
        parts.append(f"<details><summary>{title}</summary>\n\n{block}\n\n</details>")
    return "\n".join(parts)


def comment(api: Api, repository: str, number: int, text: str, marker: str) -> str:
    """Write the pull request's one comment, or change it; nobody else's is ever taken for it."""
    comments = f"repos/{repository}/issues/{number}/comments"
    ours = [
        c
        for c in api(comments)
        if c["user"]["login"] == BOT and c["body"].startswith(f"<!-- {marker} -->")
    ]
    if ours:
        found = f"repos/{repository}/issues/comments/{ours[0]['id']}"
        api(found, method="PATCH", body=text)
        return "changed"
    api(comments, method="POST", body=text)
    return "written"


def issue(api: Api, repository: str, stack: str, text: str | None) -> str:
    """Open the stack's one issue, change it, or close it where there is nothing to say."""
    issues = f"repos/{repository}/issues"
    title = f"Drift: {stack}"
    opened = [
        i for i in api(f"{issues}?state=open&labels={LABEL}&per_page=100") if i["title"] == title
    ]
    if text is None:
        for found in opened:
            path = f"{issues}/{found['number']}"
            api(f"{path}/comments", method="POST", body="The stack is as declared again.")
            api(path, method="PATCH", state="closed")
        return "closed" if opened else "clean"
    if opened:
        api(f"{issues}/{opened[0]['number']}", method="PATCH", body=text)
        return "changed"
    api(issues, method="POST", title=title, body=text, **{"labels[]": LABEL})
    return "opened"


def previews(folder: Path, stacks: Sequence[str]) -> list[tuple[str, str]]:
    """A section for each stack that is touched, whether or not its preview came to an end."""
    found: list[tuple[str, str]] = []
    for stack in stacks:
        said, ended = folder / f"{stack}.txt", folder / f"{stack}.result"
        result = ended.read_text("utf-8").strip() if ended.exists() else "not begun"
        title = f"Preview: {stack}" if result == "success" else f"Preview: {stack} ({result})"
        text = said.read_text("utf-8") if said.exists() else "(no output; the run says why)"
        found.append((title, text))
    return found or [("No stack is touched", "Nothing that the program reads has changed.")]


def main(words: Sequence[str], api: Api = gh) -> int:
    """`comment REPOSITORY NUMBER FOLDER STACKS`, or `issue REPOSITORY STACK RESULT FILE`."""
    parser = argparse.ArgumentParser(description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    on_request = verbs.add_parser("comment")
    on_request.add_argument("repository")
    on_request.add_argument("number", type=int)
    on_request.add_argument("folder", type=Path)
    on_request.add_argument("stacks", type=json.loads)
    of_stack = verbs.add_parser("issue")
    of_stack.add_argument("repository")
    of_stack.add_argument("stack")
    of_stack.add_argument("result", choices=("clean", "drift", "failed"))
    of_stack.add_argument("file", type=Path)
    given = parser.parse_args(words)
    if given.verb == "comment":
        text = body("previews", previews(given.folder, given.stacks))
        done = comment(api, given.repository, given.number, text, "previews")
    else:
        titles = {
            "drift": f"{given.stack} is not as declared",
            "failed": f"The look at {given.stack} failed",
        }
        said = None
        if given.result in titles:
            text = given.file.read_text("utf-8") if given.file.exists() else "(no output)"
            said = body(f"drift-{given.stack}", [(titles[given.result], text)])
        done = issue(api, given.repository, given.stack, said)
    sys.stdout.write(f"{done}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
