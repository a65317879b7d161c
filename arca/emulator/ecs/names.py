"""Identifiers as ECS makes them, the same in every run."""

import hashlib
import string

LETTERS = string.ascii_letters + string.digits


class Names:
    """Draws identifiers one after the other."""

    def __init__(self) -> None:
        self._drawn = 0

    def number(self) -> str:
        """Nineteen digits: a service revision."""
        return "1" + str(int(self._digest(), 16))[:18]

    def short(self) -> str:
        """Twenty-one letters and digits: a service deployment."""
        value = int(self._digest(), 16)
        return "".join(LETTERS[value // 62**place % 62] for place in range(21))

    def task(self) -> str:
        """Thirty-two hexadecimal digits: a task."""
        return self._digest()[:32]

    def address(self) -> str:
        """An address of the emulated VPC, which nobody listens on."""
        digest = bytes.fromhex(self._digest())
        return f"10.{digest[0]}.{digest[1]}.{max(4, digest[2])}"

    def _digest(self) -> str:
        self._drawn += 1
        return hashlib.sha256(str(self._drawn).encode()).hexdigest()


def last(arn: str) -> str:
    """The name at the end of an ARN, or the name itself."""
    return arn.rpartition("/")[2]


def sibling(arn: str, kind: str, *parts: str) -> str:
    """An ARN of another kind in the same account and region."""
    return f"{':'.join(arn.split(':')[:5])}:{kind}/{'/'.join(parts)}"
