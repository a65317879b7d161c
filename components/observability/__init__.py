"""Observability: alarms, dashboards, queries, traces and error budgets."""

from components.observability.observability import Observability, Watched
from components.observability.spec import ObservabilitySpec

__all__ = ["Observability", "ObservabilitySpec", "Watched"]
