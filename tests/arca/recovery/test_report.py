"""The report of a record: its rows, its picture, and its page in a real browser."""

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from arca.recovery.budgets import NEEDED
from arca.recovery.report import data_rows, index_row, phase_rows, summary_rows
from arca.recovery.report_page import report_page
from arca.recovery.timeline import described, duration, timeline
from tests.arca.recovery import ledgers
from tests.arca.recovery.histories import SECOND
from tests.arca.recovery.records import checked, content, record, restore_test
from tests.browser import measure, needs_chromium

EVIL = '<script>alert("x")</script> & more'


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        *((0, "0 s"), (7.25, "7.2 s"), (59.4, "59 s"), (60, "1 min"), (250, "4 min 10 s")),
        *((3600, "1 h"), (3720, "1 h 2 min"), (3599.7, "1 h")),
    ],
)
def test_durations_are_for_people(seconds: float, text: str) -> None:
    """Tenths below ten seconds, no seconds above an hour."""
    assert duration(seconds) == text


def test_the_rows_say_what_was_measured_against_what_is_allowed() -> None:
    """A figure that was not measured is never shown as 0."""
    rows = dict(summary_rows(record()))
    assert rows["RTO to the first good smoke test"] == "23 min 20 s, allowed are less than 1 h"
    assert rows["environment"] == "emulated, at http://127.0.0.1:5566"
    empty = dict(summary_rows(record(first_good_smoke=None, alarms_green=None, set_check=None)))
    assert empty["RTO to the first good smoke test"] == "never, allowed are less than 1 h"
    assert empty["RTO to green alarms"] == "never"
    assert empty["RPO"] == "not proved, allowed are less than 5 min"


def test_the_row_of_the_index_has_the_first_reason() -> None:
    """The table of results tells why a drill failed."""
    assert index_row(record())[-1] == "passed"
    assert index_row(record(schema_after="7"))[-1] == "FAILED: the schema changed from 5e0a to 7"


def test_a_planned_loss_is_labelled_with_what_the_databases_show() -> None:
    """In the index, in the summary with the log's positions, and number by number."""
    rows = [*ledgers.PROMOTED, ledgers.recovered(4)]
    moment = datetime.fromtimestamp(ledgers.FAILED_NS / SECOND, tz=UTC)
    facts: dict[str, Any] = {
        "failed": moment.isoformat(),
        "replication_stopped": (moment - timedelta(seconds=20.4)).isoformat(),
        "databases": ledgers.databases(rows).model_dump(),
    }
    made = record(**facts, set_check=ledgers.checked(rows).model_dump())
    assert index_row(made)[1] == "drill with a planned loss of 20 s"
    summary = dict(summary_rows(made))
    assert summary["databases and history"] == "agree"
    assert summary["RPO by the databases"] == "1 min"
    assert summary["primary's log, its end on the lost disk"] == ledgers.END
    assert summary["replica's log, replayed at the promotion"] == ledgers.REPLAYED
    assert summary["log that was lost"] == "8,192 bytes"
    data = {what: (count, which) for what, count, which in data_rows(made)}
    assert data["in the lost primary only"] == (
        "2",
        "00001-00000004 recovered, 00001-00000005 missing",
    )
    other = record(**facts, set_check=ledgers.checked(ledgers.PROMOTED).model_dump())
    assert dict(summary_rows(other))["databases and history"] == "DIFFER"


def test_a_restore_test_moves_nothing() -> None:
    """It has no RTO and no RPO of its own."""
    assert index_row(restore_test())[1:] == (
        *("restore-test", "prod", "emulated"),
        *("-", "-", "-", "passed"),
    )
    rows = dict(summary_rows(restore_test()))
    assert rows["kind"] == "restore-test, prod"
    assert "RPO" not in rows


def test_many_keys_are_counted_and_cut() -> None:
    """The table shows ten of them."""
    many = checked().model_copy(update={"lost": tuple(f"k{n:02}" for n in range(12))})
    row = {what: (count, keys) for what, count, keys in data_rows(record(set_check=many))}
    count, keys = row["acknowledged and lost"]
    assert count == "12"
    assert keys.endswith("k09 and 2 more")


def test_a_phase_over_its_budget_is_told() -> None:
    """In words, not only by a colour."""
    late = content()["phases"]
    late[3]["budget_seconds"] = 10.0
    rows = list(phase_rows(record(phases=late)))
    assert rows[3][4] == "OK, over its budget"
    assert ">7 min 30 s LATE<" in timeline(record(phases=late))


def bars(picture: str) -> list[tuple[float, float]]:
    """Return the beginning and the end of each bar."""
    root = ET.fromstring(picture)  # noqa: S314 - our own picture
    found = [one for one in root.iter("rect") if one.attrib["class"].startswith("bar")]
    return [
        (float(one.attrib["x"]), float(one.attrib["x"]) + float(one.attrib["width"]))
        for one in found
    ]


def test_the_bars_are_in_proportion() -> None:
    """Each begins where the one before it ends, and is as long as its phase."""
    found = bars(timeline(record()))
    phases = record().phases
    assert len(found) == len(phases)
    assert all(abs(end - begin) < 0.3 for (_, end), (begin, _) in pairwise(found))
    per_second = (found[-1][1] - found[0][0]) / (record().ended - record().declared).total_seconds()
    for (begin, end), one in zip(found, phases, strict=True):
        assert end - begin == pytest.approx(one.seconds * per_second, abs=0.3)


def test_a_drill_that_took_no_time_has_a_picture() -> None:
    """The emulated cloud is fast; nothing is divided by zero."""
    moment = datetime(2026, 11, 28, 9, tzinfo=UTC).isoformat()
    quick = [{**one, "began": moment, "ended": moment} for one in content()["phases"]]
    picture = timeline(record(phases=quick, first_good_smoke=moment, alarms_green=moment))
    assert len(bars(picture)) == len(quick)


@pytest.mark.parametrize("seconds", [1, 59, 3601, 90_000, 10_000_000])
def test_the_scale_has_few_lines(seconds: int) -> None:
    """Whatever the length of the recovery."""
    last = content()["phases"]
    last[-1]["ended"] = (record().phases[-1].began + timedelta(seconds=seconds)).isoformat()
    assert 1 <= timeline(record(phases=last)).count('class="grid"') <= 8


def test_the_picture_is_told_in_words() -> None:
    """A screen reader hears every phase and both moments."""
    text = " ".join(described(record()))
    assert all(f"{name} began after" in text for name in NEEDED["drill"])
    assert "The first smoke test passed after 23 min 20 s." in text
    assert text in timeline(record())


def test_the_page_loads_nothing_and_escapes_everything() -> None:
    """What an operator typed is text on the page."""
    page = report_page(
        record(operator=EVIL, cleaned_up=[{"what": EVIL, "gone": False, "seen": EVIL}])
    )
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert not re.search(r'(src|href|url)\s*[=(]\s*["\']?(https?:)?//', page)


SCRIPT = """(() => {
  const rgb = (text) => text.match(/[0-9.]+/g).slice(0, 3).map(Number);
  const light = (text) => {
    const [r, g, b] = rgb(text).map((v) => v / 255).map(
      (v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const page = getComputedStyle(document.body).backgroundColor;
  const contrast = (color) => {
    const [low, high] = [light(color), light(page)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const box = (one) => one.getBoundingClientRect();
  const picture = box(document.querySelector("svg"));
  const texts = [...document.querySelectorAll("svg text")];
  return {
    dark: light(page) < 0.5,
    bars: [...document.querySelectorAll("svg rect.bar")].map((one) => box(one).width),
    outside: texts.filter((one) => box(one).left < picture.left - 1
      || box(one).right > picture.right + 1).map((one) => one.textContent),
    contrast: Math.min(
      ...texts.map((one) => contrast(getComputedStyle(one).fill)),
      ...[...document.querySelectorAll("p, td, th, li, h1, h2")].map(
        (one) => contrast(getComputedStyle(one).color))),
    marks: Math.min(...[...document.querySelectorAll("svg rect.bar")].map(
      (one) => contrast(getComputedStyle(one).fill))),
    sideways: document.documentElement.scrollWidth > innerWidth,
    loaded: performance.getEntriesByType("resource").length,
    verdict: document.querySelector(".verdict").textContent,
    name: document.querySelector("svg title").textContent,
  };
})()"""


@pytest.mark.slow
@needs_chromium
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [400, 1200])
def test_a_real_browser_shows_the_page(tmp_path: Path, *, dark: bool, width: int) -> None:
    """Light and dark, narrow and wide: contrast of 4.5 (WCAG 2.2, 1.4.3), 3 for bars (1.4.11)."""
    phases = content()["phases"]
    phases[0]["outcome"], phases[1]["outcome"], phases[2]["budget_seconds"] = (
        *("FAILED", "SKIPPED"),
        1.0,
    )
    seen: Any = measure(
        report_page(record(phases=phases)),
        SCRIPT,
        tmp_path / "browser",
        f"--blink-settings=preferredColorScheme={0 if dark else 1}",
        f"--window-size={width},900",
    )
    assert seen["dark"] == dark
    assert len(seen["bars"]) == len(phases)
    assert min(seen["bars"]) > 1
    assert seen["outside"] == []
    assert seen["contrast"] >= 4.5
    assert seen["marks"] >= 3
    assert (seen["sideways"], seen["loaded"]) == (False, 0)
    assert seen["verdict"] == "FAILED"
    assert seen["name"] == "Timeline of the drill"
