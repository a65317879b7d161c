"""Answer whether one place of a stack reaches another one."""

from collections.abc import Mapping
from difflib import get_close_matches

from arca.errors import ArcaError
from arca.graph import Graph
from arca.reach.answer import Answer, Blocked, Hop, Obstacle, Walk
from arca.reach.hosts import Hosts
from arca.reach.known import unknown_resources
from arca.reach.network import Outside
from arca.reach.places import ALIASES, SOURCES, TARGETS, Source, Target, service_port


def reach(graph: Graph, source: str, target: str) -> Answer:
    """Return whether a place reaches another one: the path, and the first obstacle on it.

    Raises ArcaError for a place that does not exist, for two places that are both outside the
    stack, and for a graph with resources that this package does not know.
    """
    start, end = check_names(source, target)
    _only_known(graph)
    hosts = Hosts(graph)
    if not decides(hosts, start, end):
        raise ArcaError(
            f"The graph does not decide whether {source} reaches {target}.",
            where=f"stack {graph.stack}",
            wanted="two different places, at least one of them in the stack",
            do="name another place: `arca explain reach` shows the matrix",
        )
    return _answer(hosts, start, end)


def matrix(graph: Graph) -> Mapping[tuple[str, str], Answer]:
    """Return the answer for each source and target that the graph decides.

    Raises ArcaError for a graph with resources that this package does not know.
    """
    _only_known(graph)
    hosts = Hosts(graph)
    return {
        (source.name, target.name): _answer(hosts, source, target)
        for source in SOURCES.values()
        for target in TARGETS.values()
        if decides(hosts, source, target)
    }


def decides(hosts: Hosts, source: Source, target: Target) -> bool:
    """Return whether the graph decides: not between two outside places, nor a place and itself."""
    outside = not target.inside and isinstance(source.host(hosts), Outside | None)
    return source.name != target.name and not outside


def _answer(hosts: Hosts, source: Source, target: Target) -> Answer:
    port = target.port or service_port(hosts.graph)
    path: list[Hop] = []
    obstacle: Obstacle | None = None
    try:
        path.extend(_walk(hosts, source, target))
    except Blocked as blocked:
        obstacle = blocked.obstacle
    return Answer(source.name, target.name, port, tuple(path), obstacle)


def _walk(hosts: Hosts, source: Source, target: Target) -> Walk[None]:
    stack = hosts.graph.stack
    if source.host(hosts) is None:
        raise Blocked("none here", source.name, f"stack {stack} has none")
    if not target.there(hosts.graph):
        lacks = f"stack {stack} has none" if target.inside else f"nothing in stack {stack} asks it"
        raise Blocked("none here", target.name, lacks)
    yield from target.walk(hosts, source)


def check_names(source: str, target: str) -> tuple[Source, Target]:
    """Return two places by their names; raises ArcaError for one that does not exist."""
    start = SOURCES.get(ALIASES.get(source, source))
    if start is None:
        raise _no_place(source, "FROM", SOURCES)
    end = TARGETS.get(ALIASES.get(target, target))
    if end is None:
        raise _no_place(target, "TO", TARGETS)
    return start, end


def _no_place(
    name: str, argument: str, places: Mapping[str, Source] | Mapping[str, Target]
) -> ArcaError:
    close = get_close_matches(name, [*places, *ALIASES], n=1)
    meant = f"did you mean {close[0]}? " if close else ""
    return ArcaError(
        f"There is no place {name!r}.",
        where=argument,
        wanted=f"one of {', '.join(places)}",
        do=f"{meant}`arca explain reach` shows the matrix of all places",
    )


def _only_known(graph: Graph) -> None:
    unknown = unknown_resources(graph)
    if unknown:
        raise ArcaError(
            f"The graph has network resources that nobody taught to `arca`: {', '.join(unknown)}.",
            where=f"stack {graph.stack}",
            wanted="resources that arca/reach knows, because a guess would be a lie",
            do="teach arca/reach what they change, and add their types to arca/reach/known.py",
        )
