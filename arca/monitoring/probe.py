"""What the canary runs: health, then one read-only path through everything.

Nothing but the standard library: CloudWatch Synthetics carries this file alone. A run that raises
is a failed run, and its metric SuccessPercent is 0.
"""

import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

ATTEMPTS = 2
"""A single lost packet on the way is not the API's failure."""
PAUSE_SECONDS = 1.0
TIMEOUT_SECONDS = 5.0


class ProbeFailedError(Exception):
    """The API did not answer as it should."""


def handler(event: Any, context: Any) -> str:
    """The canary's entry point."""
    del event, context
    return probe(os.environ)


def probe(settings: Mapping[str, str]) -> str:
    """Ask both paths; raises ProbeFailedError with the path and what came instead."""
    url = settings["URL"].rstrip("/")
    _ask(url + settings["HEALTH_PATH"], json_wanted=False)
    _ask(url + settings["BUSINESS_PATH"], json_wanted=True)
    return "both paths answered"


def _ask(url: str, *, json_wanted: bool) -> None:
    problem = ""
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(PAUSE_SECONDS)
        problem = _problem(url, json_wanted=json_wanted)
        if not problem:
            return
    message = f"{url}: {problem}, {ATTEMPTS} times"
    raise ProbeFailedError(message)


def _problem(url: str, *, json_wanted: bool) -> str:
    request = urllib.request.Request(url, headers={"User-Agent": "arca-probe"})  # noqa: S310 - the stack's own address
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - likewise
            content = answer.read()
            if answer.status != 200:
                return f"status {answer.status}"
    except urllib.error.HTTPError as error:
        return f"status {error.code}"
    except OSError as error:
        return f"no answer: {error}"
    if json_wanted:
        try:
            json.loads(content)
        except ValueError:
            return "no JSON"
    return ""
