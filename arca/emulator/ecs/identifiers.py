"""Identifiers in ECS's formats, the same in every run, and parts of ARNs."""

import hashlib
import string

LETTERS = string.ascii_letters + string.digits


class Identifiers:
    """Makes a new identifier on each call, from a counter."""

    def __init__(self) -> None:
        self._made = 0

    def revision(self) -> str:
        """Return a service revision's: nineteen digits."""
        return "1" + str(int(self._next_digest(), 16))[:18]

    def deployment(self) -> str:
        """Return a service deployment's: twenty-one letters and digits."""
        value = int(self._next_digest(), 16)
        return "".join(LETTERS[value // 62**place % 62] for place in range(21))

    def task(self) -> str:
        """Return a task's: thirty-two hexadecimal digits."""
        return self._next_digest()[:32]

    def address(self) -> str:
        """Return an IPv4 address for a simulated task, on which nothing listens."""
        digest = bytes.fromhex(self._next_digest())
        return f"10.{digest[0]}.{digest[1]}.{max(4, digest[2])}"

    def _next_digest(self) -> str:
        self._made += 1
        return hashlib.sha256(str(self._made).encode()).hexdigest()


def arn_name(arn: str) -> str:
    """Return the name at the end of an ARN; a plain name stays as it is."""
    return arn.rpartition("/")[2]


def sibling_arn(arn: str, kind: str, *structures: str) -> str:
    """Return the ARN of another kind of resource in the same account and region."""
    return f"{':'.join(arn.split(':')[:5])}:{kind}/{'/'.join(structures)}"
