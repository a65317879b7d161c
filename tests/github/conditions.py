"""Evaluates the expressions of the workflows: conditions, and `${{ }}` within a text.

Source: GitHub Docs, "Evaluate expressions in workflows and actions". It knows only what the
workflows use, and raises for anything else, so that no condition is false by mistake. Each token is
translated into Python's; texts are compared with their case, which our conditions never vary.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, cast

TOKEN = re.compile(r"\s*('[^']*'|&&|\|\||==|!=|[!(),]|[A-Za-z_][\w.*-]*)\s*")
PYTHON = {"&&": " and ", "||": " or ", "!": " not ", "true": "True", "false": "False"}
AMBIGUOUS = re.compile(r"![\w.]+(?:\(\))?\s*[!=]=")
"""`!a == b`: GitHub negates `a`, Python would negate the comparison."""
STATUS = re.compile(r"\b(always|cancelled|failure|success)\(\)")
Status = Mapping[str, bool]
FINE: Status = {"always": True, "success": True, "failure": False, "cancelled": False}
"""What the four status functions return while all goes well."""


def value(text: str, contexts: Mapping[str, Any], status: Status = FINE) -> Any:
    """Return the value of one expression over contexts such as `needs` and `github`."""
    assert not AMBIGUOUS.search(text), text

    def read(path: str) -> Any:
        root, *names = path.split(".")
        return _reached(contexts[root], names)

    functions: dict[str, Any] = {
        "contains": _contains,
        "fromJSON": json.loads,
        **{name: lambda name=name: status[name] for name in FINE},
    }
    words: list[str] = []
    at = 0
    while at < len(text):
        found = TOKEN.match(text, at)
        assert found, f"not an expression: {text[at:]}"
        word, at = found[1], found.end()
        if re.match(r"[A-Za-z_]", word) and word not in PYTHON and word not in functions:
            word = f"read({word!r})"
        words.append(PYTHON.get(word, word))
    code = "".join(words).strip()
    return eval(code, {"__builtins__": {}}, {"read": read, **functions})  # noqa: S307 - our own workflows' text


def holds(condition: str | None, contexts: Mapping[str, Any], status: Status = FINE) -> bool:
    """Return whether a job or step with this `if` runs.

    Without a status function in its condition it runs only after success.
    """
    text = (condition or "success()").strip().removeprefix("${{").removesuffix("}}")
    if not STATUS.search(text):
        text = f"success() && ({text})"
    return bool(value(text, contexts, status))


def filled(text: str, contexts: Mapping[str, Any]) -> str:
    """Return the text with the value of each `${{ }}` in its place; nothing for what is missing."""

    def put(found: re.Match[str]) -> str:
        content = value(found[1], contexts)
        return "" if content is None else str(content)

    return re.sub(r"\$\{\{(.*?)\}\}", put, text)


def _contains(listed: list[Any], item: Any) -> bool:
    # GitHub would search within a text, which our conditions never mean.
    assert isinstance(listed, list)
    return item in listed


def _reached(at: Any, names: list[str]) -> Any:
    """Follow a path; None where it ends early, and `*` goes through a list."""
    for number, name in enumerate(names):
        if name == "*":
            items = cast("list[Any]", at or [])
            return [_reached(item, names[number + 1 :]) for item in items]
        at = cast("Mapping[str, Any]", at).get(name) if isinstance(at, Mapping) else None
    return at
