"""The control path: faults and stand-ins, as JSON below `/arca/`.

GET, PUT and DELETE of `/arca/faults` (a list) and of `/arca/images` (one image and its command a
PUT); every answer tells both.
"""

import json
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from werkzeug.wrappers import Request, Response

from arca.emulator.ecs.app import Application
from arca.emulator.ecs.faults import FAULTS

PREFIX = "/arca/"
PATHS = ("/arca/faults", "/arca/images")
METHODS = ("GET", "PUT", "DELETE")


class StandIn(BaseModel):
    """A command that stands in for an image; the container's own words follow it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    image: str = Field(min_length=1)
    command: tuple[str, ...] = Field(min_length=1)


class Controlled:
    """The application with its control path."""

    def __init__(self, application: Application) -> None:
        self.application = application

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request."""
        if not environ["PATH_INFO"].startswith(PREFIX):
            return self.application(environ, start_response)
        return self._control(Request(environ))(environ, start_response)

    def _control(self, request: Request) -> Response:
        if request.path not in PATHS:
            return _json({"error": f"no such path; there are {', '.join(PATHS)}"}, 404)
        if request.method not in METHODS:
            return _json({"error": f"only {', '.join(METHODS)}"}, 405)
        stand_ins = self.application.world.scheduler.stand_ins
        try:
            match request.method, request.path:
                case "PUT", "/arca/faults":
                    self.application.ask_for(FAULTS.validate_json(request.get_data()))
                case "DELETE", "/arca/faults":
                    self.application.ask_for([])
                case "PUT", "/arca/images":
                    one = StandIn.model_validate_json(request.get_data())
                    stand_ins[one.image] = one.command
                case "DELETE", "/arca/images":
                    stand_ins.clear()
                case _:
                    pass
        except ValidationError as error:
            return _json({"error": _words(error)}, 400)
        return _json(
            {
                "faults": [one.model_dump() for one in self.application.faults],
                "images": {image: list(command) for image, command in stand_ins.items()},
            }
        )


def _words(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(map(str, one['loc'])) or 'content'}: {one['msg']}" for one in error.errors()
    )


def _json(content: dict[str, Any], status: int = 200) -> Response:
    return Response(json.dumps(content), status, content_type="application/json")
