"""The WSGI application in front of moto: it answers ECS's calls and passes all others on."""

import json
import logging
import re
import socket
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from http import HTTPStatus
from io import BytesIO
from threading import RLock
from typing import Any, cast

from moto.moto_server.werkzeug_app import (  # pyright: ignore[reportMissingTypeStubs] # moto has none
    DomainDispatcherApplication,
    create_backend_app,
)
from werkzeug.test import run_wsgi_app
from werkzeug.wrappers import Request, Response

from arca.emulator.aws_clients import Wsgi, WsgiClients
from arca.emulator.cloudflare import PREFIX as CLOUDFLARE_PREFIX
from arca.emulator.cloudflare.api import CloudflareApi
from arca.emulator.ecs import faults
from arca.emulator.ecs.api import SIMULATED, ApiError, Json, read_request
from arca.emulator.ecs.calls import EcsBackend, EcsCall
from arca.emulator.ecs.clock import EcsClock
from arca.emulator.ecs.deployment_calls import DeploymentCalls
from arca.emulator.ecs.identifiers import Identifiers
from arca.emulator.ecs.moto_services import MotoServices
from arca.emulator.ecs.once import Once
from arca.emulator.ecs.service_calls import ServiceCalls
from arca.emulator.ecs.service_controller import ServiceController
from arca.emulator.ecs.task_calls import TaskCalls
from arca.emulator.ecs.task_scheduler import TaskScheduler

LOG = logging.getLogger(__name__)
ECS_TARGET = "AmazonEC2ContainerServiceV20141113."
JSON_CONTENT = "application/x-amz-json-1.1"
READ_PREFIXES = ("Describe", "List")
RESET_PATH = "/moto-api/reset"
CREDENTIAL_SCOPE = re.compile(r"Credential=[^/]+/\d+/([^/]+)/")
"""The scope of a signature, which names the region (AWS Signature Version 4)."""


class _Moto(DomainDispatcherApplication):
    """Moto's application with a cache: moto lists its own directory at each request."""

    def __init__(self, create_app: Any) -> None:
        super().__init__(create_app)
        self._found: dict[str | None, Any] = {}

    def get_backend_for_host(self, host: str | None) -> Any:
        """Return the name of the backend that serves a host."""
        if host not in self._found:
            self._found[host] = super().get_backend_for_host(host)
        return self._found[host]


def _create_app(service: Any) -> Any:
    """Create moto's application of a service, with what it lacks in some of them."""
    if service == "cloudformation":
        from arca.emulator.provider import cloudformation  # noqa: PLC0415 - it imports all of moto

        cloudformation.register()
    # moto serves both generations of load balancers under the older one's name.
    if service == "elb":
        from arca.emulator.ecs import moto_targets  # noqa: PLC0415 - it imports moto's elbv2

        moto_targets.tell_apart_by_port()
    if service == "cloudwatch":
        from arca.emulator.ecs import moto_mutes  # noqa: PLC0415 - it imports moto's cloudwatch

        moto_mutes.mend()
    if service == "rds":
        from arca.emulator.ecs import moto_databases  # noqa: PLC0415 - it imports moto's rds

        moto_databases.mend()
    return create_backend_app(service)


class Application:
    """Answers ECS's calls about services, deployments and tasks; moto answers all others."""

    def __init__(self, clock: EcsClock) -> None:
        # The emulator's own clients call moto directly, so that it never waits for its own lock.
        self.moto: Wsgi = cast("Wsgi", _Moto(_create_app))
        self._clock = clock
        self._clients = WsgiClients(self.moto)
        self.cloudflare = CloudflareApi(clock.now)
        self._lock = RLock()
        self._calls_to_throttle = 0
        """The number of calls that are still to be refused."""
        self.lost: frozenset[str] = frozenset()
        """Regions whose APIs do not answer."""
        self._once = Once(self._respond)
        self._begin()

    def _begin(self) -> None:
        identifiers, moto = Identifiers(), MotoServices(self._clients.client)
        scheduler = TaskScheduler(moto, self._clock, identifiers)
        controller = ServiceController(moto, self._clock, identifiers, scheduler)
        self.backend = EcsBackend(controller, scheduler, moto, self._clock)
        services, tasks = ServiceCalls(self.backend), TaskCalls(self.backend)
        deployments = DeploymentCalls(self.backend)
        self.calls: Mapping[str, Callable[[EcsCall], Json]] = {
            "CreateService": services.create,
            "UpdateService": services.update,
            "DescribeServices": services.describe,
            "DeleteService": services.delete,
            "DescribeClusters": services.clusters,
            "RegisterTaskDefinition": tasks.register,
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
        """The operations of ECS that are answered here; moto answers all others."""

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Run what is due, then answer a request; one with a key of an earlier one as before."""
        return self._once(environ, start_response)

    def _respond(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path.startswith(f"{CLOUDFLARE_PREFIX}/"):
            return self.cloudflare(environ, start_response)
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        operation = target.removeprefix(ECS_TARGET)
        if path == RESET_PATH:
            self.reset()
        elif self.lost and _scope(environ.get("HTTP_AUTHORIZATION", "")) in self.lost:
            _hang_up(environ)
            return Response("", HTTPStatus.SERVICE_UNAVAILABLE)(environ, start_response)
        elif not path.startswith("/moto-api"):
            if target != operation and operation.startswith(READ_PREFIXES):
                # An answer about tasks contains their exit codes; no other call waits for exits.
                self.backend.task_scheduler.wait_for_exits()
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
        """Run what is due, record the health checks that ended, and start those that are due."""
        with self._lock:
            services = self.backend.service_controller
            scheduler = self.backend.task_scheduler
            if not services.services and not scheduler.one_off:
                return
            now = self._clock.now()
            results = list(scheduler.health_checker.results())
            if results:
                # A result counts from now on: a wait for it must not end at an earlier moment.
                services.advance(now)
            for check, healthy in results:
                services.record_health(check, now, healthy=healthy)
            services.advance(now)
            due = scheduler.health_checks_due(services.standing())
            scheduler.health_checker.start(due)

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
                raise _MotoRefused(Response(content, status, headers))
            return json.loads(content)

        try:
            region = _region(request)
            model = self._clients.client("ecs", region).meta.service_model
            call = EcsCall(region, read_request(model, operation, body), moto)
            with self._lock:
                answer = self.calls[operation](call)
        except _MotoRefused as refused:
            return refused.response
        except ApiError as error:
            return _refusal(error)
        except Exception as error:
            LOG.exception("%s", operation)
            failure = ApiError("ServerException", f"The controller failed: {error!r} {SIMULATED}")
            return _refusal(failure, 500)
        return Response(json.dumps(answer), content_type=JSON_CONTENT)

    def _throttle(self) -> None:
        with self._lock:
            if self._calls_to_throttle:
                self._calls_to_throttle -= 1
                raise ApiError("ThrottlingException", f"Rate exceeded {SIMULATED}")

    def lose(self, regions: frozenset[str]) -> None:
        """Lose these regions, and give back all others that were lost.

        The processes in a lost region end at once and without a word, and its controllers stand
        still. Given back, it finds its tasks gone and starts others.
        """
        self.catch_up()
        with self._lock:
            self.lost = regions
            self.backend.service_controller.lose(regions)

    def set_faults(self, injected: list[faults.AnyFault]) -> None:
        """Replace all injected faults; an empty list also ends their effects.

        Deployments stall no longer, and the alarms that a fault set return to OK.
        """
        # A stall lasts until now, even if nobody sent a request for a while.
        self.catch_up()
        with self._lock:
            throttles = [one for one in injected if isinstance(one, faults.Throttle)]
            self.backend.faults[:] = [one for one in injected if one not in throttles]
            self._calls_to_throttle = sum(one.calls for one in throttles)
            if not injected:
                self.backend.service_controller.end_cleared_faults()
                self.backend.moto.reset_alarms()

    @property
    def faults(self) -> list[faults.AnyFault]:
        """The injected faults, with the calls that are still to be throttled."""
        with self._lock:
            calls = self._calls_to_throttle
            return [*self.backend.faults, *([faults.Throttle(calls=calls)] if calls else [])]

    def reset(self) -> None:
        """Delete all state, as moto's reset does."""
        with self._lock:
            self.end(closing=False)
            self._calls_to_throttle = 0
            self.lost = frozenset()
            self._once = Once(self._respond)
            self.cloudflare = CloudflareApi(self._clock.now)
            self._begin()

    def end(self, *, closing: bool = True) -> None:
        """End all stand-ins; after `closing`, none can be started."""
        self.backend.task_scheduler.processes.end_all(closing=closing)


class _MotoRefused(Exception):
    """Moto refused a call; its answer is passed on unchanged."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


def _refusal(error: ApiError, status: int = 400) -> Response:
    refusal = {"__type": error.code, "message": error.message}
    return Response(json.dumps(refusal), status, content_type=JSON_CONTENT)


def _region(request: Request) -> str:
    return _scope(request.headers.get("Authorization", "")) or "us-east-1"


def _hang_up(environ: Any) -> None:
    """Close the connection without an answer, as a lost region does; a call in-process has none.

    Source: Werkzeug documentation, "WSGI Environ", `werkzeug.socket`.
    """
    connection: socket.socket | None = environ.get("werkzeug.socket")
    if connection is not None:
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)


def _scope(authorization: str) -> str | None:
    """Return the region that a request was signed for."""
    found = CREDENTIAL_SCOPE.search(authorization)
    return found[1] if found else None
