"""The WSGI application before moto: ECS's calls to the controller, all else to moto."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from io import BytesIO
from threading import RLock
from typing import Any, cast

from moto.moto_server.werkzeug_app import (  # pyright: ignore[reportMissingTypeStubs] # moto has none
    DomainDispatcherApplication,
    create_backend_app,
)
from werkzeug.test import run_wsgi_app
from werkzeug.wrappers import Request, Response

from localcloud.controller import faults, health
from localcloud.controller.calls import Call, Json, World
from localcloud.controller.clock import Clock
from localcloud.controller.deployment_calls import DeploymentCalls
from localcloud.controller.inside import Clients, Wsgi
from localcloud.controller.machine import Machine
from localcloud.controller.model import SIMULATED
from localcloud.controller.names import Names
from localcloud.controller.outside import Outside
from localcloud.controller.refusals import ApiError
from localcloud.controller.scheduler import Scheduler
from localcloud.controller.service_calls import ServiceCalls
from localcloud.controller.task_calls import TaskCalls

ECS = "AmazonEC2ContainerServiceV20141113."
JSON = "application/x-amz-json-1.1"
RESET = "/moto-api/reset"
SCOPE = re.compile(r"Credential=[^/]+/\d+/([^/]+)/")
"""A signature's scope names the region (AWS Signature Version 4)."""


class _Moto(DomainDispatcherApplication):
    """Moto's own application, which would list its own directory at each request."""

    def __init__(self, create_app: Any) -> None:
        super().__init__(create_app)
        self._found: dict[str | None, Any] = {}

    def get_backend_for_host(self, host: str | None) -> Any:
        """The backend's name."""
        if host not in self._found:
            self._found[host] = super().get_backend_for_host(host)
        return self._found[host]


class Application:
    """Answers requests; moto's own application when nothing of ours is asked for."""

    def __init__(self, clock: Clock) -> None:
        # What the controller itself asks goes straight to moto: it never waits for itself.
        self.moto: Wsgi = cast("Wsgi", _Moto(create_backend_app))
        self._clock = clock
        self._clients = Clients(self.moto)
        self._lock = RLock()
        self._refused = 0
        """Calls that are still to be throttled."""
        self._begin()

    def _begin(self) -> None:
        names, outside = Names(), Outside(self._clients.client)
        scheduler = Scheduler(outside, self._clock, names)
        machine = Machine(outside, self._clock, names, scheduler)
        self.world = World(machine, scheduler, outside, self._clock)
        services, tasks = ServiceCalls(self.world), TaskCalls(self.world)
        deployments = DeploymentCalls(self.world)
        self._calls: Mapping[str, Callable[[Call], Json]] = {
            "CreateService": services.create,
            "UpdateService": services.update,
            "DescribeServices": services.describe,
            "DeleteService": services.delete,
            "ListTasks": tasks.list,
            "DescribeTasks": tasks.describe,
            "RunTask": tasks.run,
            "StopTask": tasks.stop,
            "ExecuteCommand": tasks.execute,
            "ListServiceDeployments": deployments.list,
            "DescribeServiceDeployments": deployments.describe,
            "StopServiceDeployment": deployments.stop,
            "ContinueServiceDeployment": deployments.proceed,
            "DescribeServiceRevisions": deployments.revisions,
        }

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request, after all that is due by now."""
        path = environ["PATH_INFO"]
        if path == RESET:
            self.reset()
        elif not path.startswith("/moto-api"):
            self.catch_up()
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        operation = target.removeprefix(ECS)
        if target == operation or operation not in self._calls:
            return self.moto(environ, start_response)
        return self._answer(Request(environ), operation)(environ, start_response)

    def catch_up(self) -> None:
        """Ask stand-ins for their health, without the lock; then carry out what is due."""
        with self._lock:
            machine, scheduler = self.world.machine, self.world.scheduler
            if not machine.services and not scheduler.one_off:
                return
            questions = list(scheduler.questions(list(machine.services.values())))
        heard = health.ask(questions)
        with self._lock:
            now = self._clock.now()
            for question, well in heard:
                machine.heard(question, now, well=well)
            machine.advance(now)

    def _answer(self, request: Request, operation: str) -> Response:
        body = request.get_data()

        def moto() -> Json:
            environ: dict[str, Any] = {
                **request.environ,
                "wsgi.input": BytesIO(body),
                "CONTENT_LENGTH": str(len(body)),
            }
            chunks, status, headers = run_wsgi_app(self.moto, environ)
            content = b"".join(chunks)
            if not status.startswith("200"):
                raise _PassedOn(Response(content, status, headers))
            return json.loads(content)

        try:
            with self._lock:
                self._throttle()
                call = Call(_region(request), json.loads(body or b"{}"), moto)
                answer = self._calls[operation](call)
        except _PassedOn as passed:
            return passed.response
        except ApiError as error:
            refusal = {"__type": error.code, "message": error.message}
            return Response(json.dumps(refusal), 400, content_type=JSON)
        return Response(json.dumps(answer), content_type=JSON)

    def _throttle(self) -> None:
        if self._refused:
            self._refused -= 1
            raise ApiError("ThrottlingException", f"Rate exceeded {SIMULATED}")

    def ask_for(self, wanted: list[faults.Fault]) -> None:
        """Have these faults from now on, instead of those before; none at all ends stalls."""
        with self._lock:
            self.world.faults[:] = [one for one in wanted if not isinstance(one, faults.Throttle)]
            self._refused = sum(one.calls for one in wanted if isinstance(one, faults.Throttle))
            if not wanted:
                self.world.machine.take_back()

    @property
    def faults(self) -> list[faults.Fault]:
        """What was asked for and is not used up."""
        with self._lock:
            left = [faults.Throttle(calls=self._refused)] if self._refused else []
            return [*self.world.faults, *left]

    def reset(self) -> None:
        """Forget all, as moto does when it is told to."""
        with self._lock:
            self.end(closing=False)
            self._refused = 0
            self._begin()

    def end(self, *, closing: bool = True) -> None:
        """End every stand-in."""
        self.world.scheduler.processes.end_all(closing=closing)


class _PassedOn(Exception):
    """An error of moto's, handed on as it is."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


def _region(request: Request) -> str:
    found = SCOPE.search(request.headers.get("Authorization", ""))
    return found[1] if found else "us-east-1"
