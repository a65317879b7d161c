"""Where the names of the emulated cloud lead on this machine.

No resolver knows the addresses that the stacks export. A stand-in gets the place behind each of
them instead: in its environment, where docs/service-contract.md names the address's variables, and
in the words of its command.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from urllib.parse import urlsplit

ADDRESS_VARIABLES = (
    ("DATABASE_HOST", "DATABASE_PORT"),
    ("DATABASE_ADDRESS", "DATABASE_PORT"),
    ("RESTORED_ADDRESS", "RESTORED_PORT"),
    ("CACHE_HOST", "CACHE_PORT"),
)
"""The variables of docs/service-contract.md and docs/migrations.md that hold an address, with those
of its port."""


def life(arn: str, created: datetime) -> str:
    """Return the name of one life of an instance: the next one may have the same address."""
    return f"{arn}@{created.astimezone(UTC).isoformat()}"


class Places:
    """The places on this machine by `name:port` of the emulated cloud, as `host:port`."""

    def __init__(self) -> None:
        self.known: dict[str, str] = {}

    def localize(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Return the environment with the place of each address that has one.

        Addresses that share a variable for their port lead to the same port of this machine, as
        the database and its proxy do.
        """
        found = dict(environment)
        for host, port in ADDRESS_VARIABLES:
            if host in environment and port in environment:
                place = self.known.get(f"{environment[host]}:{environment[port]}")
                if place is not None:
                    found[host], _, found[port] = place.rpartition(":")
        return found

    def localize_words(self, words: Iterable[str]) -> list[str]:
        """Return a command's words with a URL of this machine for each URL that has a place.

        TLS ends at the emulated load balancer, which has no certificate: the URL is plain HTTP.
        """
        return [self._url(word) for word in words]

    def _url(self, word: str) -> str:
        if not word.startswith(("http://", "https://")):
            return word
        url = urlsplit(word)
        port = url.port or (443 if url.scheme == "https" else 80)
        place = self.known.get(f"{url.hostname}:{port}")
        return word if place is None else url._replace(scheme="http", netloc=place).geturl()
