"""The commands of a page with what they print, and the comparison with what they really print.

A page shows a command as `$ COMMAND`. Behind it, `# exit code 6` is its exit code, and
`# in another terminal` leaves it running; below it, `...` stands for whatever is cut.
"""

import re
import shlex
from dataclasses import dataclass

from tests.docs.markdown import FENCE

VARYING = tuple(
    (re.compile(pattern, re.MULTILINE), instead)
    for pattern, instead in (
        (r"\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com/", ""),
        (r"arn:\S+", "ARN"),
        (r"http://127\.0\.0\.1:\d+", "http://127.0.0.1:PORT"),
        (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?(\.\d+)?Z?", "WHEN"),
        (r"sha256:[0-9a-f]+", "DIGEST"),
        (r"(^|deployment +|, |stop |│ )[A-Za-z0-9]{21}\b", r"\1ID"),
        (r"by \S+@\S+ \(process \d+\)", "by SOMEBODY"),
        (r"(role \S+|target group \S+|secret \S+)-[A-Za-z0-9]{6}:", r"\1-SUFFIX:"),
        (r"\d+ tasks?( had died| in all)", r"N tasks\1"),
        (r"(│ OK +│) \d+ +│", r"\1 MS │"),
        (r"━+|─+", "━"),
        (r" +", " "),
        (r" $", ""),
    )
)
"""What differs from run to run: ids, moments, ports, widths of tables."""
OURS = re.compile(r"^ *((?:arca|arca-migrate|make) .*|\. \.venv/bin/activate)$", re.MULTILINE)
"""A line that is a command of this repository, with its remark."""
PASSING = re.compile(r"^ID (PENDING|IN_PROGRESS|ROLLBACK_REQUESTED|ROLLBACK_IN_PROGRESS) \w+")
"""A stage that a slow look may miss."""


@dataclass(frozen=True)
class Example:
    """A command of the guide, and what stands below it."""

    command: str
    """As a shell takes it."""
    exit_code: int
    aside: bool
    """Whether it runs in another terminal."""
    shown: str

    @property
    def words(self) -> tuple[str, ...]:
        """The words of the command."""
        return tuple(shlex.split(self.command))


def examples(page: str) -> list[Example]:
    """The commands of a page, in their order."""
    found: list[Example] = []
    for block in FENCE.findall(page):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            line, _, shown = part.partition("\n")
            command, _, remark = line.partition(" # ")
            code = re.search(r"\bexit code (\d+)$", remark)
            aside = "in another terminal" in remark
            found.append(Example(command.strip(), int(code[1]) if code else 0, aside, shown))
    return found


def commands(page: str) -> list[str]:
    """The commands of a page's blocks that stand without `$`, in their order.

    Those of pulumi, gh, aws and pip are left out: they need an account, or the network.
    """
    blocks = (block.replace("\\\n", " ") for block in FENCE.findall(page))
    return [line.partition(" # ")[0].strip() for block in blocks for line in OURS.findall(block)]


def plain(text: str) -> list[str]:
    """The lines, without what differs from run to run."""
    for pattern, instead in VARYING:
        text = pattern.sub(instead, text)
    return text.strip("\n").split("\n")


def passing(lines: list[str]) -> tuple[list[str], set[str]]:
    """The lines that every run prints, and the forms of those that a slow look may miss."""
    gone = [line for line in lines if PASSING.match(line) and " paused" not in line]
    forms = {
        re.sub(r"\d+", "N", PASSING.sub("ID STATUS STAGE", line.partition(" alarms ")[0]))
        for line in gone
    }
    return [line for line in lines if line not in gone], forms


def matches(shown: str, printed: str) -> bool:
    """Whether what is shown was printed."""
    wanted, forms = passing(plain(shown))
    lines, known = passing(plain(printed))
    pattern = "".join(
        r"(?:.*\n)*?" if line == "..." else re.escape(line).replace(r"\.\.\.", ".*") + r"\n"
        for line in wanted
    )
    return (
        forms <= known and re.fullmatch(pattern, "".join(f"{one}\n" for one in lines)) is not None
    )
