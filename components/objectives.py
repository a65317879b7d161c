"""The objectives of the OpenSLO documents, as the program's components read them."""

from collections.abc import Mapping, Sequence

import pulumi

from arca.errors import ArcaError
from arca.monitoring.catalogue import Binding
from arca.monitoring.slo.objective import Objective
from arca.monitoring.slo.objectives import read_objectives


def declared_objectives(
    bindings: Mapping[Binding, Sequence[object]] | None = None,
) -> tuple[Objective, ...]:
    """Return every objective, or those that a stack with `bindings` can measure.

    Raises RunError with every problem of the documents: the engine shows its text and no traceback.
    """
    try:
        return read_objectives(bindings)
    except ArcaError as error:
        raise pulumi.RunError(str(error)) from None
