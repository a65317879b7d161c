"""SQL as statements, without what only looks like SQL: comments, strings and quoted names.

The lexical rules are those of PostgreSQL's documentation, chapter 4.1; a comment inside a comment
is not followed.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

TOKEN = re.compile(
    r"""
      (?P<comment> --[^\n]* | /\*.*?\*/ )
    | (?P<string>  \b[eE]'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*' )
    | (?P<name>    "(?:[^"]|"")*" )
    | (?P<dollar>  \$(?P<tag>\w*)\$ .*? \$(?P=tag)\$ )
    | (?P<end>     ; )
    """,
    re.VERBOSE | re.DOTALL,
)
LONG_NUMBER = re.compile(r"(?<!\w)\d[\d-]{8,}\d(?!\w)")
NUMBER = re.compile(r"(?<![\w$])\d[\d.]*(?!\w)")
SHOWN = 300
"""Characters of another session's statement that are shown."""


@dataclass(frozen=True)
class Statement:
    """One statement of a text."""

    text: str
    line: int
    """Where it begins, from 1."""
    bare: str
    """In one line and upper case, every string and quoted name replaced by a placeholder."""


def split(sql: str) -> Iterator[Statement]:
    """The statements of a text."""
    begin = 0
    for token in TOKEN.finditer(sql):
        if token.lastgroup == "end":
            yield from _statement(sql, begin, token.start())
            begin = token.end()
    yield from _statement(sql, begin, len(sql))


def without_values(sql: str) -> str:
    """A statement that may be logged: no literal, no comment, and not too long."""

    def replaced(token: re.Match[str]) -> str:
        if token.lastgroup == "comment":
            return " "
        return token[0] if token.lastgroup in {"name", "end"} else "?"

    bare = " ".join(NUMBER.sub("?", TOKEN.sub(replaced, sql)).split())
    return bare if len(bare) <= SHOWN else f"{bare[:SHOWN]}..."


def without_long_numbers(text: str) -> str:
    """A server's message that may be logged: it may quote a CUIT or a CAE."""
    return LONG_NUMBER.sub("?", text)


def _statement(sql: str, begin: int, end: int) -> Iterator[Statement]:
    raw = sql[begin:end]
    bare = " ".join(TOKEN.sub(_placeholder, raw).split()).upper()
    if not bare:
        return
    if bare.startswith("DO "):
        # Its body runs at once, so that it is searched as it stands.
        bare = " ".join(raw.split()).upper()
    first = next(
        begin + match.start()
        for match in re.finditer(r"--[^\n]*|/\*.*?\*/|\S", raw, re.DOTALL)
        if not match[0].startswith(("--", "/*"))
    )
    yield Statement(raw.strip(), sql.count("\n", 0, first) + 1, bare)


def _placeholder(token: re.Match[str]) -> str:
    kind = token.lastgroup
    if kind == "comment":
        return " "
    return '"N"' if kind == "name" else "''"
