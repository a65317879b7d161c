"""Container definitions as data; this module declares no resource."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from arca.monitoring.catalogue import OWN_NAMESPACE
from components.component import Text
from components.service.spec import CollectorSpec, ServiceSpec

API = "api"
COLLECTOR = "collector"
MIGRATIONS = "migrations"


@dataclass(frozen=True)
class TaskInputs:
    """What a task's containers need from the rest of the platform."""

    image: str
    region: str
    log_group: Text
    secrets: Mapping[str, Text]
    """The ARN of a Secrets Manager secret or SSM parameter by variable; never a value."""


def api_containers(
    spec: ServiceSpec, task: TaskInputs, *, collector_config_arn: Text
) -> pulumi.Output[str]:
    """Return the service's container and the collector as ECS takes them."""
    api = {
        **_container(API, task, spec),
        "image": task.image,
        "essential": True,
        "portMappings": [
            {"name": API, "containerPort": spec.port, "protocol": "tcp", "appProtocol": "http"}
        ],
        "healthCheck": {
            "command": list(spec.health_command),
            "interval": 10,
            "timeout": 5,
            "retries": 3,
            "startPeriod": spec.grace_seconds,
        },
        "stopTimeout": spec.stop_seconds,
    }
    if not spec.collector.enabled:
        return pulumi.Output.json_dumps([api])
    # The collector is not essential: the task must survive a collector that dies.
    return pulumi.Output.json_dumps([api, _collector(spec.collector, task, collector_config_arn)])


def migration_containers(spec: ServiceSpec, task: TaskInputs) -> pulumi.Output[str]:
    """Return the container of a migration as ECS takes it."""
    return pulumi.Output.json_dumps(
        [
            {
                **_container(MIGRATIONS, task, spec),
                "image": task.image,
                "essential": True,
                "command": list(spec.migration_command),
                "stopTimeout": 120,
            }
        ]
    )


def volumes(spec: ServiceSpec) -> list[str]:
    """Return the names of the task's volumes, one for each writable path."""
    return [_volume(path) for path in spec.writable_paths]


def collector_config(
    spec: CollectorSpec, *, stage: str, region: str, log_group: str
) -> Mapping[str, Any]:
    """Return the collector's configuration: OTLP in, X-Ray and CloudWatch (EMF) out.

    The service sends every trace. The collector waits until a trace ends, then keeps every trace
    with an error, every slow one and a share of the others (OpenTelemetry Collector, "Tail
    Sampling Processor").
    """
    return {
        "extensions": {"health_check": {"endpoint": "0.0.0.0:13133"}},
        "receivers": {
            "otlp": {
                "protocols": {
                    "grpc": {"endpoint": "127.0.0.1:4317"},
                    "http": {"endpoint": "127.0.0.1:4318"},
                }
            }
        },
        "processors": {
            "memory_limiter": {"check_interval": "1s", "limit_percentage": 80},
            "batch": {"timeout": "5s"},
            "tail_sampling": {
                "decision_wait": "10s",
                "num_traces": 5000,
                "policies": [
                    {
                        "name": "errors",
                        "type": "status_code",
                        "status_code": {"status_codes": ["ERROR"]},
                    },
                    {
                        "name": "slow",
                        "type": "latency",
                        "latency": {"threshold_ms": spec.slow_ms},
                    },
                    {
                        "name": "base",
                        "type": "probabilistic",
                        "probabilistic": {"sampling_percentage": spec.sample_percent},
                    },
                ],
            },
            "resource": {
                "attributes": [
                    {"key": "deployment.environment", "value": stage, "action": "upsert"}
                ]
            },
        },
        "exporters": {
            "awsxray": {"region": region},
            "awsemf": {
                "region": region,
                "namespace": OWN_NAMESPACE,
                "log_group_name": log_group,
                "log_stream_name": "metrics",
                "dimension_rollup_option": "NoDimensionRollup",
            },
        },
        "service": {
            "extensions": ["health_check"],
            "pipelines": {
                signal: {
                    "receivers": ["otlp"],
                    "processors": ["memory_limiter", *own, "resource", "batch"],
                    "exporters": [exporter],
                }
                for signal, own, exporter in (
                    ("traces", ["tail_sampling"], "awsxray"),
                    ("metrics", [], "awsemf"),
                )
            },
        },
    }


def _container(name: str, task: TaskInputs, spec: ServiceSpec) -> Mapping[str, Any]:
    return {
        "name": name,
        "readonlyRootFilesystem": spec.read_only_root,
        "linuxParameters": {"initProcessEnabled": True},
        "mountPoints": [
            {"sourceVolume": _volume(path), "containerPath": path, "readOnly": False}
            for path in spec.writable_paths
        ],
        "environment": [],
        "secrets": _by_name(task.secrets),
        "logConfiguration": _logs(name, task),
        "volumesFrom": [],
        "systemControls": [],
    }


def _collector(spec: CollectorSpec, task: TaskInputs, config_arn: Text) -> Mapping[str, Any]:
    return {
        "name": COLLECTOR,
        "image": spec.image,
        "essential": False,
        "cpu": spec.cpu,
        "memory": spec.memory_mib,
        "readonlyRootFilesystem": True,
        "secrets": _by_name({"AOT_CONFIG_CONTENT": config_arn}),
        "healthCheck": {
            "command": ["CMD", "/healthcheck"],
            "interval": 10,
            "timeout": 5,
            "retries": 3,
            "startPeriod": 10,
        },
        "logConfiguration": _logs(COLLECTOR, task),
        "environment": [],
        "mountPoints": [],
        "volumesFrom": [],
        "systemControls": [],
    }


def _by_name(secrets: Mapping[str, Text]) -> Sequence[Mapping[str, Text]]:
    # ECS returns them sorted; another order would be a difference in every preview.
    return [{"name": name, "valueFrom": secrets[name]} for name in sorted(secrets)]


def _logs(name: str, task: TaskInputs) -> Mapping[str, Any]:
    return {
        "logDriver": "awslogs",
        "options": {
            "awslogs-group": task.log_group,
            "awslogs-region": task.region,
            "awslogs-stream-prefix": name,
            # A slow CloudWatch must not block the service; lines beyond the buffer are lost.
            "mode": "non-blocking",
            "max-buffer-size": "25m",
        },
    }


def _volume(path: str) -> str:
    return path.strip("/").replace("/", "-").replace(".", "-")
