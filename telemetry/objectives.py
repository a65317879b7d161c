"""The objectives of slo/, resolved against the catalogue and the runbooks."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from slo.documents import Documents
from slo.goal import Goal, resolve
from telemetry.board import bound
from telemetry.catalogue import CATALOGUE
from telemetry.metric import Binding
from telemetry.runbooks import RUNBOOKS


def goals(
    bind: Mapping[Binding, Sequence[object]] | None = None, *, directory: Path | None = None
) -> tuple[Goal, ...]:
    """Every objective, or those that a stack can measure: one without a probe has no canary.

    Raises Explained with every problem of the documents, each as `file:line`.
    """
    found = resolve(Documents.read(directory), metrics=CATALOGUE, runbooks=RUNBOOKS)
    if bind is None:
        return found
    return tuple(goal for goal in found if all(bound(r, bind) for r in goal.readings()))
