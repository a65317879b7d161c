"""The judge of the collector's configuration, by the documented keys of its components.

Sources: the README of each component in the OpenTelemetry Collector and its contributions, and the
list of components of the AWS Distro for OpenTelemetry.
"""

import json
from collections.abc import Iterator
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from arca.emulator.judges.finding import Finding
from tests.graph import Graph

JUDGE = "collector"
PARAMETER = "service-collector"
DURATION = r"^(\d+(ns|us|ms|s|m|h))+$"
ENDPOINT = r"^[\w.\-]+:\d{2,5}$"


class Section(BaseModel):
    """A part of the configuration: it has the documented keys and no others."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Server(Section):
    """An address to listen on."""

    endpoint: str = Field(pattern=ENDPOINT)


class Protocols(Section):
    """The protocols of OTLP."""

    grpc: Server | None = None
    http: Server | None = None


class Otlp(Section):
    """The OTLP receiver."""

    protocols: Protocols


class Receivers(Section):
    """What the collector receives."""

    otlp: Otlp


class MemoryLimiter(Section):
    """The memory limiter; it needs one of the two limits."""

    check_interval: str = Field(pattern=DURATION)
    limit_mib: int | None = None
    limit_percentage: int | None = Field(default=None, gt=0, le=100)
    spike_limit_mib: int | None = None
    spike_limit_percentage: int | None = Field(default=None, gt=0, le=100)


class Batch(Section):
    """The batch processor."""

    timeout: str = Field(default="200ms", pattern=DURATION)
    send_batch_size: int = 8192
    send_batch_max_size: int = 0


class StatusCode(Section):
    """Keep traces with such a status."""

    status_codes: list[Literal["ERROR", "OK", "UNSET"]]


class Latency(Section):
    """Keep slow traces; milliseconds."""

    threshold_ms: int = Field(ge=0)


class Probabilistic(Section):
    """Keep a share of the traces, in percent."""

    sampling_percentage: float = Field(ge=0, le=100)


class Policy(Section):
    """A policy of tail sampling; its type names the section with its settings."""

    name: str
    type: Literal["always_on", "latency", "probabilistic", "status_code"]
    latency: Latency | None = None
    probabilistic: Probabilistic | None = None
    status_code: StatusCode | None = None


class TailSampling(Section):
    """The tail sampling processor."""

    decision_wait: str = Field(default="30s", pattern=DURATION)
    num_traces: int = Field(default=50_000, gt=0)
    expected_new_traces_per_sec: int = 0
    policies: list[Policy] = Field(min_length=1)


class Attribute(Section):
    """An attribute that the resource processor sets."""

    key: str
    value: str
    action: Literal["delete", "extract", "hash", "insert", "update", "upsert"]


class Resource(Section):
    """The resource processor."""

    attributes: list[Attribute] = Field(min_length=1)


class Processors(Section):
    """What the collector does in between."""

    memory_limiter: MemoryLimiter
    batch: Batch
    tail_sampling: TailSampling
    resource: Resource


class Xray(Section):
    """The X-Ray exporter."""

    region: str = Field(pattern=r"^[a-z]{2}-[a-z]+-\d$")
    index_all_attributes: bool = False
    indexed_attributes: list[str] = []


class Emf(Section):
    """The exporter to CloudWatch by the embedded metric format."""

    region: str = Field(pattern=r"^[a-z]{2}-[a-z]+-\d$")
    namespace: str = Field(max_length=255)
    log_group_name: str = Field(max_length=512)
    log_stream_name: str = Field(max_length=512)
    dimension_rollup_option: Literal[
        "NoDimensionRollup", "SingleDimensionRollupOnly", "ZeroAndSingleDimensionRollup"
    ]


class Exporters(Section):
    """Where the collector sends to."""

    awsxray: Xray
    awsemf: Emf


class Extensions(Section):
    """What the collector serves besides."""

    health_check: Server


class Pipeline(Section):
    """The way of one signal, by the names of components."""

    receivers: list[str] = Field(min_length=1)
    processors: list[str]
    exporters: list[str] = Field(min_length=1)


class Service(Section):
    """Which components run."""

    extensions: list[str]
    pipelines: dict[Literal["traces", "metrics", "logs"], Pipeline]


class Configuration(Section):
    """The whole configuration."""

    extensions: Extensions
    receivers: Receivers
    processors: Processors
    exporters: Exporters
    service: Service


SIGNALS = {"awsxray": "traces", "awsemf": "metrics", "tail_sampling": "traces"}
"""Components that take one signal only."""


def judge(graph: Graph) -> list[Finding]:
    """Return what is wrong with the configuration that a stack gives its collector."""
    parameter = graph.one("aws:ssm/parameter:Parameter", PARAMETER)
    faults = judge_text(str(parameter.inputs["value"]))
    return [Finding(JUDGE, parameter.urn, path, says) for path, says in faults]


def judge_text(text: str) -> list[tuple[str, str]]:
    """Return the faults of a configuration as paths and what is wrong there."""
    given: Any = json.loads(text)
    try:
        Configuration.model_validate(given)
    except ValidationError as error:
        return [
            (".".join(str(step) for step in one["loc"]), one["msg"])
            for one in error.errors(include_url=False)
        ]
    return list(_between(given))


def _between(given: dict[str, Any]) -> Iterator[tuple[str, str]]:
    limiter = given["processors"]["memory_limiter"]
    if not {"limit_mib", "limit_percentage"} & set(limiter):
        yield "processors.memory_limiter", "it needs limit_mib or limit_percentage"
    for policy in given["processors"]["tail_sampling"]["policies"]:
        if policy["type"] != "always_on" and policy["type"] not in policy:
            yield f"processors.tail_sampling.{policy['name']}", f"no section {policy['type']}"
    used: set[tuple[str, str]] = {("extensions", one) for one in given["service"]["extensions"]}
    for signal, pipeline in given["service"]["pipelines"].items():
        path = f"service.pipelines.{signal}"
        if pipeline["processors"][:1] != ["memory_limiter"]:
            yield f"{path}.processors", "the memory limiter stands first"
        if pipeline["processors"][-1:] != ["batch"]:
            yield f"{path}.processors", "the batch processor stands last"
        for kind in ("receivers", "processors", "exporters"):
            used |= {(kind, name) for name in pipeline[kind]}
            for name in pipeline[kind]:
                if SIGNALS.get(name, signal) != signal:
                    yield f"{path}.{kind}", f"{name} takes {SIGNALS[name]} only"
    declared = {
        (kind, name)
        for kind in ("extensions", "receivers", "processors", "exporters")
        for name in given[kind]
    }
    yield from ((f"{kind}.{name}", "declared and not used") for kind, name in declared - used)
    yield from ((f"{kind}.{name}", "used and not declared") for kind, name in used - declared)
