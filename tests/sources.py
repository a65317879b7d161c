"""The Python files of the repository, and what they import."""

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests import ROOT


def sources() -> list[Path]:
    """Return every Python file that git tracks or would add."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).exists()]


SOURCES = sources()


def imports(path: Path) -> Iterator[str]:
    """Yield every module that the file imports, at its top or within a function."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def dotted(path: Path) -> str:
    """Return a file's name as a module."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[2:] if parts[0] in ("examples", "packages") else parts).removesuffix(
        ".__init__"
    )


def house(path: Path) -> str:
    """Return the part that a file belongs to: a topic of `arca`, or a folder at the top."""
    first, *rest = dotted(path).split(".")
    return first if first != "arca" or path.parent == ROOT / "arca" else f"arca.{rest[0]}"


def rooms(*names: str) -> list[Path]:
    """Return the files of some parts, named as `house` names them."""
    return [path for path in SOURCES if house(path) in names]
