"""Run the program without the Pulumi engine; each registration goes to a given cloud.

Only this file, workarounds.py and tests/graph.py know Pulumi's internals.
"""

# Pulumi's mock monitor and its gRPC messages carry no types.
# pyright: reportUnknownMemberType=false

import asyncio
import importlib
import runpy
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol, cast

import pulumi
from pulumi.output import Unknown
from pulumi.runtime import mocks, rpc, set_all_config
from pulumi.runtime import settings as runtime
from pulumi.runtime.stack import run_in_stack

from arca import checkout, stackfile
from arca.emulator.program.workarounds import (
    waiting_for_all_outputs,
    without_garbage_collection,
    without_stack_traces,
)
from arca.errors import ArcaError, Explained
from arca.stackfile import PULUMI_PROJECT

ORGANIZATION = "organization"
SECRET_SIGNATURE = "4dabf18193072939515e22adb298388d"  # noqa: S105 - a key of Pulumi's wire format
SECRET_MARK = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - the marker of Pulumi's wire format
SDKS = ("pulumi_aws", "pulumi_cloudflare", "pulumi_random", "pulumi_tls")
STACK_REFERENCE = "pulumi:pulumi:StackReference"
UNKNOWN = Unknown()
"""An output of a preview whose value only an update will know."""


@dataclass(frozen=True)
class Registration:
    """A resource that the program declares; inputs have their wire names (camelCase)."""

    urn: str
    type: str
    name: str
    inputs: Mapping[str, Any]
    secret_inputs: frozenset[str]
    parent: str
    provider: str
    custom: bool
    protect: bool
    retain: bool
    dependencies: frozenset[str]
    ignore_changes: tuple[str, ...]
    aliases: tuple[str, ...]
    component: str
    """Logical name of the component that the resource belongs to; empty for the stack's own."""
    delete_before_replace: bool = False


class Cloud(Protocol):
    """Creates the declared resources."""

    def create(self, registration: Registration) -> tuple[str | None, dict[str, Any]]:
        """Return the id and the outputs, inputs included; the id is None if it is unknown.

        A component has neither.
        """
        ...

    def read_stack(self, name: str) -> Mapping[str, Any]:
        """Return another stack's exports."""
        ...


class ProgramError(ArcaError):
    """The program declared something that Pulumi's engine would refuse."""


def main() -> None:
    """Run the program of this checkout, which imports from its own folder as under the CLI."""
    checkout.make_importable()
    runpy.run_path(str(checkout.root() / checkout.PROGRAM_FILE))


def load() -> None:
    """Import the SDKs that the program needs, so that they are loaded before a run."""
    with without_garbage_collection():
        for module in SDKS:
            importlib.import_module(module)


def run(
    program: Callable[[], None],
    *,
    stack: str,
    config: Mapping[str, str],
    cloud: Cloud,
    preview: bool = False,
) -> dict[str, Any]:
    """Run the program once and return the stack's exports, secrets in plain.

    Raises ProgramFailed for an exception of the program. An ArcaError of the program and any
    exception of the cloud are raised unchanged. With `preview`, the outputs of resources without
    an id are unknown, as in a first `pulumi preview`.
    """
    monitor = _Monitor(cloud)
    runtime.reset_options()
    runtime.set_root_resource(cast("Any", None))
    runtime.configure(
        mocks.MockSettings(
            monitor=monitor,
            monitor_features=set(monitor.GetDeploymentInfo(None).supportedFeatures),
            engine=mocks.MockEngine(cast("Any", None)),
            project=PULUMI_PROJECT,
            stack=stack,
            dry_run=preview,
            organization=ORGANIZATION,
            callbacks=None,
        )
    )
    set_all_config(dict(config))
    before = stackfile.runs_emulated.set(True)
    try:
        with (
            without_garbage_collection(),
            waiting_for_all_outputs(),
            without_stack_traces(),
            asyncio.Runner() as runner,
            ThreadPoolExecutor(1) as pool,
        ):
            # One thread: registrations are answered one after the other, as they come.
            runner.get_loop().set_default_executor(pool)
            # After a failure each dependent resource fails too, and would print its own traceback.
            runner.get_loop().set_exception_handler(lambda _loop, _context: None)
            runner.run(run_in_stack(program))
    except pulumi.RunError as error:
        raise Explained(str(error)) from None
    except Exception as error:
        # Pulumi wraps the exception of a registration; the first one is the cause.
        if monitor.failure is not None:
            raise monitor.failure from None
        if isinstance(error, ArcaError):
            raise
        raise checkout.ProgramFailed(error, doing=f"for the stack {stack}") from error
    finally:
        stackfile.runs_emulated.reset(before)
    if monitor.failure is not None:
        raise monitor.failure
    return monitor.exports


class _CloudMocks(mocks.Mocks):
    """Gives Pulumi's mock monitor the answer that the cloud gave."""

    def __init__(self) -> None:
        self.answer: tuple[str | None, dict[str, Any]] = (None, {})

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        del args
        return self.answer

    def call(self, args: mocks.MockCallArgs) -> Any:
        raise ProgramError(
            f"The program looks something up: {args.token}.",
            where="the program",
            wanted="settings or committed data; a preview asks nothing (design decision 2)",
            do="put the value into the stack's settings",
        )


class _Monitor(mocks.MockMonitor):
    def __init__(self, cloud: Cloud) -> None:
        self.cloud_mocks = _CloudMocks()
        super().__init__(self.cloud_mocks)
        self.cloud = cloud
        self.exports: dict[str, Any] = {}
        self.failure: Exception | None = None
        self._components: dict[str, str] = {}
        self._seen: set[str] = set()

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - gRPC's name
        if request.type == "pulumi:pulumi:Stack":
            return super().RegisterResource(request)
        try:
            self.cloud_mocks.answer = self._create(self._read(request))
            return super().RegisterResource(request)
        except Exception as error:
            self.failure = self.failure or error
            raise

    def ReadResource(self, request: Any) -> Any:  # noqa: N802 - gRPC's name
        try:
            self.cloud_mocks.answer = self._refer(request)
            return super().ReadResource(request)
        except Exception as error:
            self.failure = self.failure or error
            raise

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802 - gRPC's name
        if "pulumi:pulumi:Stack::" in request.urn:
            self.exports = _with_integers(plain(rpc.deserialize_properties(request.outputs)))
        return super().RegisterResourceOutputs(request)

    def Invoke(self, request: Any) -> Any:  # noqa: N802 - gRPC's name
        try:
            return super().Invoke(request)
        except Exception as error:
            self.failure = self.failure or error
            raise

    def _read(self, request: Any) -> Registration:
        urn = self.make_urn(request.parent, request.type, request.name)
        if urn in self._seen:
            raise ProgramError(
                f"The program declares a resource twice: {urn}.",
                where="the program",
                wanted="a logical name of its own for each resource of a type",
                do="rename one of the two",
            )
        self._seen.add(urn)
        if request.type.startswith("arca:"):
            self._components[urn] = request.name
        inputs = rpc.deserialize_properties(request.object)
        return Registration(
            urn=urn,
            type=request.type,
            name=request.name,
            inputs=plain(inputs),
            secret_inputs=frozenset(key for key, value in inputs.items() if holds_secret(value)),
            parent=request.parent,
            provider=request.provider,
            custom=request.custom,
            protect=request.protect,
            retain=request.retainOnDelete,
            dependencies=frozenset(request.dependencies),
            ignore_changes=tuple(request.ignoreChanges),
            aliases=tuple(alias.urn or alias.spec.name for alias in request.aliases),
            component=self._components.get(urn) or self._components.get(request.parent, ""),
            delete_before_replace=request.deleteBeforeReplace,
        )

    def _refer(self, request: Any) -> tuple[str, dict[str, Any]]:
        if request.type != STACK_REFERENCE:
            raise ProgramError(
                f"The program reads a resource that it did not declare: {request.type}.",
                where="the program",
                wanted="settings, or the exports of another stack",
                do="put the value into the stack's settings",
            )
        outputs = dict(self.cloud.read_stack(request.id))
        return request.id, {"name": request.id, "outputs": outputs, "secretOutputNames": []}

    def _create(self, registration: Registration) -> tuple[str | None, dict[str, Any]]:
        resource_id, outputs = self.cloud.create(registration)
        secrets = {key: _secret(outputs[key]) for key in registration.secret_inputs & set(outputs)}
        return resource_id, {**outputs, **secrets}


def holds_unknown(value: Any) -> bool:
    """Return whether the value contains one that only an update will know."""
    if isinstance(value, dict):
        return any(map(holds_unknown, cast("dict[str, Any]", value).values()))
    if isinstance(value, list):
        return any(map(holds_unknown, cast("Iterable[Any]", value)))
    return isinstance(value, Unknown)


def plain(value: Any) -> Any:
    """Return the value without the marks of secrets."""
    if isinstance(value, dict):
        mapping = cast("dict[str, Any]", value)
        if mapping.get(SECRET_SIGNATURE) == SECRET_MARK:
            return plain(mapping["value"])
        return {key: plain(item) for key, item in mapping.items()}
    if isinstance(value, list):
        return [plain(item) for item in cast("Iterable[Any]", value)]
    return value


def _with_integers(value: Any) -> Any:
    """Return whole numbers as int: the wire format has only floating-point numbers."""
    if isinstance(value, dict):
        return {key: _with_integers(item) for key, item in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_with_integers(item) for item in cast("list[Any]", value)]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def holds_secret(value: Any) -> bool:
    """Return whether the value contains a secret."""
    if isinstance(value, dict):
        mapping = cast("dict[str, Any]", value)
        return mapping.get(SECRET_SIGNATURE) == SECRET_MARK or any(
            map(holds_secret, mapping.values())
        )
    if isinstance(value, list):
        return any(map(holds_secret, cast("Iterable[Any]", value)))
    return False


def _secret(value: Any) -> dict[str, Any]:
    return {SECRET_SIGNATURE: SECRET_MARK, "value": value}
