"""The annotations of an SLO that this project reads, and the numbers that its texts name."""

from collections.abc import Iterator, Mapping
from string import Template

from arca.monitoring.catalogue import CATALOGUE, Metric
from arca.monitoring.runbooks import RUNBOOKS
from arca.monitoring.slo.indicators import metric_names
from arca.monitoring.slo.openslo import SloDocument
from arca.monitoring.slo.place import Fault, KeyPath

ANNOTATION_PREFIX = "arca-api/"
RUNBOOK, LEAST_BAD, THRESHOLD, TRACE_FILTER = ANNOTATIONS = (
    f"{ANNOTATION_PREFIX}runbook",
    f"{ANNOTATION_PREFIX}minimum-bad-events",
    f"{ANNOTATION_PREFIX}threshold-ms",
    f"{ANNOTATION_PREFIX}trace-filter",
)
"""The annotations that an SLO may have, besides those of others."""
DEFAULTS: Mapping[str, str] = {
    RUNBOOK: "",
    LEAST_BAD: "1",
    THRESHOLD: "",
    TRACE_FILTER: "",
}


def annotation(slo: SloDocument, key: str) -> str:
    """Return an annotation, or its default."""
    return slo.metadata.annotations.get(key, DEFAULTS[key])


def threshold_ms(slo: SloDocument) -> int | None:
    """Return the milliseconds within which an event is good; None where no time decides it."""
    text = annotation(slo, THRESHOLD)
    return int(text) if text else None


def filled(slo: SloDocument, text: str) -> str:
    """Return a text with the document's numbers in place of their names, such as `$target`.

    Raises KeyError for an unknown name, and ValueError for a `$` before anything else.
    """
    share, threshold = slo.spec.objectives[0].share, threshold_ms(slo)
    numbers = {"target": f"{100 * share:g}%", "budget": f"{100 * (1 - share):.4g}%"}
    if threshold is not None:
        numbers |= {"threshold": f"{threshold} ms", "threshold_seconds": f"{threshold / 1000:g}"}
    return Template(text).substitute(numbers)


def annotation_faults(slo: SloDocument) -> Iterator[Fault]:
    """Yield the annotations that are unknown, missing or contradict the indicator."""
    for key in sorted(slo.metadata.annotations):
        if key.startswith(ANNOTATION_PREFIX) and key not in ANNOTATIONS:
            yield Fault(_path(key), f"annotation {key}: one of {', '.join(ANNOTATIONS)}")
    if annotation(slo, RUNBOOK) not in RUNBOOKS:
        yield Fault(_path(RUNBOOK), f"annotation {RUNBOOK}: one of {', '.join(sorted(RUNBOOKS))}")
    wrong = [
        key
        for key in (LEAST_BAD, THRESHOLD)
        if (text := annotation(slo, key)) and not (text.isdecimal() and int(text))
    ]
    for key in wrong:
        yield Fault(
            _path(key),
            f"annotation {key}: a whole number above 0, not {annotation(slo, key)}",
        )
    if THRESHOLD not in wrong:
        yield from _threshold_faults(slo)


def _threshold_faults(slo: SloDocument) -> Iterator[Fault]:
    """Yield a threshold that the service cannot count by, or lacks, and texts that name another."""
    good = timed_metrics(slo)
    given = threshold_ms(slo) is not None
    variable = [metric for metric in good if metric.threshold_variable]
    if variable and not given:
        yield Fault(
            _path(THRESHOLD),
            f"annotation {THRESHOLD} is missing: the service counts {variable[0].id} by it",
        )
    if given and not variable:
        takers = ", ".join(one.id for one in CATALOGUE.values() if one.threshold_variable)
        yield Fault(
            _path(THRESHOLD), f"annotation {THRESHOLD} goes with good events of one of {takers}"
        )
    if given and variable and len(good) > 1:
        yield Fault(
            _path(THRESHOLD), f"annotation {THRESHOLD} goes with a single metric of good events"
        )
    texts: Mapping[str, tuple[KeyPath, str]] = {
        "description": (("spec", "description"), slo.spec.description),
        f"annotation {TRACE_FILTER}": (_path(TRACE_FILTER), annotation(slo, TRACE_FILTER)),
    }
    for name, (path, text) in texts.items():
        try:
            filled(slo, text)
        except KeyError as unknown:
            yield Fault(path, f"{name}: ${unknown.args[0]} is no number of this document")
        except ValueError:
            yield Fault(
                path,
                f"{name}: a $ begins the name of a number, such as $target; $$ is a dollar sign",
            )


def timed_metrics(slo: SloDocument) -> list[Metric]:
    """Return the metrics of the good events, of which a threshold may decide."""
    for _, indicator in slo.spec.indicators():
        if indicator.ratio_metric is not None and indicator.ratio_metric.good is not None:
            names = metric_names(indicator.ratio_metric.good)
            return [CATALOGUE[name] for name in names if name in CATALOGUE]
    return []


def _path(key: str) -> KeyPath:
    return "metadata", "annotations", key
