"""Waiting out an AWS that cannot be reached, while a release is under way."""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from arca_migrate.durations import in_words

from arca.clients import Unreachable
from arca.clock import Clock

OUTAGE_LIMIT = timedelta(minutes=5)
"""How long calls are repeated; ECS works on meanwhile, and a release can be resumed later."""
PAUSE_SECONDS = 5.0
LOG = logging.getLogger(__name__)
Answer = TypeVar("Answer")


def outlast(call: Callable[[], Answer], clock: Clock) -> Answer:
    """Repeat a call that may be made twice until AWS answers; raises Unreachable after the limit.

    Whether the lost call took effect is not known, so the call itself has to look first.
    """
    deadline = clock.now() + OUTAGE_LIMIT
    while True:
        try:
            return call()
        except Unreachable as error:
            if clock.now() >= deadline:
                raise
            what = error.what.removesuffix(".")
            LOG.warning("%s; trying again for up to %s", what, in_words(OUTAGE_LIMIT))
            clock.sleep(PAUSE_SECONDS)
