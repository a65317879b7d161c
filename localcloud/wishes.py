"""Ask the emulated cloud that is up: for faults, stand-ins, an image in its registry."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import boto3

from errors import ArcaError
from localcloud.state import State

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
        make = cast("Callable[..., Any]", boto3.client)
        ecr = make(
            "ecr",
            region_name=exports["region"],
            endpoint_url=self._endpoint,
            aws_access_key_id="emulated",
            aws_secret_access_key="emulated",  # noqa: S106 - the emulation checks none
        )
        known = ecr.describe_images(repositoryName=repository)["imageDetails"]
        found = [one["imageDigest"] for one in known if tag in one.get("imageTags", [])]
        if not found:
            made = ecr.put_image(
                repositoryName=repository, imageTag=tag, imageManifest=manifest(tag)
            )
            found = [made["image"]["imageId"]["imageDigest"]]
            ecr.start_image_scan(repositoryName=repository, imageId={"imageTag": tag})
        return {"image": self.reference(tag, stack=stack), "digest": found[0]}

    def _ask(self, method: str, path: str, content: Any = None) -> dict[str, Any]:
        body = None if content is None else json.dumps(content).encode()
        where = f"{self._endpoint}{path}"
        request = Request(where, body, {"Content-Type": "application/json"}, method=method)  # noqa: S310 - loopback
        try:
            with urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - loopback
                return json.loads(answer.read())
        except HTTPError as error:
            raise ArcaError(
                f"The emulated cloud does not take this: {json.loads(error.read())['error']}",
                where=f"{method} {where}",
                wanted="what `arca local fault --help` describes",
                do="correct it",
            ) from None
        except (URLError, TimeoutError) as error:
            raise ArcaError(
                f"The emulated cloud does not answer: {error}",
                where=where,
                wanted="a cloud that is up",
                do="run `make up` again",
            ) from None


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
