"""GitHub's expressions, as far as our workflows use them: conditions, and `${{ }}` in a text.

Source: GitHub Docs, "Evaluate expressions in workflows and actions". Whatever is not known here is
an error, so that no condition is taken for true or false by mistake.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, cast

import pytest

from tests.github.workflows import jobs, steps

TOKEN = re.compile(
    r"\s*('(?:[^']|'')*'|&&|\|\||==|!=|[!(),]|[A-Za-z_][\w-]*(?:\.(?:\*|[A-Za-z_][\w-]*))*)"
)
STATUS = re.compile(r"\b(always|cancelled|failure|success)\(\)")
CONSTANTS: Mapping[str, Any] = {"true": True, "false": False, "null": None}
Thunk = Callable[[], Any]
Status = Mapping[str, bool]
FINE: Status = {"always": True, "success": True, "failure": False, "cancelled": False}
"""What the four functions answer while all goes well."""


class Expression:
    """One expression over contexts such as `needs` and `github`; it is read when it is made."""

    def __init__(self, text: str, contexts: Mapping[str, Any], status: Status = FINE) -> None:
        self._contexts, self._status = contexts, status
        self._words: list[str] = []
        at = 0
        while text[at:].strip():
            found = TOKEN.match(text, at)
            assert found, f"no expression: {text[at:]}"
            self._words.append(found[1])
            at = found.end()
        self._value = self._either()
        assert self._words == [], f"left over: {self._words}"

    def value(self) -> Any:
        """What it is; `&&` and `||` look at their right side only where they have to."""
        return self._value()

    def _next(self, *wanted: str) -> bool:
        if self._words and self._words[0] in wanted:
            self._words.pop(0)
            return True
        return False

    def _either(self) -> Thunk:
        left = self._both()
        while self._next("||"):
            left = either(left, self._both())
        return left

    def _both(self) -> Thunk:
        left = self._compared()
        while self._next("&&"):
            left = both(left, self._compared())
        return left

    def _compared(self) -> Thunk:
        left = self._negated()
        if self._next("=="):
            right = self._negated()
            return lambda: same(left(), right())
        if self._next("!="):
            right = self._negated()
            return lambda: not same(left(), right())
        return left

    def _negated(self) -> Thunk:
        if self._next("!"):
            inner = self._negated()
            return lambda: not inner()
        if self._next("("):
            inner = self._either()
            assert self._next(")")
            return inner
        return self._primary(self._words.pop(0))

    def _primary(self, word: str) -> Thunk:
        if word.startswith("'"):
            return lambda: word[1:-1].replace("''", "'")
        if word in CONSTANTS:
            return lambda: CONSTANTS[word]
        if self._next("("):
            given: list[Thunk] = []
            while not self._next(")"):
                given.append(self._either())
                self._next(",")
            return self._call(word, given)
        return lambda: reached(self._contexts, word.split("."))

    def _call(self, name: str, given: list[Thunk]) -> Thunk:
        match name, given:
            case (("always" | "cancelled" | "failure" | "success"), []):
                return lambda: self._status[name]
            case "fromJSON", [text]:
                return lambda: json.loads(text())
            case "contains", [listed, item]:
                return lambda: any(same(one, item()) for one in list(listed()))
            case _:
                raise AssertionError(f"{name} of {len(given)} is not known here")


def either(one: Thunk, other: Thunk) -> Thunk:
    """GitHub's `||`."""
    return lambda: one() or other()


def both(one: Thunk, other: Thunk) -> Thunk:
    """GitHub's `&&`."""
    return lambda: one() and other()


def same(one: Any, other: Any) -> bool:
    """GitHub's `==`: texts without their case; what is not there is no text but the empty one."""
    if isinstance(one, str) and isinstance(other, str):
        return one.casefold() == other.casefold()
    if one is None or other is None:
        return (one or None) == (other or None)
    assert type(one) is type(other), f"{one!r} and {other!r} are of two kinds"
    return one == other


def reached(contexts: Mapping[str, Any], path: list[str]) -> Any:
    """What a path leads to: null where there is nothing; `*` goes through a list."""
    assert path[0] in contexts, f"nobody has set the context {path[0]}"
    at: Any = contexts
    for number, name in enumerate(path):
        if name == "*":
            listed: list[Any] = at or []
            return [reached({"item": one}, ["item", *path[number + 1 :]]) for one in listed]
        at = cast("Mapping[str, Any]", at).get(name) if isinstance(at, Mapping) else None
    return at


def holds(condition: str | None, contexts: Mapping[str, Any], status: Status = FINE) -> bool:
    """Whether a job or a step with this `if` runs; unless it says otherwise, only after success."""
    text = (condition or "success()").strip()
    text = text.removeprefix("${{").removesuffix("}}")
    if not STATUS.search(text):
        text = f"success() && ({text})"
    return bool(Expression(text, contexts, status).value())


def filled(text: str, contexts: Mapping[str, Any]) -> str:
    """A text with its `${{ }}` put in."""

    def put(found: re.Match[str]) -> str:
        value = Expression(found[1], contexts).value()
        return "" if value is None else str(value).lower() if value in (True, False) else str(value)

    return re.sub(r"\$\{\{(.*?)\}\}", put, text)


CONTEXTS = {
    "needs": {"a-b": {"result": "skipped", "outputs": {"stacks": '["dev","dr"]'}}},
    "github": {"event": {"labels": [{"name": "x"}, {"name": "Y"}]}, "actor": "it's"},
    "inputs": {"drift": False, "stack": "prod"},
}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("needs.a-b.result == 'SKIPPED'", True),
        ("needs.a-b.result != 'failure'", True),
        ("needs.other.result == 'success'", False),
        ("needs.other.result != 'failure'", True),
        ("contains(fromJSON(needs.a-b.outputs.stacks), 'dr')", True),
        ("contains(fromJSON(needs.a-b.outputs.stacks), 'd')", False),
        ("contains(github.event.labels.*.name, 'y')", True),
        ("contains(github.event.none.*.name, 'y')", False),
        ("github.actor == 'it''s'", True),
        ("!inputs.drift && inputs.stack", "prod"),
        ("inputs.drift && inputs.stack || 'main'", "main"),
        ("inputs.drift || (inputs.stack == 'dev' || true) && false", False),
        # The right side is not looked at.
        ("inputs.drift && fromJSON('')", False),
    ],
)
def test_expressions_are_evaluated_as_github_does(text: str, wanted: object) -> None:
    """Precedence, texts without case, what is not there, a short way out."""
    assert Expression(text, CONTEXTS).value() == wanted


def test_a_condition_asks_for_success_unless_it_says_otherwise() -> None:
    """As a job after a failed one does."""
    broken = {**FINE, "success": False, "failure": True}
    assert holds(None, {})
    assert not holds(None, {}, broken)
    assert not holds("${{ inputs.stack == 'prod' }}", CONTEXTS, broken)
    assert holds("!cancelled() && inputs.stack == 'prod'", CONTEXTS, broken)
    assert holds("always()", {}, {**broken, "cancelled": True})
    assert filled("${{ inputs.stack }}-${{ inputs.drift }}-${{ inputs.none }}.", CONTEXTS) == (
        "prod-false-."
    )


def test_every_condition_of_ours_can_be_evaluated() -> None:
    """So that none is left to a search for its words."""
    contexts: dict[str, Any] = {name: {} for name in ("github", "inputs", "steps")}
    contexts["needs"] = {"touched": {"outputs": {"stacks": "[]"}}}
    conditions = [job.get("if") for _, _, job in jobs()] + [s.get("if") for _, s in steps()]
    assert len([one for one in conditions if one]) > 20
    for condition in filter(None, conditions):
        # No stack is touched, and nothing else is known.
        assert holds(condition, contexts) in {True, False}, condition


@pytest.mark.parametrize("text", ["a.b ==", "startsWith(a, 'b')", "nowhere.x == 'y'", "1 < 2"])
def test_what_is_not_known_is_an_error(text: str) -> None:
    """Never quietly false."""
    with pytest.raises((AssertionError, IndexError)):
        Expression(text, {"a": {}}).value()
