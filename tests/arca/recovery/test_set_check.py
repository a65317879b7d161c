"""The checker of histories: planted faults are found exactly, and nothing else."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arca.history import Operation, Stored
from arca.invoice import Authorized
from arca.recovery.set_check import SetCheck, check
from tests.arca.recovery.histories import (
    FATES,
    SECOND,
    acknowledged,
    asked,
    found,
    invoice,
    planted,
    reading,
)


@given(st.lists(st.sampled_from(FATES), max_size=40), st.integers(0, 2**32))
def test_planted_faults_are_found_exactly(fates: list[str], seed: int) -> None:
    """Each list holds the keys with that fate, and no other."""
    made = planted(fates, seed)
    result = check(made.operations, failed_ns=made.failed_ns)
    assert result.lost == made.keys("lost")
    assert result.duplicated == made.keys("duplicated")
    assert result.altered == made.keys("altered")
    assert result.unexpected == made.keys("unexpected")
    assert result.unknown_found == made.keys("unknown found")
    assert result.unknown_missing == made.keys("unknown missing")
    assert result.failed_found == made.keys("failed found")
    assert (result.never_read, result.vanished, result.lost_after_failure) == ((), (), ())
    assert result.stable == len(made.keys("stable", "duplicated", "altered"))
    assert result.acknowledged == len(made.acknowledgements)
    assert result.attempted == len(fates) - len(made.keys("unexpected"))


@given(st.lists(st.sampled_from(["stable", "lost"]), max_size=40), st.integers(0, 2**32))
def test_rpo_is_the_age_of_the_oldest_lost_acknowledgement(fates: list[str], seed: int) -> None:
    """It is 0 where nothing is lost; everything acknowledged before that moment is there."""
    made = planted(fates, seed)
    result = check(made.operations, failed_ns=made.failed_ns)
    lost = [made.acknowledgements[key] for key in made.keys("lost")]
    oldest = min(lost, default=made.failed_ns)
    assert result.rpo_seconds == (made.failed_ns - oldest) / SECOND
    before = [when for when in made.acknowledgements.values() if not lost or when < oldest]
    assert result.complete_until_ns == max(before, default=None)


@given(
    st.lists(st.sampled_from(["stable", "unknown found", "unknown missing", "failed"])),
    st.integers(0, 2**32),
)
def test_unknown_writes_are_no_false_alarm(fates: list[str], seed: int) -> None:
    """A write that timed out may be there or not, and one that failed is not there."""
    made = planted(fates, seed)
    result = check(made.operations, failed_ns=made.failed_ns)
    gaps = [text for text in result.wrong if "missing numbers" not in text]
    assert (result.lost, result.rpo_seconds, gaps) == ((), 0, [])


class Jepsen:
    """The words of Jepsen's own tests of `set-full`: an add or a read, invoked or done."""

    def __init__(self, text: str) -> None:
        self.operations: list[Operation] = []
        for time, word in enumerate(text.split(), start=1):
            key, done = f"k{word[1]}", "'" in word
            if word[0] == "a":
                self.operations.append(
                    acknowledged(time, key, invoice(int(word[1]) + 1)) if done else asked(time, key)
                )
            elif done:
                content = [
                    Stored(key=f"k{n}", invoice=invoice(int(n) + 1)) for n in word.partition("'")[2]
                ]
                self.operations.append(found(time, content, process=word[:2]))
            else:
                self.operations.append(reading(time, process=word[:2]))

    def outcomes(self) -> tuple[Sequence[str], Sequence[str], int]:
        """Return what is lost, what was never read, and how much is stable, as Jepsen counts."""
        result = check(self.operations, failed_ns=0)
        lost = sorted({*result.lost, *result.vanished})
        never = sorted({*result.never_read, *result.unknown_missing})
        return lost, never, result.stable + len(result.unknown_found)


@pytest.mark.parametrize(
    ("text", "lost", "never_read", "stable"),
    [
        ("a0 a0'", [], ["k0"], 0),
        ("a0 r1 r1'", [], ["k0"], 0),
        *((text, [], [], 1) for text in ("r1 a0 r1'0 a0'", "r1 a0 a0' r1'0", "a0 r1 r1'0 a0'")),
        *((text, [], [], 1) for text in ("a0 r1 a0' r1'0", "a0 a0' r1 r1'0")),
        ("a0 a0' r1 r1'", ["k0"], [], 0),
        *((text, [], ["k0"], 0) for text in ("r1 a0 r1' a0'", "r1 a0 a0' r1'")),
        *((text, [], ["k0"], 0) for text in ("a0 r1 r1' a0'", "a0 r1 a0' r1'")),
        ("a0 a1 r2 r2'1 a0' a1' r2 r2'01 r2 r2'0 r2 r2'", ["k0", "k1"], [], 0),
        ("a0 a0' a1 r2 r2'1 a1' r2 r3 r3'1 r2'0", ["k0"], [], 1),
    ],
)
def test_the_outcomes_are_those_of_jepsens_own_tests(
    text: str, lost: list[str], never_read: list[str], stable: int
) -> None:
    """Source: jepsen/test/jepsen/checker_test.clj, `set-full-test`, in the same order."""
    assert Jepsen(text).outcomes() == (lost, never_read, stable)


def test_a_write_that_was_seen_and_is_gone_vanished() -> None:
    """Nobody acknowledged it, so it does not count for the RPO; it is told all the same."""
    seen = [Stored(key="k", invoice=invoice(1))]
    lines = [asked(1, "k"), reading(2), found(3, seen), reading(4), found(5, [])]
    result = check(lines, failed_ns=4 * SECOND)
    assert (result.vanished, result.lost, result.rpo_seconds) == (("k",), (), 0)


def test_the_last_read_is_the_one_that_began_last() -> None:
    """An earlier one that ends later does not say what is left."""
    early, late = [Stored(key="x", invoice=invoice(1))], [Stored(key="y", invoice=invoice(7))]
    lines = [reading(1, "slow"), reading(2), found(3, late), found(4, early, "slow")]
    (series,) = check(lines, failed_ns=1).series
    assert series.first == 7


def test_a_retry_with_the_same_key_is_one_write() -> None:
    """The first request timed out, the second one is acknowledged."""
    timed_out = Operation(time_ns=2, process="of k", type="info", key="k")
    told = invoice(1)
    lines = [asked(1, "k"), timed_out, asked(3, "k"), acknowledged(4, "k", told)]
    result = check([*lines, reading(5), found(6, [Stored(key="k", invoice=told)])], failed_ns=5)
    assert (result.attempted, result.acknowledged, result.stable) == (1, 1, 1)
    assert result.wrong == ()


def test_two_invoices_acknowledged_for_one_key_are_duplicates() -> None:
    """Also where only one of them is left."""
    lines = [asked(1, "k"), acknowledged(2, "k", invoice(1)), asked(3, "k")]
    lines += [acknowledged(4, "k", invoice(2)), reading(5)]
    result = check([*lines, found(6, [Stored(key="k", invoice=invoice(2))])], failed_ns=5)
    assert result.duplicated == ("k",)
    assert result.wrong == ("1 keys with several invoices", *gap(result))


def gap(result: SetCheck) -> tuple[str, ...]:
    """Return the finding about gaps, if there is one."""
    return tuple(text for text in result.wrong if "missing numbers" in text)


@pytest.mark.parametrize(("promoted", "before"), [("0/2FF", ()), ("0/300", ("k2",)), (None, ())])
def test_nothing_before_the_promoted_position_may_be_lost(
    promoted: str | None, before: tuple[str, ...]
) -> None:
    """The log position is the database's own word about what the replica had."""
    lines = [asked(1, "k1"), acknowledged(2, "k1", invoice(1), position="0/100")]
    lines += [asked(3, "k2"), acknowledged(4, "k2", invoice(2), position="0/300")]
    lines += [reading(9), found(10, [Stored(key="k1", invoice=invoice(1))])]
    result = check(lines, failed_ns=8, promoted=promoted)
    assert result.lost_before_promotion == before
    assert (result.complete_position, result.complete_until_ns) == ("0/100", 2)
    assert any("before the promoted position" in text for text in result.wrong) == bool(before)


def test_an_acknowledgement_after_the_fence_is_told() -> None:
    """The fence let a write through: the RPO cannot say that, and the finding does."""
    lines = [asked(1, "k"), acknowledged(9, "k", invoice(1)), reading(10), found(11, [])]
    result = check(lines, failed_ns=5)
    assert (result.lost, result.rpo_seconds) == (("k",), 0)
    assert result.lost_after_failure == ("k",)
    assert result.wrong == ("1 invoices acknowledged after the failure and lost",)


@given(
    st.sets(st.integers(2, 60), max_size=30),
    st.lists(st.integers(1, 60), max_size=5),
)
def test_gaps_and_repeats_of_numbers_are_found_exactly(present: set[int], again: list[int]) -> None:
    """Each series on its own; the ranges cover exactly what is missing."""
    used = {1, *present}
    twice = sorted(set(again) & used)
    content = [
        Stored(key=f"{sale}-{n}", invoice=invoice(n, sale=sale)) for sale in (1, 2) for n in used
    ]
    content += [Stored(key=f"again-{n}", invoice=invoice(n, id_=f"again-{n}")) for n in twice]
    result = check([reading(1), found(2, content)], failed_ns=1, first_number=1)
    first, second = result.series
    missing = {n for low, high in first.gaps for n in range(low, high + 1)}
    assert missing == set(range(1, max(used))) - used
    assert (list(first.repeats), second.repeats) == (twice, ())
    assert (first.last, first.count, second.gaps) == (max(used), len(used) + len(twice), first.gaps)


def test_a_number_that_the_lost_primary_gave_is_no_gap() -> None:
    """Nobody ever gave the other one, and what is above the last is not missing yet."""
    lines = [reading(1), found(2, [Stored(key="k", invoice=invoice(4))])]
    lost = [invoice(1), invoice(3), invoice(7)]
    (series,) = check(lines, failed_ns=1, first_number=1, lost=lost).series
    assert (series.gaps, series.lost) == (((2, 2),), (1, 3))
    assert (series.first, series.last, series.count) == (4, 4, 1)


def test_an_invoice_that_got_another_number_was_lost() -> None:
    """The replica had it without its number; the acknowledged one came back from the agency."""
    told, now = invoice(1, cae="7" * 14, id_="a"), invoice(2, cae="8" * 14, id_="a")
    back = invoice(1, cae="7" * 14, id_="recovered")
    lines = [asked(1, "k"), acknowledged(2, "k", told), reading(8)]
    lines += [found(9, [Stored(key="k", invoice=now)])]
    result = check(lines, failed_ns=5, recovered=[back])
    assert (result.recovered, result.altered, result.stable) == (("k",), (), 0)
    assert (result.rpo_seconds, result.wrong) == (3 / SECOND, ())
    # With another CAE than the customer has, it is none of the customer's.
    other = back.model_copy(update={"cae": "9" * 14})
    result = check(lines, failed_ns=5, recovered=[other])
    assert (result.recovered, result.altered) == ((), ("k",))


def test_the_first_number_is_known_or_not() -> None:
    """A lost beginning is a gap only where it is known where the series begins."""
    lines = [reading(1), found(2, [Stored(key="k", invoice=invoice(3))])]
    (series,) = check(lines, failed_ns=1, first_number=1).series
    assert series.gaps == ((1, 2),)
    (series,) = check(lines, failed_ns=1).series
    assert series.gaps == ()


AGENCY = [
    Authorized(point_of_sale=1, kind=6, number=number, cae=f"{number:014}") for number in (1, 2, 3)
]


@pytest.mark.parametrize(
    ("here", "lost", "impossible", "different"),
    [
        ([(1, 1), (2, 2), (3, 3)], (), (), ()),
        ([(1, 1), (2, 2)], ("00001-00000003 type 6",), (), ()),
        ([(1, 1), (2, 2), (3, None)], ("00001-00000003 type 6",), (), ()),
        ([(1, 1), (2, 2), (3, 3), (4, 4)], (), ("00001-00000004 type 6",), ()),
        ([(1, 1), (2, 2), (3, 3), (4, None)], (), (), ()),
        ([(1, 1), (2, 9), (3, 3)], (), (), ("00001-00000002 type 6",)),
    ],
)
def test_the_agencys_list_tells_what_the_database_cannot(
    here: list[tuple[int, int | None]],
    lost: tuple[str, ...],
    impossible: tuple[str, ...],
    different: tuple[str, ...],
) -> None:
    """A CAE that the agency gave and nobody here has; one that it never gave; two that differ."""
    content = [
        Stored(key=str(n), invoice=invoice(n, cae="" if cae is None else f"{cae:014}"))
        for n, cae in here
    ]
    agency = check([reading(1), found(2, content)], failed_ns=1, authorized=AGENCY).agency
    assert agency is not None
    assert (agency.lost, agency.impossible, agency.different) == (lost, impossible, different)


def test_an_empty_history_proves_nothing() -> None:
    """Neither does one whose writes nobody read."""
    assert not check([], failed_ns=0).proves
    lines = [asked(1, "k"), acknowledged(2, "k", invoice(1))]
    result = check(lines, failed_ns=3)
    assert (result.never_read, result.proves) == (("k",), False)
