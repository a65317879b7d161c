"""Histories of operations for tests: single lines, and whole ones with planted faults."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from arca.history import Operation, Stored
from arca.invoice import Invoice

SECOND = 1_000_000_000


def invoice(number: int, *, cae: str = "", sale: int = 1, id_: str = "") -> Invoice:
    """Return an invoice B of a point of sale."""
    return Invoice(
        id=id_ or f"inv-{sale}-{number}", point_of_sale=sale, kind=6, number=number, cae=cae
    )


def asked(time_ns: int, key: str, process: str = "") -> Operation:
    """Return the request of an issue."""
    return Operation(time_ns=time_ns, process=process or f"of {key}", type="invoke", key=key)


def acknowledged(
    time_ns: int, key: str, told: Invoice, *, process: str = "", position: str | None = None
) -> Operation:
    """Return the answer that an invoice was issued."""
    return Operation(
        time_ns=time_ns,
        process=process or f"of {key}",
        type="ok",
        key=key,
        invoice=told,
        position=position,
    )


def reading(time_ns: int, process: str = "reader") -> Operation:
    """Return the beginning of a read."""
    return Operation(time_ns=time_ns, process=process, operation="read", type="invoke")


def found(time_ns: int, content: Iterable[Stored], process: str = "reader") -> Operation:
    """Return the answer of a read."""
    return Operation(
        time_ns=time_ns, process=process, operation="read", type="ok", found=tuple(content)
    )


FATES = (
    *("stable", "lost", "unknown found", "unknown missing", "failed", "failed found"),
    *("duplicated", "altered", "unexpected"),
)
"""What may become of a key."""


@dataclass
class Planted:
    """A history with known faults, and what a checker must find in it."""

    fates: Mapping[str, str]
    operations: list[Operation] = field(default_factory=list[Operation])
    failed_ns: int = 0
    acknowledgements: dict[str, int] = field(default_factory=dict[str, int])

    def keys(self, *fates: str) -> tuple[str, ...]:
        """Return the keys with these fates, in order."""
        return tuple(sorted(key for key, fate in self.fates.items() if fate in fates))


def planted(fates: Sequence[str], seed: int) -> Planted:
    """Return a history in which each key has its fate; requests overlap as the seed decides."""
    random = Random(seed)  # noqa: S311 - a reproducible test
    made = Planted({f"key-{number:04}": fate for number, fate in enumerate(fates)})
    left: list[Stored] = []
    for number, (key, fate) in enumerate(made.fates.items(), start=1):
        if fate == "unexpected":
            left.append(Stored(key=key, invoice=invoice(number)))
            continue
        begun = random.randrange(1000 * SECOND)
        done = begun + random.randrange(1, 5 * SECOND)
        made.operations.append(asked(begun, key))
        told = invoice(number, cae="7" * 14)
        if fate in ("stable", "lost", "duplicated", "altered"):
            made.acknowledgements[key] = done
            made.operations.append(acknowledged(done, key, told))
        elif fate in ("failed", "failed found"):
            made.operations.append(_ended(done, key, "fail"))
        elif random.random() < 0.5:
            # The other half never gets an answer at all.
            made.operations.append(_ended(done, key, "info"))
        if fate in ("stable", "unknown found", "failed found", "duplicated"):
            left.append(Stored(key=key, invoice=told))
        if fate == "duplicated":
            left.append(Stored(key=key, invoice=invoice(number + 100_000)))
        if fate == "altered":
            left.append(Stored(key=key, invoice=told.model_copy(update={"id": "another"})))
    random.shuffle(left)
    made.failed_ns = 1010 * SECOND
    made.operations += [reading(1020 * SECOND), found(1021 * SECOND, left)]
    made.operations.sort(key=lambda one: one.time_ns)
    return made


def _ended(time_ns: int, key: str, how: str) -> Operation:
    return Operation.model_validate(
        {"time_ns": time_ns, "process": f"of {key}", "type": how, "key": key}
    )
