"""The graphs of stacks for commands that read them, recorded from the stacks' files."""

import json
from dataclasses import replace
from typing import Any

from arca import checkout, stackfile
from arca.cost.graph import LoadedGraph
from arca.emulator.record import Declared, Recorded, record
from arca.graph import Resource
from arca.stackfile import PREFIX, StackFile


class Recorder:
    """Records each stack once; a secondary after the primary whose exports it reads.

    With `serving`, a stack is recorded as it is while it serves customers, whatever its phase is.
    """

    def __init__(self, *, serving: bool = False) -> None:
        self._serving = serving
        self._recorded: dict[str, Recorded] = {}
        self._graphs: dict[str, LoadedGraph] = {}

    def graph(self, stack: str) -> LoadedGraph:
        """Return the graph of a stack; raises ArcaError for settings that are not valid."""
        if stack not in self._graphs:
            self._graphs[stack] = self._record(stackfile.read(stackfile.path_of(stack)))
        return self._graphs[stack]

    def graph_of(self, file: StackFile) -> LoadedGraph:
        """Return the graph of a stack whose file is nowhere; raises ArcaError as `graph` does."""
        return self._record(file)

    def _record(self, file: StackFile) -> LoadedGraph:
        stack = file.stack
        if self._serving:
            file = _serving(file)
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


def in_phase(file: StackFile, phase: str) -> StackFile:
    """Return a secondary's file with another phase of its failover."""
    key = f"{PREFIX}recovery"
    recovery: dict[str, Any] = json.loads(file.config[key])
    return replace(file, config={**file.config, key: json.dumps({**recovery, "phase": phase})})


def _serving(file: StackFile) -> StackFile:
    """Return a stack's file with the phase in which it serves: no phase at all for a primary."""
    key = f"{PREFIX}recovery"
    if key not in file.config:
        return file
    recovery: dict[str, Any] = json.loads(file.config[key])
    recovery.pop("phase", None)
    if recovery.get("role") == "secondary":
        recovery["phase"] = "active"
    return replace(file, config={**file.config, key: json.dumps(recovery)})


def _resource(declared: Declared) -> Resource:
    one = declared.registration
    return Resource(
        one.type,
        one.name,
        one.component,
        one.inputs,
        declared.id,
        declared.outputs,
        one.urn,
        one.dependencies,
        one.ignore_changes,
    )
