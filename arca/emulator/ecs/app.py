"""The WSGI application before moto: ECS's calls to the controller, all else to moto."""

import json
import logging
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

from arca.emulator.ecs import faults
from arca.emulator.ecs.calls import Call, Json, World
from arca.emulator.ecs.clock import Clock
from arca.emulator.ecs.deployment_calls import DeploymentCalls
from arca.emulator.ecs.inside import Clients, Wsgi
from arca.emulator.ecs.machine import Machine
from arca.emulator.ecs.model import SIMULATED
from arca.emulator.ecs.names import Names
from arca.emulator.ecs.outside import Outside
from arca.emulator.ecs.refusals import ApiError
from arca.emulator.ecs.scheduler import Scheduler
from arca.emulator.ecs.service_calls import ServiceCalls
from arca.emulator.ecs.shapes import read
from arca.emulator.ecs.task_calls import TaskCalls

LOG = logging.getLogger(__name__)
ECS = "AmazonEC2ContainerServiceV20141113."
JSON = "application/x-amz-json-1.1"
READS = ("Describe", "List")
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


def _create_app(service: Any) -> Any:
    """Create moto's application of a service, with our resource types in CloudFormation's."""
    if service == "cloudformation":
        from arca.emulator import cloudformation  # noqa: PLC0415 - it imports all of moto

        cloudformation.register()
    return create_backend_app(service)


class Application:
    """Answers requests; moto's own application when nothing of ours is asked for."""

    def __init__(self, clock: Clock) -> None:
        # What the controller itself asks goes straight to moto: it never waits for itself.
        self.moto: Wsgi = cast("Wsgi", _Moto(_create_app))
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
        self.calls: Mapping[str, Callable[[Call], Json]] = {
            "CreateService": services.create,
            "UpdateService": services.update,
            "DescribeServices": services.describe,
            "DeleteService": services.delete,
            "DescribeClusters": services.clusters,
            "ListTasks": tasks.list,
            "DescribeTasks": tasks.describe,
            "RunTask": tasks.run,
            "StopTask": tasks.stop,
            "ExecuteCommand": tasks.execute,
            "GetTaskProtection": tasks.protect,
            "UpdateTaskProtection": tasks.protect,
            "ListServiceDeployments": deployments.list,
            "DescribeServiceDeployments": deployments.describe,
            "StopServiceDeployment": deployments.stop,
            "ContinueServiceDeployment": deployments.proceed,
            "DescribeServiceRevisions": deployments.revisions,
        }
        """The operations of ECS that are answered here; all others are moto's."""

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request, after all that is due by now."""
        path = environ["PATH_INFO"]
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        operation = target.removeprefix(ECS)
        if path == RESET:
            self.reset()
        elif not path.startswith("/moto-api"):
            if target != operation and operation.startswith(READS):
                # Who asks for tasks is told how they ended; nobody else waits for their end.
                self.world.scheduler.wait()
            self.catch_up()
        if target == operation:
            return self.moto(environ, start_response)
        try:
            self._throttle()
        except ApiError as error:
            return _refusal(error)(environ, start_response)
        if operation not in self.calls:
            return self.moto(environ, start_response)
        return self._answer(Request(environ), operation)(environ, start_response)

    def catch_up(self) -> None:
        """Carry out what is due, with what stand-ins answered meanwhile; then ask them again."""
        with self._lock:
            machine, scheduler = self.world.machine, self.world.scheduler
            if not machine.services and not scheduler.one_off:
                return
            now = self._clock.now()
            heard = list(scheduler.asker.heard())
            if heard:
                # An answer is of this moment; what waits for it may not go on from an earlier one.
                machine.advance(now)
            for question, well in heard:
                machine.heard(question, now, well=well)
            machine.advance(now)
            scheduler.asker.ask(scheduler.questions(list(machine.services.values())))

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
            region = _region(request)
            model = self._clients.client("ecs", region).meta.service_model
            call = Call(region, read(model, operation, body), moto)
            with self._lock:
                answer = self.calls[operation](call)
        except _PassedOn as passed:
            return passed.response
        except ApiError as error:
            return _refusal(error)
        except Exception as error:
            LOG.exception("%s", operation)
            failure = ApiError("ServerException", f"The controller failed: {error!r} {SIMULATED}")
            return _refusal(failure, 500)
        return Response(json.dumps(answer), content_type=JSON)

    def _throttle(self) -> None:
        with self._lock:
            if self._refused:
                self._refused -= 1
                raise ApiError("ThrottlingException", f"Rate exceeded {SIMULATED}")

    def ask_for(self, wanted: list[faults.Fault]) -> None:
        """Have these faults from now on, instead of those before; none at all ends stalls."""
        # A stall lasts until this moment, not until somebody looked last.
        self.catch_up()
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


def _refusal(error: ApiError, status: int = 400) -> Response:
    refusal = {"__type": error.code, "message": error.message}
    return Response(json.dumps(refusal), status, content_type=JSON)


def _region(request: Request) -> str:
    found = SCOPE.search(request.headers.get("Authorization", ""))
    return found[1] if found else "us-east-1"
