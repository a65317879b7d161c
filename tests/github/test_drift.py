"""The step of drift.yml that reports, run with an `arca` that records its calls."""

from pathlib import Path

from tests.github.workflows import Runner, named


def test_every_stack_has_a_report(tmp_path: Path) -> None:
    """A stack without a result was not checked, which is a failure."""
    runner = Runner(tmp_path, arca="")
    results = runner.folder / "results"
    results.mkdir()
    (results / "prod.result").write_text("drift\n", encoding="utf-8")
    (results / "dr.result").write_text("clean\n", encoding="utf-8")
    done = runner.run(named("drift", "report", "Update the issues")["run"])
    assert done.code == 0, done.said
    assert done.calls == [
        f"arca ci report issue --repository acme/arca-infra --stack {stack} --result {result} "
        f"--output results/{stack}.txt"
        for stack, result in (
            *(("dev", "failed"), ("staging", "failed")),
            *(("prod", "drift"), ("dr", "clean")),
        )
    ]
