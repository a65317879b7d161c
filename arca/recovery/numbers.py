"""The numbers of invoices: gaps and repeats by series, and the comparison with the tax agency."""

from collections import Counter
from collections.abc import Iterable, Mapping

from pydantic import BaseModel, ConfigDict

from arca.invoice import Authorized, Invoice, Series


class SeriesNumbers(BaseModel):
    """The numbers of a series from its first to its last."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    series: Series
    first: int
    last: int
    count: int
    """Invoices, repeats included."""
    gaps: tuple[tuple[int, int], ...] = ()
    """First and last number of each range that is missing, and that nobody ever gave."""
    lost: tuple[int, ...] = ()
    """Numbers below the last that are missing, and that the lost primary had given."""
    repeats: tuple[int, ...] = ()
    """Numbers that more than one invoice has."""


class Agency(BaseModel):
    """The comparison with what the tax agency authorized, as texts that name the invoice."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    authorized: int
    """Invoices that the agency was asked about and has."""
    lost: tuple[str, ...] = ()
    """Authorized there, and their CAE is not here: lost here."""
    impossible: tuple[str, ...] = ()
    """A CAE is here that the agency never gave."""
    different: tuple[str, ...] = ()
    """Both have a CAE for the number, and not the same one."""


def numbers(
    invoices: Iterable[Invoice], first: int | None = None, lost: Iterable[Invoice] = ()
) -> tuple[SeriesNumbers, ...]:
    """Return the numbers of each series; `first` is where all of them begin, if that is known.

    `lost` are invoices that only the lost primary has: their numbers were given, so that they are
    no gaps.
    """
    given: dict[Series, set[int]] = {}
    for one in lost:
        given.setdefault(one.series, set()).add(one.number)
    found: dict[Series, Counter[int]] = {}
    for one in invoices:
        found.setdefault(one.series, Counter())[one.number] += 1
    return tuple(
        _numbers(series, found[series], first, given.get(series, set()))
        for series in sorted(found, key=lambda one: (one.point_of_sale, one.kind))
    )


def _numbers(
    series: Series, counts: Mapping[int, int], first: int | None, given: set[int]
) -> SeriesNumbers:
    present = sorted(counts)
    missing = {number for number in given - set(present) if number < present[-1]}
    known = sorted({*present, *missing})
    before = [first - 1] if first is not None and first <= known[0] else known[:1]
    steps = zip([*before, *known], known, strict=False)
    return SeriesNumbers(
        series=series,
        first=present[0],
        last=present[-1],
        count=sum(counts.values()),
        gaps=tuple((low + 1, high - 1) for low, high in steps if high - low > 1),
        lost=tuple(sorted(missing)),
        repeats=tuple(number for number in present if counts[number] > 1),
    )


def compare(invoices: Iterable[Invoice], authorized: Iterable[Authorized]) -> Agency:
    """Compare what is stored with what the agency authorized in the same series.

    An invoice that is stored without a CAE is lost here too if the agency authorized its number.
    """
    there = {_place(one): one.cae for one in authorized}
    here: dict[tuple[int, int, int], set[str]] = {}
    for one in invoices:
        here.setdefault(_place(one), set()).add(one.cae)
    known = {place: codes - {""} for place, codes in here.items()}
    return Agency(
        authorized=len(there),
        lost=_texts(place for place in there if not known.get(place)),
        impossible=_texts(place for place, codes in known.items() if codes and place not in there),
        different=_texts(place for place, cae in there.items() if known.get(place, set()) - {cae}),
    )


def _place(one: Invoice | Authorized) -> tuple[int, int, int]:
    return one.point_of_sale, one.kind, one.number


def _texts(places: Iterable[tuple[int, int, int]]) -> tuple[str, ...]:
    return tuple(f"{sale:05}-{number:08} type {kind}" for sale, kind, number in sorted(places))
