"""The mutation run names files that exist, and its score counts what the tests notice."""

import tomllib

from tests import ROOT
from tools.mutants import score

RESULTS = """
    settings.rules.x_pager__mutmut_1: killed
    settings.rules.x_pager__mutmut_2: survived
    arca.release.journal.xǁJournalǁend__mutmut_1: timeout
    arca.release.journal.x__exists__mutmut_12: no tests
    arca.release.journal.x__exists__mutmut_13: killed
"""


def test_the_score_is_killed_of_all() -> None:
    """A mutant that makes the tests hang is killed; one that no test reaches is not."""
    rows = [row.split() for row in score(RESULTS.splitlines()).splitlines()]
    assert rows == [
        ["arca.release.journal", "2", "of", "3", "killed,", "67%"],
        ["settings.rules", "1", "of", "2", "killed,", "50%"],
        ["all", "3", "of", "5", "killed,", "60%"],
    ]


def test_every_file_of_the_run_exists() -> None:
    """A moved file would otherwise leave the run in silence."""
    given = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mutmut"]
    keys = ("source_paths", "only_mutate", "also_copy", "pytest_add_cli_args_test_selection")
    assert [path for key in keys for path in given[key] if not (ROOT / path).exists()] == []
