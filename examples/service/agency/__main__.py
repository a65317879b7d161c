"""`python -m agency --port N --state FILE`: run the double of the tax agency."""

import argparse
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from types import FrameType

from agency.faults import Faults
from agency.server import WSAA_PATH, WSFE_PATH, Agency
from agency.state import State


def main() -> int:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(prog="agency", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--state", type=Path, required=True, help="where authorized invoices are")
    parser.add_argument("--seed", type=int, default=0, help="of faults with a probability")
    asked = parser.parse_args()
    state = State(asked.state)
    server = Agency((asked.host, asked.port), state, Faults(asked.seed), lambda: datetime.now(UTC))

    def stop(_number: int, _frame: FrameType | None) -> None:
        # `shutdown` waits for the loop below, which this handler interrupts.
        Thread(target=server.shutdown).start()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    url = f"http://{asked.host}:{server.server_port}"
    sys.stdout.write(f"WSAA_URL={url}{WSAA_PATH}\nWSFE_URL={url}{WSFE_PATH}\n")
    sys.stdout.flush()
    server.serve_forever()
    server.server_close()
    state.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
