"""The client of the emulated cloud that is up: faults, stand-ins and images of its registry."""

import hashlib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from http import HTTPStatus
from http.client import HTTPException
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import ValidationError

from arca.emulator.aws_clients import session
from arca.emulator.ecs.access import TOKEN_HEADER
from arca.emulator.ecs.faults import (
    FAULT,
    FAULT_LIST,
    FAULT_NAMES,
    FAULTS_PATH,
    IMAGES_PATH,
    LISTEN_PATH,
    PLACES_PATH,
    REGIONS_PATH,
    AnyFault,
)
from arca.emulator.state import State
from arca.errors import ArcaError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

REQUEST_TIMEOUT_SECONDS = 10
TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")
"""OCI Distribution Specification 1.1, "Pulling manifests"."""


def require_tag(tag: str) -> None:
    """Raise ArcaError for a tag that no registry takes."""
    if TAG.fullmatch(tag) is None:
        raise ArcaError(
            f"{tag!r} is no tag of an image.",
            where="the TAG",
            wanted="letters a-z and A-Z, digits, and . _ - but not first; 128 characters at most",
            do="choose such a tag, for example 1.2.3",
        )


def read_fault(content: Mapping[str, Any]) -> AnyFault:
    """Make a fault of its name and details; raises ArcaError if they are invalid."""
    try:
        return FAULT.validate_python(content)
    except ValidationError as error:
        reason = "; ".join(map(_problem, error.errors(include_url=False)))
        raise _refused(reason, where=f"the fault {content.get('fault')}") from None


def _problem(error: "ErrorDetails") -> str:
    """Return one thing that is wrong with a fault, with the option that gives it."""
    # The union's models come first in the place of an error: exits, image.
    names = [str(one) for one in error["loc"] if one not in FAULT_NAMES]
    option = f"--{names[-1]}" if names else "NAME"
    if error["type"] == "missing":
        return f"it needs {option}"
    if error["type"] == "extra_forbidden":
        return f"it does not take {option}"
    return f"{option}: {error['msg']}"


class EmulatorClient:
    """Calls the emulated cloud of a state directory; raises ArcaError if none is up."""

    def __init__(self, state: State) -> None:
        record = state.read()
        if record is None:
            raise ArcaError(
                "No emulated cloud is up.",
                where=str(state.directory),
                wanted="an emulated cloud that is up",
                do="run `make up STACK=prod` first",
            )
        self._state, self._endpoint, self._token = state, record.endpoint, record.token

    def faults(self) -> list[AnyFault]:
        """Return the injected faults."""
        return self._faults("GET")

    def add_fault(self, fault: AnyFault) -> list[AnyFault]:
        """Inject one more fault; returns all of them."""
        return self._faults("PUT", [*self.faults(), fault])

    def clear_faults(self) -> None:
        """Remove all faults; this also ends stalls and sets the alarms of faults to OK."""
        self._faults("DELETE")

    def stand_in(
        self, image: str, command: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> None:
        """Let a command run in place of the image's containers, with these variables besides."""
        content = {"image": image, "command": list(command), "environment": environment or {}}
        self._call("PUT", IMAGES_PATH, content)

    def set_places(self, places: Mapping[str, str], *, drain_seconds: float) -> None:
        """Say what stands behind addresses of the emulated cloud, as `name:port` of both."""
        self._call("PUT", PLACES_PATH, {"places": places, "drain_seconds": drain_seconds})

    def lost_regions(self) -> frozenset[str]:
        """Return the regions that are lost."""
        return frozenset(self._call("GET", REGIONS_PATH)["lost"])

    def lose(self, regions: Collection[str]) -> None:
        """Lose these regions, and give back all others."""
        self._call("PUT", REGIONS_PATH, {"lost": sorted(regions)})

    def listen(self, port: int) -> None:
        """Let the server listen on a further port of loopback too."""
        self._call("PUT", LISTEN_PATH, {"port": port})

    def reference(self, image: str, *, stack: str) -> str:
        """Return a tag's whole reference in the stack's registry; a reference stays as it is."""
        if "/" in image:
            return image
        return f"{self._export(stack, 'registry', 'repository_url')}:{image}"

    def push(self, tag: str, *, stack: str) -> dict[str, str]:
        """Put a made-up image with this tag into a stack's registry and scan it.

        Raises ArcaError for a tag that no registry takes.
        """
        require_tag(tag)
        repository, region = (
            self._export(stack, "registry", "repository_name"),
            self._export(stack, "region"),
        )
        ecr = session().client("ecr", region_name=region, endpoint_url=self._endpoint)
        try:
            digest = _push(ecr, repository, tag)
        except ClientError as error:
            where = f"{self._endpoint}, repository {repository}"
            raise _refused(str(error), where=where) from None
        except (BotoCoreError, KeyError) as error:
            # Botocore takes a page of HTML for an answer without any field.
            raise _no_answer(error, where=self._endpoint) from None
        return {"image": self.reference(tag, stack=stack), "digest": digest}

    def _export(self, stack: str, *path: str) -> str:
        """Return an export of a stack; raises ArcaError where the saved exports have none."""
        found: Any = self._state.exports(stack)
        try:
            for name in path:
                found = found[name]
        except (KeyError, TypeError):
            raise ArcaError(
                f"The exports of {stack} cannot be read: there is no {'.'.join(path)}.",
                where=str(self._state.directory),
                wanted="the exports that `arca local up` writes",
                do=f"run `make up STACK={stack}` again",
            ) from None
        return str(found)

    def _faults(self, method: str, faults: list[AnyFault] | None = None) -> list[AnyFault]:
        content = None if faults is None else FAULT_LIST.dump_python(faults)
        answer = self._call(method, FAULTS_PATH, content)
        try:
            return FAULT_LIST.validate_python(answer["faults"])
        except (KeyError, TypeError, ValueError) as error:
            raise _no_answer(error, where=f"{self._endpoint}{FAULTS_PATH}") from None

    def _call(self, method: str, path: str, content: Any = None) -> dict[str, Any]:
        where = f"{self._endpoint}{path}"
        try:
            return json.loads(exchange(where, self._token, method, content))
        except HTTPError as error:
            raise _refused(_reason(error), where=f"{method} {where}") from None
        except (OSError, HTTPException, ValueError) as error:
            raise _no_answer(error, where=where) from None


def exchange(where: str, token: str, method: str, content: Any = None) -> bytes:
    """Make one call of the control API with a JSON body; raises what `urlopen` raises."""
    body = None if content is None else json.dumps(content).encode()
    headers = {"Content-Type": "application/json", TOKEN_HEADER: token}
    request = Request(where, body, headers, method=method)  # noqa: S310 - loopback
    with urlopen(request, timeout=REQUEST_TIMEOUT_SECONDS) as answer:  # noqa: S310 - loopback
        return answer.read()


def _push(ecr: Any, repository: str, tag: str) -> str:
    known = ecr.describe_images(repositoryName=repository)["imageDetails"]
    for image in known:
        if tag in image.get("imageTags", []):
            return image["imageDigest"]
    made = ecr.put_image(repositoryName=repository, imageTag=tag, imageManifest=manifest(tag))
    ecr.start_image_scan(repositoryName=repository, imageId={"imageTag": tag})
    return made["image"]["imageId"]["imageDigest"]


def _reason(error: HTTPError) -> str:
    """Return the server's message; an unexpected error of the server has only a page."""
    try:
        content = error.read()
        if error.code == HTTPStatus.FORBIDDEN and error.headers.get_content_type() == "text/plain":
            return content.decode().strip()
        return json.loads(content)["error"]
    except (OSError, HTTPException, ValueError, KeyError, TypeError):
        return f"HTTP {error.code} {error.reason}; its log says why (server.log)"


def _refused(reason: str, *, where: str) -> ArcaError:
    return ArcaError(
        f"The emulated cloud does not take this: {reason}",
        where=where,
        wanted="what the command's --help describes",
        do="correct it",
    )


def _no_answer(error: Exception, *, where: str) -> ArcaError:
    return ArcaError(
        f"The emulated cloud does not answer: {error}",
        where=where,
        wanted="a cloud that is up",
        do="run `make up` again",
    )


def manifest(tag: str) -> str:
    """Return an image manifest with one layer that follows from the tag.

    Moto computes an image's digest from its layers alone. The format is that of the OCI Image
    Format Specification.
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
