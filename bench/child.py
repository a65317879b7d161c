"""One measured thing in a process of its own: `python -m bench.child WHAT`."""

import json
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any, cast

KINDS_FILE = 2


def main() -> None:
    """Do what is asked; print seconds and peak memory as JSON."""
    started = time.perf_counter()
    extra = ACTIONS[sys.argv[1]](*sys.argv[KINDS_FILE:])
    seconds = time.perf_counter() - started
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    json.dump({"seconds": seconds, "peak_mib": peak_mib, **extra}, sys.stdout)


class Blank:
    """A cloud that answers with the inputs and a name: the recording monitor's least."""

    def create(self, registration: Any) -> tuple[str, dict[str, Any]]:
        """Echo."""
        return registration.name, dict(registration.inputs)

    def read_stack(self, name: str) -> dict[str, Any]:
        """No stack is read."""
        raise KeyError(name)


def prod() -> dict[str, Any]:
    """Evaluate the whole program of prod, imports included."""
    from tests.graph import declare

    graph = declare("prod")
    return {"resources": len(graph.nodes), "kinds": Counter(node.type for node in graph.custom())}


def floor(resources: str, kinds: str) -> dict[str, Any]:
    """Load the same classes and register as many bare resources."""
    from arca.emulator.program import engine
    from bench.floor import declare_floor

    counts: dict[str, int] = json.loads(kinds)
    program = partial(declare_floor, counts, int(resources) - sum(counts.values()))
    engine.run(program, stack="floor", config={}, cloud=Blank())
    return {}


def growth(times: str) -> dict[str, Any]:
    """Declare the components so many times; only the declarations are timed."""
    from arca import stackfile
    from arca.emulator.program import engine
    from tests.graph import Recorder, declare

    declare("prod")
    config = stackfile.stack_config("prod")

    def program() -> None:
        for number in range(int(times)):
            renamed(number, engine.main)

    recorder = Recorder(config)
    started = time.perf_counter()
    engine.run(program, stack="prod", config=config, cloud=recorder)
    return {"declared": time.perf_counter() - started, "resources": len(recorder.graph.nodes)}


def renamed(number: int, program: Callable[[], None]) -> None:
    """Run the program with another prefix for each logical name."""
    import pulumi

    register = pulumi.Resource.__init__

    def prefixed(self: Any, t: str, name: str, *args: Any, **kwargs: Any) -> None:
        register(self, t, f"n{number}-{name}", *args, **kwargs)

    pulumi.Resource.__init__ = prefixed
    try:
        program()
    finally:
        pulumi.Resource.__init__ = register


def help_text() -> dict[str, Any]:
    """Show the command's help."""
    from contextlib import redirect_stdout
    from io import StringIO

    from arca.cli.main import cli

    with redirect_stdout(StringIO()):
        cli(["--help"], standalone_mode=False)
    return {}


def click_only() -> dict[str, Any]:
    """Import the command line's library."""
    import click

    return {"version": click.__name__}


def sdk() -> dict[str, Any]:
    """Load what any command needs that asks AWS three things: clients of AWS's own library."""
    import boto3

    make = cast("Callable[..., Any]", boto3.client)
    made = [make(name, region_name="sa-east-1") for name in ("ecs", "cloudwatch", "ssm")]
    return {"clients": len(made)}


ACTIONS: dict[str, Callable[..., dict[str, Any]]] = {
    "prod": prod,
    "floor": floor,
    "growth": growth,
    "help": help_text,
    "click": click_only,
    "sdk": sdk,
}

if __name__ == "__main__":
    main()
