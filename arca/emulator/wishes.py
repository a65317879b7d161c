"""Ask the emulated cloud that is up: for faults, stand-ins, an image in its registry."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from botocore.exceptions import BotoCoreError, ClientError

from arca.emulator.session import session
from arca.emulator.state import State
from arca.errors import ArcaError

FAULTS = "/arca/faults"
IMAGES = "/arca/images"
TIMEOUT_SECONDS = 10


class Wishes:
    """What the emulated cloud of a state directory is asked for; raises ArcaError if none is up."""

    def __init__(self, state: State) -> None:
        record = state.read()
        if record is None:
            raise ArcaError(
                "No emulated cloud is up.",
                where=str(state.directory),
                wanted="a cloud to ask",
                do="run `make up STACK=prod` first",
            )
        self._state, self._endpoint = state, record.endpoint

    def faults(self) -> list[dict[str, Any]]:
        """What goes wrong on purpose now."""
        return self._ask("GET", FAULTS)["faults"]

    def add_fault(self, fault: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Make one more thing go wrong; raises ArcaError for a fault that makes no sense."""
        return self._ask("PUT", FAULTS, [*self.faults(), fault])["faults"]

    def clear_faults(self) -> None:
        """Take all faults back, which ends stalls too."""
        self._ask("DELETE", FAULTS)

    def stand_in(self, image: str, command: Sequence[str]) -> None:
        """Have a command run wherever the image would."""
        self._ask("PUT", IMAGES, {"image": image, "command": list(command)})

    def reference(self, image: str, *, stack: str) -> str:
        """A tag as a whole reference in the stack's registry; a whole one stays as it is."""
        if "/" in image:
            return image
        return f"{self._state.exports(stack)['registry']['repository_url']}:{image}"

    def push(self, tag: str, *, stack: str) -> dict[str, str]:
        """Put an image with the tag into a stack's registry, scanned; its content is made up."""
        exports = self._state.exports(stack)
        repository = exports["registry"]["repository_name"]
        ecr = session().client("ecr", region_name=exports["region"], endpoint_url=self._endpoint)
        try:
            digest = _push(ecr, repository, tag)
        except ClientError as error:
            raise _not_taken(
                str(error), where=f"{self._endpoint}, repository {repository}"
            ) from None
        except BotoCoreError as error:
            raise _silent(error, where=self._endpoint) from None
        return {"image": self.reference(tag, stack=stack), "digest": digest}

    def _ask(self, method: str, path: str, content: Any = None) -> dict[str, Any]:
        body = None if content is None else json.dumps(content).encode()
        where = f"{self._endpoint}{path}"
        request = Request(where, body, {"Content-Type": "application/json"}, method=method)  # noqa: S310 - loopback
        try:
            with urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - loopback
                return json.loads(answer.read())
        except HTTPError as error:
            raise _not_taken(_reason(error), where=f"{method} {where}") from None
        except (OSError, HTTPException, ValueError) as error:
            raise _silent(error, where=where) from None


def _push(ecr: Any, repository: str, tag: str) -> str:
    known = ecr.describe_images(repositoryName=repository)["imageDetails"]
    for one in known:
        if tag in one.get("imageTags", []):
            return one["imageDigest"]
    made = ecr.put_image(repositoryName=repository, imageTag=tag, imageManifest=manifest(tag))
    ecr.start_image_scan(repositoryName=repository, imageId={"imageTag": tag})
    return made["image"]["imageId"]["imageDigest"]


def _reason(error: HTTPError) -> str:
    """What the server says; an error within it is answered with a page instead."""
    try:
        return json.loads(error.read())["error"]
    except (OSError, HTTPException, ValueError, KeyError, TypeError):
        return f"HTTP {error.code} {error.reason}; its log says why (server.log)"


def _not_taken(reason: str, *, where: str) -> ArcaError:
    return ArcaError(
        f"The emulated cloud does not take this: {reason}",
        where=where,
        wanted="what the command's --help describes",
        do="correct it",
    )


def _silent(error: Exception, *, where: str) -> ArcaError:
    return ArcaError(
        f"The emulated cloud does not answer: {error}",
        where=where,
        wanted="a cloud that is up",
        do="run `make up` again",
    )


def manifest(tag: str) -> str:
    """A manifest of one layer that follows from the tag (OCI Image Format Specification).

    Moto makes an image's digest from its layers' alone.
    """
    kind = "application/vnd.oci.image"
    digest = f"sha256:{hashlib.sha256(tag.encode()).hexdigest()}"
    return json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": f"{kind}.manifest.v1+json",
            "config": {"mediaType": f"{kind}.config.v1+json", "digest": digest, "size": 1},
            "layers": [{"mediaType": f"{kind}.layer.v1.tar", "digest": digest, "size": 1}],
        }
    )
