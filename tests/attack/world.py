"""An emulated stack, and the operators who work on it at once, each in a thread of its own.

Only one thread runs at a time. It hands over at its calls to AWS, where the case's seed says so,
so that a case always runs the same way.
"""

import importlib
import pkgutil
import sys
import traceback
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from io import StringIO, TextIOBase
from random import Random
from threading import Event, Thread, current_thread
from typing import Any, Self, TextIO, cast

import pytest
from moto.elbv2 import models  # pyright: ignore[reportMissingTypeStubs] # moto has none

import arca.release
from arca import clients
from arca.cli.main import main
from arca.emulator.aws_clients import share_service_models
from tests.arca.emulator.ecs.emulated_ecs import CLUSTER, SERVICE
from tests.arca.release.stage import JOURNAL, Stage
from tests.attack import oracle
from tests.attack.wire import Call, Endless, Line, Wire, fill_quotas, record_quotas

WAIT = 300
"""Seconds after which a case counts as hanging."""
EVIDENCE = (
    "elastic-load-balancing-v2.DescribeRules",
    "elastic-load-balancing-v2.DescribeTargetHealth",
    "ecs.ListTasks",
)
"""The calls by which a command reads what runs."""


class Killed(BaseException):
    """Ends a command as SIGKILL does: nothing handles it, and nothing is tidied up."""


@dataclass
class Operator:
    """One run of `arca`, its connection, and how it ended."""

    words: tuple[str, ...]
    line: Line = field(default_factory=Line)
    ending: oracle.Ending | None = None
    moments: list[tuple[int, oracle.State]] = field(default_factory=list[tuple[int, oracle.State]])
    """What the cloud was when somebody else was about to change it, and this run's calls so far."""
    before: oracle.State | None = None
    out: StringIO = field(default_factory=StringIO)
    err: StringIO = field(default_factory=StringIO)
    thread: Thread | None = None
    go: Event = field(default_factory=Event)

    def acceptable(self, end: oracle.State) -> list[oracle.State]:
        """Return the states that a true verdict may describe.

        These are the end, and each state before which the evidence was not read anew: a verdict
        cannot know what changes after it has looked.
        """
        return [*(state for number, state in self.moments if not self._looked(number)), end]

    def _looked(self, number: int) -> bool:
        """Return whether the whole evidence was read from a call on, in its order."""
        labels = iter(call.label for call in self.line.calls[number - 1 :])
        return all(wanted in labels for wanted in EVIDENCE)


class _Stream(TextIOBase):
    """Standard output or error of the operator whose turn it is."""

    encoding = "utf-8"
    errors = "strict"

    def __init__(self, world: "World", name: str) -> None:
        self._world, self._name = world, name

    def write(self, s: str, /) -> int:
        """Write the text for the operator whose turn it is."""
        stream: StringIO = getattr(self._world.active, self._name)
        return stream.write(s)


class _Serial:
    """Does at once what a ThreadPoolExecutor does in threads, so that calls have an order."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def map(self, function: Callable[..., Any], *items: Iterable[Any]) -> Iterator[Any]:
        """Return the function's results, in order."""
        return iter([function(*one) for one in zip(*items, strict=False)])

    def submit(self, function: Callable[..., Any], *arguments: Any, **named: Any) -> "_Serial":
        """Call the function; the result or the error comes out of `result`."""
        done = _Serial()
        try:
            value = function(*arguments, **named)
        except Exception as error:  # noqa: BLE001 - a Future keeps whatever is raised
            done.__dict__["error"] = error
        else:
            done.__dict__["value"] = value
        return done

    def result(self, *_: Any) -> Any:
        """Return the result, or raise the error."""
        if "error" in self.__dict__:
            raise self.__dict__["error"]
        return self.__dict__["value"]


@cache
def _modules() -> tuple[Any, ...]:
    """Return the modules of the releases, all imported."""
    names = [one.name for one in pkgutil.iter_modules(arca.release.__path__, "arca.release.")]
    return tuple(map(importlib.import_module, names))


@cache
def _client_maker() -> Callable[..., Any]:
    """Return the product's own maker of clients, whose clients this process keeps."""
    share_service_models()
    record_quotas()
    return clients.__dict__["_client"]


_wired = set[int]()
_current: list["World"] = []
"""The world of the case that runs: the kept clients look it up."""


def _begin_call(**details: Any) -> None:
    _current[0].wire.before_call(**details)


def _send(**details: Any) -> Any:
    return _current[0].wire.send(**details)


class World:
    """A stack in an emulated AWS, and those who work on it."""

    def __init__(self, patch: pytest.MonkeyPatch, *, strategy: str, rng: Random) -> None:
        maker = _client_maker()
        self.rng = rng
        self.stage = Stage(patch, strategy=strategy)
        self.stage.commands(patch)
        self.active = Operator(())
        self.operators = list[Operator]()
        self.switching = 0.0
        """The probability that another operator goes on after a call."""
        self.strangers = 0
        """What somebody without `arca` did."""
        self.broken = False
        """Whether faults were injected into the emulator."""
        self.sick = set[str]()
        """Addresses whose targets are unhealthy."""
        self._done = Event()
        wire = Wire(self.stage.cloud.wsgi, lambda: self.active.line)
        _current[:] = [self]
        self._wire = wire

        def make(*arguments: Any, **named: Any) -> Any:
            made = maker(*arguments, **named)
            if id(made) not in _wired:
                _wired.add(id(made))
                events = made.meta.events
                events.register_first("before-call", _begin_call)
                events.register("before-send", _send)
            return made

        patch.setattr(clients, "_client", make)
        for module in _modules():
            if hasattr(module, "ThreadPoolExecutor"):
                patch.setattr(module, "ThreadPoolExecutor", _Serial)
        self._make_sickness_visible(patch)
        patch.setattr(sys, "stdout", _Stream(self, "out"))
        patch.setattr(sys, "stderr", _Stream(self, "err"))
        patch.setattr(sys, "argv", ["arca"])
        self.reader = oracle.Reader(
            self.stage.client,
            oracle.Places(CLUSTER, SERVICE, self.stage.cloud.rule, JOURNAL),
        )

    @property
    def wire(self) -> Wire:
        """The way of all commands to the emulated AWS."""
        return self._wire

    def _make_sickness_visible(self, patch: pytest.MonkeyPatch) -> None:
        group = cast("Any", models).FakeTargetGroup
        known = group.health_for

        def health_for(this: Any, target: Any, backend: Any) -> Any:
            found = known(this, target, backend)
            if target["Id"] in self.sick and found.status == "healthy":
                found.status = "unhealthy"
            return found

        patch.setattr(group, "health_for", health_for)

    def state(self) -> oracle.State:
        """Read what the emulated AWS is now."""
        return self.reader.read()

    # Operators

    def run(self, *words: str, line: Line | None = None) -> Operator:
        """Run `arca` with these words to its end, with the operators that begin meanwhile."""
        first = self.begin(*words, line=line)
        self.resume_turns(first)
        return first

    def resume_turns(self, first: Operator) -> None:
        """Let an operator go on, and then all others, until everybody has ended."""
        self._done.clear()
        self._hand_over(first)
        if not self._done.wait(WAIT):
            raise TimeoutError(f"`arca {' '.join(first.words)}` hangs")
        for one in self.operators:
            if one.thread is not None:
                one.thread.join(WAIT)

    def begin(self, *words: str, line: Line | None = None) -> Operator:
        """Let a further operator begin, who goes on when it is their turn."""
        one = Operator(words, line or Line(), before=self.state())
        fill_quotas()
        known = one.line.before

        def before(call: Call) -> None:
            known(call)
            self._switch(one)

        one.line.before = before
        one.thread = Thread(target=self._work, args=(one,), daemon=True)
        self.operators.append(one)
        one.thread.start()
        return one

    def _work(self, one: Operator) -> None:
        one.go.wait()
        one.go.clear()
        try:
            one.ending = self._run(one)
        finally:
            waiting = self._waiting(one)
            if waiting:
                self._hand_over(self.rng.choice(waiting))
            else:
                self._done.set()

    def _run(self, one: Operator) -> oracle.Ending:
        sys.argv = ["arca", *one.words]
        code: int | None = None
        crash = ""
        # main() replaces the streams with ones that drop what cannot be written.
        streams = sys.stdout, sys.stderr
        try:
            main()
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else 0
        except (Killed, Endless) as error:
            crash = "" if isinstance(error, Killed) else "it never ends"
        except BaseException:  # noqa: BLE001 - whatever it is, it is the finding
            crash = traceback.format_exc()
        finally:
            sys.stdout, sys.stderr = cast("tuple[TextIO, TextIO]", streams)
        if "Traceback (most recent call last)" in one.err.getvalue():
            crash = crash or one.err.getvalue()
        return oracle.Ending(
            one.words, code, one.out.getvalue(), one.err.getvalue(), crash, self.state()
        )

    def _waiting(self, but: Operator) -> list[Operator]:
        return [one for one in self.operators if one is not but and one.ending is None]

    def _switch(self, one: Operator) -> None:
        if current_thread() is not one.thread or not self.switching:
            return
        waiting = self._waiting(one)
        if waiting and self.rng.random() < self.switching:
            self.note_change(but=None, of=one)
            self._hand_over(self.rng.choice(waiting))
            one.go.wait()
            one.go.clear()

    def _hand_over(self, to: Operator) -> None:
        self.active = to
        to.go.set()

    def note_change(self, *, but: Operator | None = None, of: Operator | None = None) -> None:
        """Keep what the cloud is now for those who may be about to judge it."""
        state = self.state()
        for one in self.operators if of is None else [of]:
            if one is not but and one.ending is None:
                one.moments.append((len(one.line.calls), state))

    # Strangers

    @contextmanager
    def stranger(self) -> Generator[None]:
        """Let somebody without `arca` change something in the block."""
        self.note_change()
        yield
        self.strangers += 1


@contextmanager
def opened(strategy: str, rng: Random) -> Generator[World]:
    """Open a world, and leave nothing of it behind."""
    with pytest.MonkeyPatch.context() as patch:
        world = World(patch, strategy=strategy, rng=rng)
        try:
            yield world
        finally:
            world.stage.cloud.end_stand_ins()
