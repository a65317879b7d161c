"""The zone that a stack's owner has at Cloudflare before the first update.

A stack's program creates no zone: it changes the one that its settings name. So the emulated
Cloudflare has to have that zone, with the plan that the settings name.
"""

import json
from collections.abc import Mapping
from http.client import HTTPException
from urllib.error import HTTPError

from arca.emulator.client import exchange
from arca.emulator.ecs.faults import ZONES_PATH
from arca.emulator.state import CloudRecord
from arca.errors import ArcaError
from arca.stackfile import PREFIX
from arca.zone_plans import DEFAULT_PLAN


def bring(record: CloudRecord, config: Mapping[str, str]) -> None:
    """Let a stack's zone exist in a cloud; a zone of an earlier stack stays as it is.

    The program has accepted the settings before. Raises ArcaError if the cloud does not take it.
    """
    owner = json.loads(config[f"{PREFIX}owner"])
    edge = json.loads(config.get(f"{PREFIX}edge", "{}"))
    zone = {
        "id": owner["cloudflare_zone_id"],
        "name": owner["domain"],
        "account": owner["cloudflare_account_id"],
        "plan": edge.get("plan", DEFAULT_PLAN),
    }
    where = f"{record.endpoint}{ZONES_PATH}"
    try:
        exchange(where, record.token, "PUT", zone)
    except HTTPError as error:
        raise _refused(error.read().decode(errors="replace"), where) from None
    except (OSError, HTTPException) as error:
        raise _refused(str(error), where) from None


def _refused(reason: str, where: str) -> ArcaError:
    return ArcaError(
        f"The emulated Cloudflare does not take the stack's zone: {reason}",
        where=where,
        wanted="the domain, the zone, the account and the plan of the stack's file",
        do="correct `owner` and `edge` there",
    )
