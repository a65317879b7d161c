"""Split SQL into statements, and remove values from SQL that is logged.

Comments, strings and quoted names are recognised by the lexical rules of PostgreSQL's
documentation, chapter 4.1. A comment inside a comment is not recognised.
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
MOST_CHARACTERS = 300
"""The length at which a logged statement is cut."""


@dataclass(frozen=True)
class SqlStatement:
    """One statement of an SQL text."""

    text: str
    line: int
    """The line on which it begins, from 1."""
    bare: str
    """One line in upper case, with a placeholder for each string and quoted name."""


def split(sql: str) -> Iterator[SqlStatement]:
    """Yield the statements of an SQL text."""
    begin = 0
    for token in TOKEN.finditer(sql):
        if token.lastgroup == "end":
            yield from _statement(sql, begin, token.start())
            begin = token.end()
    yield from _statement(sql, begin, len(sql))


def without_values(sql: str) -> str:
    """Remove literals and comments from a statement, so that it may be logged, and cut it."""

    def replaced(token: re.Match[str]) -> str:
        if token.lastgroup == "comment":
            return " "
        return token[0] if token.lastgroup in {"name", "end"} else "?"

    bare = " ".join(NUMBER.sub("?", TOKEN.sub(replaced, sql)).split())
    return bare if len(bare) <= MOST_CHARACTERS else f"{bare[:MOST_CHARACTERS]}..."


def without_long_numbers(text: str) -> str:
    """Remove long numbers from a server's message: it may quote a CUIT or a CAE."""
    return LONG_NUMBER.sub("?", text)


def _statement(sql: str, begin: int, end: int) -> Iterator[SqlStatement]:
    raw = sql[begin:end]
    bare = " ".join(TOKEN.sub(_placeholder, raw).split()).upper()
    if not bare:
        return
    if bare.startswith("DO "):
        # The body of a DO runs at once, so its strings are searched too.
        bare = " ".join(raw.split()).upper()
    first = next(
        begin + match.start()
        for match in re.finditer(r"--[^\n]*|/\*.*?\*/|\S", raw, re.DOTALL)
        if not match[0].startswith(("--", "/*"))
    )
    yield SqlStatement(raw.strip(), sql.count("\n", 0, first) + 1, bare)


def _placeholder(token: re.Match[str]) -> str:
    kind = token.lastgroup
    if kind == "comment":
        return " "
    return '"N"' if kind == "name" else "''"
