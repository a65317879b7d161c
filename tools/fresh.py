"""Write anew everything that follows from the code and the stack files: `make fresh`.

That is the generated parts of the pages, the pictures of the dashboards, the schema of the stack
files, and the snapshots of the tests. The end says which files changed, and how many resources got
or lost a name.
"""

import subprocess
import sys
from collections.abc import Iterator, Mapping

from arca import checkout
from tools import generate

NAMES = "tests/__snapshots__/test_stacks.ambr"
SNAPSHOTS = ("tests/test_stacks.py::test_logical_names", "tests/settings/test_messages.py")
"""The tests that keep what they expect in files."""
UPDATE = ("-n", "0", "--no-header", "--snapshot-update")


def files() -> Mapping[str, bytes]:
    """Return the content of every file that this command may write, by its path."""
    root = checkout.root()
    found = [root / "README.md", *(root / "docs").rglob("*"), *root.glob("tests/**/*.ambr")]
    return {str(path.relative_to(root)): path.read_bytes() for path in found if path.is_file()}


def report(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> Iterator[str]:
    """Yield a line for each file that changed, and what the changed names mean."""
    changed = [name for name, content in after.items() if content != before.get(name)]
    yield from (f"written anew: {name}" for name in changed)
    if not changed:
        yield "Everything was fresh."
    if NAMES in changed:
        new, gone = _names(before[NAMES], after[NAMES])
        yield f"Resources by name, in all stacks: {new} new, {gone} gone."
        yield "`pulumi up` creates what is new and deletes what is gone, its data included. Read:"
        yield f"  git diff {NAMES}"


def _names(before: bytes, after: bytes) -> tuple[int, int]:
    """Return the number of new and of missing names; each line of a snapshot names its stack."""
    old, new = (set(_resources(text.decode())) for text in (before, after))
    return len(new - old), len(old - new)


def _resources(snapshot: str) -> Iterator[tuple[str, str]]:
    stack = ""
    for line in snapshot.splitlines():
        if line.startswith("# name: "):
            stack = line
        elif line.startswith("    '"):
            yield stack, line


def main() -> int:
    """Write everything anew, and say what changed; return the exit code of the snapshots' tests."""
    before = files()
    sys.stderr.write("Writing the pages and pictures...\n")
    generate.main()
    sys.stderr.write("Writing the snapshots...\n")
    # The tests need processes of their own: they move the clock.
    words = (sys.executable, "-m", "pytest", *UPDATE, *SNAPSHOTS)
    done = subprocess.run(  # noqa: S603 - our own tests
        words, cwd=checkout.root(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.stderr.write(done.stdout + done.stderr)
    for line in report(before, files()):
        sys.stdout.write(f"{line}\n")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
