"""The emulator's own HTTP API for faults and stand-ins: JSON below `/arca/`.

`/arca/faults` takes a list of faults with PUT. `/arca/images` takes one image and its stand-in
command with PUT. Both take GET and DELETE, and each answer contains all faults and stand-ins.
`/arca/places` takes what stands behind the emulated cloud's addresses on this machine with PUT.
`/arca/regions` takes the regions that are lost with PUT, and answers GET with them.
`/arca/alive` answers GET with the process number. `/arca/listen` takes a port with PUT, and the
server listens there too. `/arca/zones` takes a zone of Cloudflare with PUT, as its owner has it.
"""

import json
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from werkzeug.wrappers import Request, Response

from arca.emulator.cloudflare.state import OwnedZone
from arca.emulator.ecs import faults
from arca.emulator.ecs.app import Application
from arca.emulator.ecs.stand_ins import StandIn

CONTROL_PREFIX = "/arca/"
PATHS: Mapping[str, tuple[str, ...]] = {
    faults.FAULTS_PATH: ("GET", "PUT", "DELETE"),
    faults.IMAGES_PATH: ("GET", "PUT", "DELETE"),
    faults.ALIVE_PATH: ("GET",),
    faults.LISTEN_PATH: ("PUT",),
    faults.ZONES_PATH: ("PUT",),
    faults.PLACES_PATH: ("PUT",),
    faults.REGIONS_PATH: ("GET", "PUT"),
}
"""The paths, and the methods of each."""


class StandInCommand(BaseModel):
    """A command that runs in place of an image; the container's own command is appended."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    image: str = Field(min_length=1)
    command: tuple[str, ...] = Field(min_length=1)
    environment: dict[str, str] = Field(default_factory=dict[str, str])


class PlacesRequest(BaseModel):
    """What stands on this machine behind addresses of the emulated cloud."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    places: dict[str, str]
    """`name:port` in the emulated cloud, and `host:port` on this machine."""
    drain_seconds: float = Field(default=0.0, ge=0, le=60)
    """Seconds that a load balancer on this machine may take to forget a target."""


class RegionsRequest(BaseModel):
    """The regions that are lost: none of their APIs answers, and nothing in them runs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lost: frozenset[str]


class ListenRequest(BaseModel):
    """A further loopback port on which the server is to listen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    port: int = Field(ge=1, le=65535)


class ControlApi:
    """The WSGI application with the control API in front of it.

    `listen` opens a further port; it raises OSError if the port cannot be used.
    """

    def __init__(
        self, application: Application, *, listen: Callable[[int], None] | None = None
    ) -> None:
        self.application = application
        self._listen = listen

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request, or pass it on to the application."""
        if not environ["PATH_INFO"].startswith(CONTROL_PREFIX):
            return self.application(environ, start_response)
        return self._control(Request(environ))(environ, start_response)

    def _control(self, request: Request) -> Response:
        if request.path not in PATHS:
            return _json({"error": f"no such path; there are {', '.join(PATHS)}"}, 404)
        methods = PATHS[request.path]
        if request.method not in methods:
            return _json({"error": f"only {', '.join(methods)}"}, 405)
        try:
            return self._answer(request)
        except ValidationError as error:
            return _json({"error": _text(error)}, 400)

    def _answer(self, request: Request) -> Response:
        """Answer a request whose path and method exist; raises ValidationError."""
        match request.path:
            case faults.ALIVE_PATH:
                return _json({"pid": os.getpid()})
            case faults.LISTEN_PATH:
                return self._open(ListenRequest.model_validate_json(request.get_data()).port)
            case faults.PLACES_PATH:
                wanted = PlacesRequest.model_validate_json(request.get_data())
                scheduler = self.application.backend.task_scheduler
                scheduler.places.known = dict(wanted.places)
                _serve(wanted.places)
                scheduler.drain_seconds = wanted.drain_seconds
                return _json({"places": wanted.places})
            case faults.REGIONS_PATH:
                if request.method == "PUT":
                    regions = RegionsRequest.model_validate_json(request.get_data())
                    self.application.lose(regions.lost)
                return _json({"lost": sorted(self.application.lost)})
            case faults.ZONES_PATH:
                zone = OwnedZone.model_validate_json(request.get_data())
                self.application.cloudflare.add_zone(zone)
                return _json({"zone": zone.id})
            case _:
                return self._change(request)

    def _change(self, request: Request) -> Response:
        """Change the faults or the stand-ins, or only show them."""
        stand_ins = self.application.backend.task_scheduler.stand_ins
        match request.method, request.path:
            case "PUT", faults.FAULTS_PATH:
                self.application.set_faults(faults.FAULT_LIST.validate_json(request.get_data()))
            case "DELETE", faults.FAULTS_PATH:
                self.application.set_faults([])
            case "PUT", faults.IMAGES_PATH:
                one = StandInCommand.model_validate_json(request.get_data())
                stand_ins[one.image] = StandIn(one.command, one.environment)
            case "DELETE", faults.IMAGES_PATH:
                stand_ins.clear()
            case _:
                pass
        return _json(
            {
                "faults": [one.model_dump() for one in self.application.faults],
                "images": {image: list(one.command) for image, one in stand_ins.items()},
            }
        )

    def _open(self, port: int) -> Response:
        if self._listen is None:
            return _json({"error": "this server has no ports"}, 404)
        try:
            self._listen(port)
        except OSError as error:
            return _json({"error": f"port {port} cannot be used: {error.strerror}"}, 409)
        return _json({"port": port})


def _text(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(map(str, one['loc'])) or 'content'}: {one['msg']}" for one in error.errors()
    )


def _json(content: dict[str, Any], status: int = 200) -> Response:
    return Response(json.dumps(content), status, content_type="application/json")


def _serve(places: Mapping[str, str]) -> None:
    from arca.emulator.ecs import moto_databases  # noqa: PLC0415 - it imports moto's rds

    moto_databases.serve(places)
