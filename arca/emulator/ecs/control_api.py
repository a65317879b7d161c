"""The emulator's own HTTP API for faults and stand-ins: JSON below `/arca/`.

`/arca/faults` takes a list of faults with PUT. `/arca/images` takes one image and its stand-in
command with PUT. Both take GET and DELETE, and each answer contains all faults and stand-ins.
"""

import json
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from werkzeug.wrappers import Request, Response

from arca.emulator.ecs import faults
from arca.emulator.ecs.app import Application

CONTROL_PREFIX = "/arca/"
PATHS = (faults.FAULTS_PATH, faults.IMAGES_PATH)
METHODS = ("GET", "PUT", "DELETE")


class StandInCommand(BaseModel):
    """A command that runs in place of an image; the container's own command is appended."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    image: str = Field(min_length=1)
    command: tuple[str, ...] = Field(min_length=1)


class ControlApi:
    """The WSGI application with the control API in front of it."""

    def __init__(self, application: Application) -> None:
        self.application = application

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request, or pass it on to the application."""
        if not environ["PATH_INFO"].startswith(CONTROL_PREFIX):
            return self.application(environ, start_response)
        return self._control(Request(environ))(environ, start_response)

    def _control(self, request: Request) -> Response:
        if request.path not in PATHS:
            return _json({"error": f"no such path; there are {', '.join(PATHS)}"}, 404)
        if request.method not in METHODS:
            return _json({"error": f"only {', '.join(METHODS)}"}, 405)
        stand_ins = self.application.backend.task_scheduler.stand_ins
        try:
            match request.method, request.path:
                case "PUT", faults.FAULTS_PATH:
                    self.application.set_faults(faults.FAULT_LIST.validate_json(request.get_data()))
                case "DELETE", faults.FAULTS_PATH:
                    self.application.set_faults([])
                case "PUT", faults.IMAGES_PATH:
                    one = StandInCommand.model_validate_json(request.get_data())
                    stand_ins[one.image] = one.command
                case "DELETE", faults.IMAGES_PATH:
                    stand_ins.clear()
                case _:
                    pass
        except ValidationError as error:
            return _json({"error": _text(error)}, 400)
        return _json(
            {
                "faults": [one.model_dump() for one in self.application.faults],
                "images": {image: list(command) for image, command in stand_ins.items()},
            }
        )


def _text(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(map(str, one['loc'])) or 'content'}: {one['msg']}" for one in error.errors()
    )


def _json(content: dict[str, Any], status: int = 200) -> Response:
    return Response(json.dumps(content), status, content_type="application/json")
