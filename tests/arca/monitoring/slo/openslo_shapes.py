"""Documents in the shapes of the OpenSLO project's four examples, about a library of our own.

The examples (OpenSLO/OpenSLO, folder examples/, September 2025) name no Service, measure with a
source of type "Any", and leave `alertPolicies` without a value.
"""

import textwrap

HEAD = """\
apiVersion: openslo/v1
kind: SLO
metadata:
  name: {name}
  displayName: {title}
spec:
  description: Readers find what they came for.
  service: library
  indicator:
    metadata:
      name: {name}
      displayName: What the readers see
    spec:
"""
SOURCE = """\
          metricSource:
            type: Any
            spec:
              query: Any
"""
RATIO = f"""\
      ratioMetric:
        good:
{SOURCE}\
        total:
{SOURCE}"""
CALENDAR = """\
      isRolling: false
      calendar:
        startTime: 2024-05-01 09:30:00
        timeZone: America/Argentina/Buenos_Aires
"""

OCCURRENCES = (
    HEAD.format(name="lending", title="Time of lending")
    + "      thresholdMetric:\n"
    + textwrap.indent(textwrap.dedent(SOURCE), 8 * " ")
    + """\
  timeWindow:
    - duration: 2w
      isRolling: true
  budgetingMethod: Occurrences
  objectives:
    - displayName: Fast enough
      op: lt
      value: 750
      target: 0.97
  alertPolicies:
"""
)
RATIO_TIMESLICES = (
    HEAD.format(name="catalogue", title="Catalogue")
    + RATIO
    + """\
  timeWindow:
    - duration: 2w
      isRolling: true
  budgetingMethod: RatioTimeslices
  objectives:
    - displayName: Found
      op: gt
      timeSliceWindow: 1m
      target: 0.97
"""
)
TIMESLICES = (
    HEAD.format(name="opening", title="Opening hours")
    + RATIO
    + "  timeWindow:\n    - duration: 1m\n"
    + CALENDAR
    + """\
  budgetingMethod: Timeslices
  objectives:
    - displayName: Ours
      op: gt
      target: 0.98
      timeSliceTarget: 0.97
      timeSliceWindow: 1m
    - displayName: The contract's
      target: 0.96
      timeSliceTarget: 0.97
      timeSliceWindow: 1m
  alertPolicies:
"""
)
LOW_TRAFFIC = (
    HEAD.format(name="night", title="The night desk")
    + RATIO
    + "  timeWindow:\n    - duration: 1w\n"
    + CALENDAR
    + """\
  budgetingMethod: Timeslices
  objectives:
    - displayName: Somebody answers
      op: gt
      target: 0.9985
      timeSliceTarget: 0.9
      timeSliceWindow: 1m
"""
)
SHAPES = {
    "occurrences of a threshold metric": OCCURRENCES,
    "ratio of time slices": RATIO_TIMESLICES,
    "time slices of a calendar's month, two objectives": TIMESLICES,
    "time slices of a calendar's week at low traffic": LOW_TRAFFIC,
}
SERVICE = """\
apiVersion: openslo/v1
kind: Service
metadata:
  name: library
spec:
  description: It lends books.
"""
