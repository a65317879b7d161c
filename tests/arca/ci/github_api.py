"""A double of GitHub's REST API on loopback, with the shapes of GitHub's own pages.

Sources, all GitHub Docs: "REST API endpoints for deployment environments" (Get an environment),
"REST API endpoints for deployment branch policies" (List deployment branch policies), "REST API
endpoints for Git references" (Get a reference), "REST API endpoints for workflow runs" (List
workflow runs for a workflow), "Rate limits for the REST API".
"""

import json
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import urlsplit

REPOSITORY = "acme/arca-infra"
TOKEN = "a-token"  # noqa: S105 - the double's own
COMMIT = "aa218f56b14c9653891f9e74264a383fa43fefbd"
OTHER = "7638417db6d59f3c431d3e1f261cc637155684cd"


@dataclass(frozen=True)
class Answer:
    """One answer; a text is sent as it is."""

    content: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


class Api(ThreadingHTTPServer):
    """The server: the answers of each path, one a call; the last one repeats."""

    daemon_threads = True

    def __init__(self, answers: Mapping[str, Sequence[Answer]]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers = {path: list(listed) for path, listed in answers.items()}
        self.asked: list[str] = []
        self.tokens = set[str]()

    @property
    def url(self) -> str:
        """The API's root."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def answer(self, target: str) -> Answer:
        """Record a call and return its answer; an unknown path is 404, as GitHub has it."""
        self.asked.append(target)
        found = self.answers.get(urlsplit(target).path)
        if not found:
            return Answer({"message": "Not Found", "status": "404"}, 404)
        return found.pop(0) if len(found) > 1 else found[0]


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """Answer one call."""
        server = cast("Api", self.server)
        server.tokens.add(self.headers.get("Authorization", ""))
        said = server.answer(self.path)
        text = said.content if isinstance(said.content, str) else json.dumps(said.content)
        self.send_response(said.status)
        for name, value in said.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class' name
        """Write no log."""


@contextmanager
def serve(answers: Mapping[str, Sequence[Answer]]) -> Generator[Api]:
    """Serve until the end of the block."""
    api = Api(answers)
    thread = threading.Thread(target=api.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield api
    finally:
        api.shutdown()
        api.server_close()
        thread.join()


def path(*parts: str) -> str:
    """Return the path of something below the repository."""
    return "/".join(("", "repos", REPOSITORY, *parts))


def reviewers(*, prevent_self_review: bool = True, count: int = 1) -> dict[str, Any]:
    """Return the rule of required reviewers."""
    team = {"type": "Team", "reviewer": {"id": 1, "slug": "platform", "name": "Platform"}}
    return {
        "id": 3755,
        "node_id": "MDQ6R2F0ZTM3NTU=",
        "type": "required_reviewers",
        "prevent_self_review": prevent_self_review,
        "reviewers": [team] * count,
    }


def environment(
    name: str, *rules: Mapping[str, Any], custom: bool = True, **changed: Any
) -> dict[str, Any]:
    """Return an environment; without `custom` every branch may enter it."""
    branch_policy = {"id": 3756, "node_id": "MDQ6R2F0ZTM3NTY=", "type": "branch_policy"}
    return {
        "id": 161088068,
        "node_id": "MDExOkVudmlyb25tZW50MTYxMDg4MDY4",
        "name": name,
        "url": f"https://api.github.com/repos/{REPOSITORY}/environments/{name}",
        "html_url": f"https://github.com/{REPOSITORY}/deployments/activity_log",
        "created_at": "2026-11-23T22:00:40Z",
        "updated_at": "2026-11-23T22:00:40Z",
        "can_admins_bypass": False,
        "protection_rules": [*rules, *([branch_policy] if custom else [])],
        "deployment_branch_policy": {"protected_branches": False, "custom_branch_policies": True}
        if custom
        else None,
        **changed,
    }


def policies(*names: str) -> dict[str, Any]:
    """Return branch policies; `tag:v*` is a pattern of tags."""
    listed = [
        {
            "id": number,
            "node_id": "MDE2",
            "name": name.removeprefix("tag:"),
            "type": "tag" if name.startswith("tag:") else "branch",
        }
        for number, name in enumerate(names)
    ]
    return {"total_count": len(listed), "branch_policies": listed}


def ref(commit: str) -> dict[str, Any]:
    """Return the reference of main at a commit."""
    return {
        "ref": "refs/heads/main",
        "node_id": "MDM6UmVmcmVmcy9oZWFkcy9tYWlu",
        "url": f"https://api.github.com/repos/{REPOSITORY}/git/refs/heads/main",
        "object": {"type": "commit", "sha": commit, "url": ""},
    }


def runs(*ended: str | None, commit: str = COMMIT) -> dict[str, Any]:
    """Return a workflow's runs, the newest first; None is a run that is in progress."""
    listed = [
        {
            "id": 30433642 + number,
            "run_number": number,
            "event": "push",
            "head_branch": "main",
            "head_sha": commit,
            "status": "in_progress" if end is None else "completed",
            "conclusion": end,
            "html_url": f"https://github.com/{REPOSITORY}/actions/runs/{30433642 + number}",
        }
        for number, end in enumerate(reversed(ended), start=1)
    ]
    return {"total_count": len(listed), "workflow_runs": list(reversed(listed))}
