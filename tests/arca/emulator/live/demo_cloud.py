"""A living cloud for tests that meet it as its user does: real processes, a plain shell."""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import boto3

from tests import ROOT
from tests.arca.emulator.local_cloud import free_port

ARCA = Path(sys.executable).parent / "arca"
KEY = "key_demo"
MINUTES = {"dev": "0.02", "prod": "0.5"}
"""Real seconds of a simulated minute: a canary's pause of 30 must outlast the smoke tests."""
RATE = "8"


@dataclass(frozen=True)
class Cloud:
    """A cloud that is up, in a state directory of its own."""

    stack: str
    state: Path
    temporary: Path
    customers: int

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment of its commands."""
        bin_folder = str(Path(sys.executable).parent)
        return {
            **os.environ,
            "ARCA_STATE_DIR": str(self.state),
            "ARCA_LOCAL_MINUTE": MINUTES[self.stack],
            "TMPDIR": str(self.temporary),
            "PATH": os.pathsep.join([bin_folder, os.environ["PATH"]]),
        }

    def arca(self, *words: str, code: int = 0) -> str:
        """Run a command to its end; returns its output."""
        done = subprocess.run(
            [ARCA, *words],
            env=self.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, (words, done.stdout[-2000:], done.stderr[-2000:])
        return done.stdout

    def live(self) -> str:
        """Bring it to life; returns what is printed."""
        return self.arca("local", "live", "--port", str(self.customers))

    def traffic(self) -> "subprocess.Popen[str]":
        """Send customers' requests until SIGINT."""
        words = ["--api-key", KEY, "--rate", RATE, "--seconds", "3600", "--timeout", "60", "--json"]
        return subprocess.Popen(
            [ARCA, "local", "traffic", *words],
            env=self.environment,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )

    def report(self) -> dict[str, Any]:
        """Return what the living cloud says of itself."""
        return json.loads((self.state / "live.json").read_bytes())

    def client(self, service: str) -> Any:
        """Return a client of the emulated AWS."""
        record = json.loads((self.state / "cloud.json").read_bytes())
        exports = json.loads((self.state / "exports" / f"{self.stack}.json").read_bytes())
        make = cast("Any", boto3.client)
        return make(
            service,
            endpoint_url=record["endpoint"],
            region_name=exports["region"],
            aws_access_key_id="x",
            aws_secret_access_key="x",  # noqa: S106 - the emulation checks none
        )


def brought_up(stack: str, folder: Path) -> Iterator[Cloud]:
    """Bring a stack up, and end it."""
    # PostgreSQL runs as another user, who may not enter pytest's directories.
    with tempfile.TemporaryDirectory(prefix="arca-demo-", dir="/tmp") as temporary:
        Path(temporary).chmod(0o755)
        cloud = Cloud(stack, folder / "state", Path(temporary), free_port())
        cloud.arca("local", "up", "--stack", stack, "--port", str(free_port()))
        try:
            cloud.live()
            yield cloud
        finally:
            cloud.arca("local", "down")


def issue(cloud: Cloud, printed: str) -> dict[str, Any]:
    """Run the commands that were printed in a plain shell; returns the invoice."""
    commands = re.search(r"Issue an invoice:\n(.*?)\n\n", printed, re.DOTALL)
    assert commands is not None
    done = subprocess.run(
        ["/bin/bash", "-c", commands[1]],
        env={"PATH": cloud.environment["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    return json.loads(done.stdout)
