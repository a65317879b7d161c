"""Readiness: a good standby is ready, and each check is shown red once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arca.check import Check as NamedCheck
from arca.recovery.check_tree import Check, failed, group, ok, skipped
from arca.recovery.facts import (
    Certificate,
    Facts,
    Image,
    Lever,
    NotAsked,
    Permissions,
    Replica,
    Secret,
    StateCopy,
    Waiting,
)
from arca.recovery.readiness import readiness
from arca.recovery.records import LastDrill
from tests.arca.recovery.records import record, restore_test

NOW = datetime(2026, 12, 1, tzinfo=UTC)
DRILL = LastDrill(record(), timedelta(days=3), overdue=False)
GOOD = Facts(
    now=NOW,
    stack="dr",
    region="us-east-1",
    phase="standby",
    replica=Replica("arca-dr", "available", follows=True, lag_seconds=299.9),
    newest_restorable=NOW - timedelta(minutes=30),
    last_copied_backup=NOW - timedelta(hours=26),
    replication_latency={"documents": 900.0, "audit": None},
    image=Image("arca-api:1", present=True),
    secrets=(Secret("jwt-key", present=True, has_value=True),),
    keys={"data": "Enabled"},
    quotas=(NamedCheck("quota vCPUs", "OK", "enough"),),
    certificates=(Certificate("origin", "ISSUED", NOW + timedelta(days=30)),),
    lever=Lever("hc-1", exists=True, pulled=False),
    healthy_targets=1,
    states=(StateCopy("s3://state", readable=True, seen="12 objects"),),
    recovery=None,
    drill=DRILL,
    restore_test=DRILL,
    permissions=Permissions("role/operator", {"promote": {"rds:PromoteReadReplica": True}}),
)


def failing(facts: Facts) -> list[str]:
    """Return the failed checks in words, without what to do."""
    return [
        one.words().partition("; wanted:")[0]
        for one in readiness(facts).leaves()
        if one.outcome == "FAILED"
    ]


def test_a_good_standby_is_ready() -> None:
    """At each limit exactly; what has no value is skipped, not failed."""
    tree = readiness(GOOD)
    assert (tree.outcome, failing(GOOD)) == ("OK", [])
    skipped_names = [one.name for one in tree.leaves() if one.outcome == "SKIPPED"]
    assert skipped_names == ["audit"]


REPLICA = Replica("arca-dr", "available", follows=True, lag_seconds=1)
SECRET = Secret("jwt-key", present=True, has_value=True)
LEVER = Lever("hc-1", exists=True, pulled=False)
SECOND = timedelta(seconds=1)
WEEK_AGO = NOW - timedelta(days=7)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"phase": "active"}, "FAILED phase: active"),
        ({"replica": replace(REPLICA, status="stopped")}, "FAILED status: stopped"),
        ({"replica": replace(REPLICA, follows=False)}, "FAILED replication: follows nobody"),
        ({"replica": replace(REPLICA, lag_seconds=300)}, "FAILED lag: 5 min"),
        ({"replica": replace(REPLICA, lag_seconds=None)}, "FAILED lag: no value"),
        ({"newest_restorable": None}, "FAILED newest restorable time: none"),
        (
            {"newest_restorable": NOW - timedelta(minutes=30) - SECOND},
            "FAILED newest restorable time: 2026-11-30 23:29:59 UTC, 30 min 1 s ago",
        ),
        ({"last_copied_backup": None}, "FAILED last copied backup: none"),
        (
            {"last_copied_backup": NOW - timedelta(hours=27)},
            "FAILED last copied backup: 2026-11-29 21:00:00 UTC, 27 h ago",
        ),
        ({"replication_latency": {"documents": 901.0}}, "FAILED documents: 15 min 1 s behind"),
        (
            {"image": Image("api:9", present=False)},
            "FAILED image: api:9 is not in the region's registry",
        ),
        ({"secrets": (replace(SECRET, present=False),)}, "FAILED jwt-key: is not in the region"),
        ({"secrets": (replace(SECRET, has_value=False),)}, "FAILED jwt-key: has no value"),
        ({"secrets": (replace(SECRET, in_step=False),)}, "FAILED jwt-key: the copy failed"),
        (
            {"secrets": (replace(SECRET, detached=True),)},
            "FAILED jwt-key: is no copy of the primary's any more",
        ),
        (
            {"recovery": Waiting("failover", "ana", NOW, "", only_clean_up=False)},
            (
                "FAILED recovery: a failover by ana is under way, since 2026-12-01 00:00:00 UTC "
                "before its first phase"
            ),
        ),
        (
            {"recovery": Waiting("failback", "ana", WEEK_AGO, "verify", only_clean_up=True)},
            "FAILED recovery: a fail-back by ana has waited for its clean-up for 7 days",
        ),
        ({"keys": {"data": "PendingDeletion"}}, "FAILED data: PendingDeletion"),
        ({"quotas": (NamedCheck("quota", "FAILED", "too low"),)}, "FAILED quota: too low"),
        (
            {"certificates": (Certificate("origin", "EXPIRED", NOW),)},
            "FAILED origin: EXPIRED",
        ),
        (
            {"certificates": (Certificate("origin", "ISSUED", NOW + timedelta(days=29)),)},
            "FAILED origin: ISSUED, until 2026-12-30",
        ),
        (
            {"lever": replace(LEVER, exists=False)},
            "FAILED lever: Route 53 has no health check hc-1",
        ),
        ({"lever": replace(LEVER, pulled=True)}, "FAILED lever: is pulled"),
        ({"healthy_targets": 0}, "FAILED targets: 0 healthy"),
        (
            {"states": (StateCopy("s3://state", readable=False, seen="AccessDenied"),)},
            "FAILED state in s3://state: AccessDenied",
        ),
        ({"drill": LastDrill(None, None, overdue=True)}, "FAILED drill: none has passed"),
        (
            {"drill": LastDrill(record(), timedelta(days=93), overdue=True)},
            "FAILED drill: 2026-11-28T090000Z-drill-prod-dr, 93 days ago",
        ),
        (
            {"restore_test": LastDrill(None, None, overdue=True)},
            "FAILED restore test: none has passed",
        ),
        (
            {"restore_test": LastDrill(restore_test(), timedelta(days=36), overdue=True)},
            "FAILED restore test: 2026-11-28T090000Z-restore-test-prod-prod, 36 days ago",
        ),
        (
            {"permissions": Permissions("r", {"promote": {"rds:Promote": False, "a:B": True}})},
            "FAILED promote: denied: rds:Promote",
        ),
    ],
)
def test_each_check_is_red_once(changes: dict[str, Any], told: str) -> None:
    """One fact that is not as wanted makes exactly one check fail, and the whole tree with it."""
    facts = replace(GOOD, **changes)
    assert failing(facts) == [told]
    assert readiness(facts).outcome == "FAILED"


ASKED = [
    name for name in Facts.__dataclass_fields__ if "NotAsked" in str(Facts.__annotations__[name])
]


@pytest.mark.parametrize("name", ASKED)
def test_what_nobody_could_ask_is_skipped_with_the_reason(name: str) -> None:
    """The primary's region is lost: that is no error of the standby."""
    tree = readiness(replace(GOOD, **{name: NotAsked("sa-east-1 does not answer")}))
    assert tree.outcome == "OK"
    reasons = [one.seen for one in tree.leaves() if one.outcome == "SKIPPED"]
    assert "sa-east-1 does not answer" in reasons


def test_every_fact_is_looked_at() -> None:
    """A fact that nobody judges would be asked for in vain."""
    assert len(ASKED) == 16
    nothing = replace(GOOD, **{name: NotAsked(name) for name in ASKED})
    seen = {one.seen for one in readiness(nothing).leaves() if one.outcome == "SKIPPED"}
    assert seen == set(ASKED)


def test_a_quota_that_nobody_may_read_is_skipped() -> None:
    """As `arca verify --quotas` says it."""
    facts = replace(GOOD, quotas=(NamedCheck("quota", "SKIPPED", "no permission"),))
    (quota,) = (one for one in readiness(facts).leaves() if one.name == "quota")
    assert quota.words() == "SKIPPED quota: no permission"


@st.composite
def trees(draw: st.DrawFn, depth: int = 3) -> Check:
    """Return a tree of checks."""
    if depth and draw(st.booleans()):
        children = draw(st.lists(trees(depth=depth - 1), min_size=1, max_size=3))
        return group("group", *children)
    return draw(
        st.sampled_from([ok("a", "x"), skipped("b", "why"), failed("c", "x", "wanted", "do")])
    )


@given(trees())
def test_a_parent_is_what_its_leaves_are(tree: Check) -> None:
    """FAILED with one failed leaf, SKIPPED with skipped leaves only; JSON says the same."""
    outcomes = {one.outcome for one in tree.leaves()}
    expected = "FAILED" if "FAILED" in outcomes else "OK" if "OK" in outcomes else "SKIPPED"
    assert tree.outcome == expected
    assert tree.as_json()["outcome"] == expected
    assert str(tree.as_json()).count("'seen'") == len(list(tree.leaves()))


@pytest.mark.parametrize(
    "fields",
    [
        {"outcome": "OK"},
        {"outcome": "SKIPPED"},
        {"outcome": "FAILED", "seen": "x", "wanted": "y"},
        {"outcome": "FAILED", "seen": "x", "do": "y"},
        {"outcome": "OK", "children": (failed("c", "x", "wanted", "do"),)},
    ],
)
def test_a_check_that_contradicts_itself_is_an_error(fields: dict[str, Any]) -> None:
    """A failed check always says what was wanted and what to do."""
    with pytest.raises(ValueError, match="one: "):
        Check("one", **fields)
