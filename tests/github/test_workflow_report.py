"""report.py: the comment of a pull request, and the issue of a stack that drifts."""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.github.workflows import Runner, script

report = script("report")


class GitHub:
    """What GitHub would keep."""

    def __init__(self) -> None:
        self.comments: list[dict[str, Any]] = [
            {"id": 1, "body": "LGTM", "user": {"login": "somebody"}},
            {"id": 2, "body": "<!-- previews -->", "user": {"login": "somebody"}},
        ]
        self.issues: list[dict[str, Any]] = [
            {"number": 1, "title": "Other", "state": "open"},
            {"number": 2, "title": "Drift: prod", "state": "open"},
        ]

    def __call__(self, path: str, *, method: str = "GET", **fields: str) -> Any:
        """Answer as the API does."""
        if "/comments" in path and "issues/1/" not in path:
            if method == "POST":
                made = {"id": len(self.comments) + 1, "user": {"login": "github-actions[bot]"}}
                self.comments.append({**made, **fields})
            elif method == "PATCH":
                number = int(path.rsplit("/", maxsplit=1)[1])
                next(c for c in self.comments if c["id"] == number).update(fields)
            return self.comments
        if method == "POST" and path.endswith("/issues"):
            self.issues.append({"number": len(self.issues) + 1, "state": "open", **fields})
        elif method == "PATCH":
            self.issues[int(path.rsplit("/", maxsplit=1)[1]) - 1].update(fields)
        wanted = parse_qs(urlsplit(path).query)
        return [
            issue
            for issue in self.issues
            if issue["state"] in wanted.get("state", ["open"])
            and wanted.get("labels", [issue.get("labels[]")]) == [issue.get("labels[]")]
        ]


def test_one_comment_a_pull_request(tmp_path: Path) -> None:
    """The second preview changes it, and nobody else's is touched, whatever it begins with."""
    github = GitHub()
    before = [dict(one) for one in github.comments]
    for text in ("first", "second"):
        (tmp_path / "prod.txt").write_text(text, encoding="utf-8")
        (tmp_path / "prod.result").write_text("success\n", encoding="utf-8")
        assert report.main(["comment", "o/r", "7", str(tmp_path), '["prod"]'], github) == 0
    assert github.comments[:-1] == before
    assert "<summary>Preview: prod</summary>" in github.comments[-1]["body"]
    assert "second" in github.comments[-1]["body"]
    assert "first" not in github.comments[-1]["body"]


def test_a_comment_that_no_stack_needs(tmp_path: Path) -> None:
    """It says so, rather than show what was previewed before."""
    github = GitHub()
    (tmp_path / "prod.txt").write_text("of before", encoding="utf-8")
    report.main(["comment", "o/r", "7", str(tmp_path), "[]"], github)
    assert "No stack is touched" in github.comments[-1]["body"]
    assert "of before" not in github.comments[-1]["body"]


def test_a_comment_says_which_preview_failed(tmp_path: Path) -> None:
    """One that failed, and one whose job ended before it said anything."""
    github = GitHub()
    (tmp_path / "dev.txt").write_text("error: no", encoding="utf-8")
    (tmp_path / "dev.result").write_text("failure\n", encoding="utf-8")
    report.main(["comment", "o/r", "7", str(tmp_path), '["dev", "prod"]'], github)
    body = github.comments[-1]["body"]
    assert "Preview: dev (failure)" in body
    assert "Preview: prod (not begun)" in body
    assert "No stack is touched" not in body


def test_a_comment_fits_and_stays_folded() -> None:
    """GitHub's limit holds, the end is kept, and no text closes its own fence."""
    text = report.body("m", [("a", "x" * 90_000 + "END"), ("b", "`" * 9)])
    assert len(text) < 65_536
    assert "END" in text
    assert text.count("`" * 8) == 4


def test_one_issue_a_stack(tmp_path: Path) -> None:
    """Opened, changed, closed when clean; a look that failed is a finding too.

    A person's own issue of the same title is left alone.
    """
    github, found = GitHub(), tmp_path / "prod.txt"
    found.write_text("~ cache", encoding="utf-8")

    def say(result: str) -> None:
        report.main(["issue", "o/r", "prod", result, str(found)], github)

    say("clean")
    before = [dict(one) for one in github.issues]
    assert len(before) == 2
    say("drift")
    say("failed")
    assert [issue["title"] for issue in github.issues[2:]] == ["Drift: prod"]
    assert github.issues[2]["labels[]"] == "drift"
    assert "The look at prod failed" in github.issues[2]["body"]
    say("clean")
    assert github.issues[:2] == before
    assert [issue["state"] for issue in github.issues] == ["open", "open", "closed"]


PAGES = """case "$*" in
  *"--method GET"*--paginate*--slurp*) echo '[[{"n": 1}], [{"n": 2}]]';;
  *"--method GET"*--paginate*) echo '[{"n": 1}]'; echo '[{"n": 2}]';;
  *"--method GET"*) echo '[{"n": 1}]';;
  *) echo '{"n": 3}';;
esac"""
"""As GitHub's own command answers: pages one after another, unless they are to be one list."""


def test_every_page_of_a_list_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comment that is looked for may be the hundredth."""
    monkeypatch.setenv("PATH", Runner(tmp_path, gh=PAGES).path)
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    assert report.gh("repos/o/r/issues") == [{"n": 1}, {"n": 2}]
    assert report.gh("repos/o/r/issues", method="POST", title="a b") == {"n": 3}
    assert (tmp_path / "calls").read_text(encoding="utf-8").splitlines() == [
        "gh api repos/o/r/issues --method GET --paginate --slurp",
        "gh api repos/o/r/issues --method POST --raw-field title=a b",
    ]
