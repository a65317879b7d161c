"""`python -m invoicing.smoke URL`: exit with 0 when `/health/ready` and `/v1/status` answer 200.

It runs inside the VPC, where the load balancer's certificate has another name, so it does not
verify the certificate (docs/service-contract.md).
"""

import ssl
import sys
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

PATHS = ("/health/ready", "/v1/status")
SECONDS = 10


def main() -> int:
    """Ask both paths and print what they answered."""
    if len(sys.argv) != 2 or not sys.argv[1].startswith(("http://", "https://")):
        sys.stderr.write("usage: python -m invoicing.smoke URL\n")
        return 2
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    found = {path: _status(sys.argv[1].rstrip("/") + path, context) for path in PATHS}
    for path, status in found.items():
        sys.stdout.write(f"{'OK' if status == '200' else 'FAILED'} {path} {status}\n")
    return 0 if set(found.values()) == {"200"} else 1


def _status(url: str, context: ssl.SSLContext) -> str:
    try:
        with urlopen(Request(url), timeout=SECONDS, context=context) as answer:  # noqa: S310 - http
            return str(answer.status)
    except HTTPError as error:
        return str(error.code)
    except (URLError, OSError) as error:
        return type(error).__name__


if __name__ == "__main__":
    sys.exit(main())
