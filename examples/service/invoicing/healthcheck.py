"""`python -m invoicing.healthcheck`: exit with 0 exactly when `/health/live` would be 200."""

import http.client
import os
import sys

SECONDS = 2


def main() -> int:
    """Ask the task on this machine."""
    made = http.client.HTTPConnection("127.0.0.1", int(os.environ.get("PORT") or 8080), SECONDS)
    try:
        made.request("GET", "/health/live")
        return 0 if made.getresponse().status == 200 else 1
    except (OSError, http.client.HTTPException):
        return 1
    finally:
        made.close()


if __name__ == "__main__":
    sys.exit(main())
