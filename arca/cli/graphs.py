"""The graphs of stacks for commands that read them, recorded from the stacks' files."""

from typing import Any

from arca import checkout, stackfile
from arca.cost.graph import LoadedGraph
from arca.emulator.record import Declared, Recorded, record
from arca.graph import Resource


class Recorder:
    """Records each stack once; a secondary after the primary whose exports it reads."""

    def __init__(self) -> None:
        self._recorded: dict[str, Recorded] = {}
        self._graphs: dict[str, LoadedGraph] = {}

    def graph(self, stack: str) -> LoadedGraph:
        """Return the graph of a stack; raises ArcaError for settings that are not valid."""
        if stack not in self._graphs:
            self._graphs[stack] = self._record(stack)
        return self._graphs[stack]

    def _record(self, stack: str) -> LoadedGraph:
        file = stackfile.read(stackfile.path_of(stack))
        settings: Any = checkout.program_module("settings.load").parse(file, emulated=True)
        primary = settings.recovery.primary_stack
        primary_graph = self.graph(primary) if primary else None
        exports = self._recorded[primary].exports if primary else None
        recorded = record(stack, file.config, primary=exports)
        self._recorded[stack] = recorded
        traffic = settings.traffic
        return LoadedGraph(
            stack=stack,
            region=settings.region,
            resources=tuple(map(_resource, recorded.resources)),
            exports=recorded.exports,
            traffic=traffic if settings.serving else traffic.standing_by(),
            plan=settings.edge.plan,
            primary=primary_graph,
        )


def _resource(declared: Declared) -> Resource:
    one = declared.registration
    return Resource(one.type, one.name, one.component, one.inputs, declared.id, declared.outputs)
