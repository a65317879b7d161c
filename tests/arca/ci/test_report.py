"""The preview comment of a pull request, and the drift issue of a stack."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from arca.ci import report
from arca.errors import ArcaError
from tests.github.workflows import Runner


class GitHub:
    """A stand-in for GitHub that keeps comments and issues."""

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
        """Answer as GitHub's API does."""
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


def previewed(github: GitHub, folder: Path, *stacks: str) -> str:
    """Update the comment of pull request 7; returns the text of the last comment."""
    sections = report.preview_sections(folder, stacks)
    body = report.render_body(report.PREVIEW_MARKER, sections)
    report.update_comment(github, "o/r", 7, body)
    return github.comments[-1]["body"]


def test_a_pull_request_has_one_comment(tmp_path: Path) -> None:
    """The second preview replaces it; a person's comment stays, whatever it begins with."""
    github = GitHub()
    before = [dict(one) for one in github.comments]
    for text in ("first", "second"):
        (tmp_path / "prod.txt").write_text(text, encoding="utf-8")
        (tmp_path / "prod.result").write_text("success\n", encoding="utf-8")
        body = previewed(github, tmp_path, "prod")
    assert github.comments[:-1] == before
    assert "<summary>Preview: prod</summary>" in body
    assert "second" in body
    assert "first" not in body


def test_a_comment_without_a_touched_stack_says_so(tmp_path: Path) -> None:
    """It does not show an earlier preview."""
    (tmp_path / "prod.txt").write_text("an earlier preview", encoding="utf-8")
    body = previewed(GitHub(), tmp_path)
    assert "No stack is touched" in body
    assert "an earlier preview" not in body


def test_a_comment_says_which_preview_failed(tmp_path: Path) -> None:
    """One preview failed, and the job of the other ended before it wrote anything."""
    (tmp_path / "dev.txt").write_text("error: no", encoding="utf-8")
    (tmp_path / "dev.result").write_text("failure\n", encoding="utf-8")
    body = previewed(GitHub(), tmp_path, "dev", "prod")
    assert "Preview: dev (failure)" in body
    assert "Preview: prod (not started)" in body
    assert "No stack is touched" not in body


def test_a_long_comment_keeps_its_end_and_stays_folded() -> None:
    """GitHub's limit holds, and no text closes its own fence."""
    text = report.render_body("m", [("a", "x" * 90_000 + "END"), ("b", "`" * 9)])
    assert len(text) < 65_536
    assert "END" in text
    assert text.count("`" * 8) == 4


def test_a_stack_has_one_drift_issue() -> None:
    """It is opened, changed, and closed when the stack is clean; a failed check counts too.

    A person's own issue of the same title stays as it is.
    """
    github = GitHub()

    def update(result: report.DriftResult) -> str:
        return report.update_drift_issue(github, "o/r", "prod", result, "~ cache")

    assert update("clean") == "clean"
    before = [dict(one) for one in github.issues]
    assert len(before) == 2
    assert [update("drift"), update("failed")] == ["opened", "changed"]
    assert [issue["title"] for issue in github.issues[2:]] == ["Drift: prod"]
    assert github.issues[2]["labels[]"] == "drift"
    assert "The drift check of prod failed" in github.issues[2]["body"]
    assert "~ cache" in github.issues[2]["body"]
    assert update("clean") == "closed"
    assert github.issues[:2] == before
    assert [issue["state"] for issue in github.issues] == ["open", "open", "closed"]


PAGES = """case "$*" in
  *"--method GET"*--paginate*--slurp*) echo '[[{"n": 1}], [{"n": 2}]]';;
  *"--method GET"*--paginate*) echo '[{"n": 1}]'; echo '[{"n": 2}]';;
  *"--method GET"*) echo '[{"n": 1}]';;
  *) echo '{"n": 3}';;
esac"""
"""`gh` prints one page after another, unless --slurp makes them one list."""


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runner:
    """Return a runner whose programs are on this process's PATH."""
    runner = Runner(tmp_path, gh=PAGES)
    monkeypatch.setenv("PATH", runner.path)
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    return runner


@pytest.mark.usefixtures("runner")
def test_every_page_of_a_list_is_read(tmp_path: Path) -> None:
    """The wanted comment may be the hundredth."""
    assert report.gh("repos/o/r/issues") == [{"n": 1}, {"n": 2}]
    assert report.gh("repos/o/r/issues", method="POST", title="a b") == {"n": 3}
    assert (tmp_path / "calls").read_text(encoding="utf-8").splitlines() == [
        "gh api repos/o/r/issues --method GET --paginate --slurp",
        "gh api repos/o/r/issues --method POST --raw-field title=a b",
    ]


def test_a_call_that_github_refuses_is_a_message(runner: Runner) -> None:
    """The message has GitHub's own words."""
    runner.fake("gh", "echo 'HTTP 403: not accessible by integration' >&2; exit 1")
    with pytest.raises(ArcaError, match="HTTP 403: not accessible") as raised:
        report.gh("repos/o/r/issues")
    assert raised.value.where == "gh api repos/o/r/issues --method GET"


COMMENT, LIST = "--raw-field body=<!-- previews -->", "repos/o/r/issues/7/comments --method GET"


def test_the_commands_pass_their_options_on(runner: Runner) -> None:
    """The workflow calls them like this; a missing output file is no failure."""
    runner.fake("gh", "case \"$*\" in *GET*) echo '[[]]';; *) echo '{}';; esac")
    to = "--repository o/r"
    comment = runner.run(f"arca ci report comment {to} --number 7 --results . --stacks '[\"dev\"]'")
    assert (comment.code, comment.said) == (0, "written\n")
    assert comment.calls[0].startswith(f"gh api {LIST}")
    assert any(call.endswith(COMMENT) for call in comment.calls)
    issue = runner.run(f"arca ci report issue {to} --stack dr --result failed --output no.txt")
    assert (issue.code, issue.said) == (0, "opened\n")
    assert any("--raw-field title=Drift: dr" in call for call in issue.calls)
    assert runner.run(f"arca ci report comment {to} --number 7 --results . --stacks dev").code == 2


def estimated(expected: float, missing: int = 0) -> dict[str, Any]:
    """Return an estimate of a stack, from 100 below to 200 above what is expected."""
    total = {"low": expected - 100, "expected": expected, "high": expected + 200}
    return {"total": total, "not_priced": [{}] * missing}


def costs(tmp_path: Path, now: object, before: object) -> list[str]:
    """Return the lines of prod, whose preview left an estimate."""
    (tmp_path / "prod.cost.json").write_text(json.dumps(now), encoding="utf-8")
    (tmp_path / "base.json").write_text(json.dumps(before), encoding="utf-8")
    return report.cost_lines(tmp_path, ["prod"], tmp_path / "base.json")


def test_a_line_says_what_a_stack_costs(tmp_path: Path) -> None:
    """With the difference from the target branch, and how much is not in the sum."""
    now = {"stacks": {"prod": estimated(1806.4, missing=2)}}
    (line,) = costs(tmp_path, now, {"prod": estimated(2356.1)})
    assert line == (
        "Cost of prod: about 1,806 USD a month (1,706 to 2,006), -550 against the target branch; "
        "2 charges are not priced and not in it."
    )
    (line,) = costs(tmp_path, {"stacks": {"prod": estimated(530)}}, {"prod": estimated(520)})
    assert line.endswith(", +10 against the target branch.")


def test_a_new_stack_has_no_difference(tmp_path: Path) -> None:
    """The target branch does not know it, or has no estimates at all."""
    now = {"stacks": {"prod": estimated(530)}}
    wanted = ["Cost of prod: about 530 USD a month (430 to 730)."]
    assert costs(tmp_path, now, {}) == wanted
    assert costs(tmp_path, now, None) == wanted
    assert report.cost_lines(tmp_path, ["prod"], tmp_path / "none.json") == wanted


@pytest.mark.parametrize(
    "now", [None, [], {"stacks": {}}, {"stacks": {"prod": {"total": {"low": "many"}}}}]
)
def test_a_preview_without_an_estimate_says_so(tmp_path: Path, now: object) -> None:
    """A pull request's job writes the file, so that anything may stand there."""
    assert costs(tmp_path, now, {}) == ["Cost of prod: no estimate; see the run."]
    assert report.cost_lines(tmp_path, ["dev"], tmp_path) == [
        "Cost of dev: no estimate; see the run."
    ]


def test_lines_come_before_the_sections() -> None:
    """As a list, which ends before the first section."""
    body = report.render_body("previews", [("Preview: dev", "text")], ["Cost of dev: 1."])
    marker, line, empty, section, *_ = body.split("\n")
    assert (marker, line, empty) == ("<!-- previews -->", "- Cost of dev: 1.", "")
    assert section.startswith("<details>")
