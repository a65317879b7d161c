"""What runs in a task: container definitions as data, no resource in here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from components.service.spec import CollectorSpec, ServiceSpec

Text = pulumi.Input[str]
API = "api"
COLLECTOR = "collector"
MIGRATIONS = "migrations"


@dataclass(frozen=True)
class Task:
    """What the containers of a task need from the rest of the platform."""

    image: str
    region: str
    log_group: Text
    secrets: Mapping[str, Text]
    """Variable to ARN of a Secrets Manager secret or SSM parameter, never to a value."""


def api_containers(
    spec: ServiceSpec, task: Task, *, collector_config_arn: Text
) -> pulumi.Output[str]:
    """The service's container and the collector beside it, as ECS takes them."""
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
    # Not essential: a collector that dies must not take requests with it.
    return pulumi.Output.json_dumps([api, _collector(spec.collector, task, collector_config_arn)])


def migration_containers(spec: ServiceSpec, task: Task) -> pulumi.Output[str]:
    """The one container of a migration."""
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
    """Names of the task's volumes, one a writable path."""
    return [_volume(path) for path in spec.writable_paths]


def collector_config(
    spec: CollectorSpec, *, stage: str, region: str, log_group: str
) -> Mapping[str, Any]:
    """OTLP in, X-Ray and CloudWatch (EMF) out, within the collector's memory.

    The service sends every trace; the collector waits for its end and keeps all errors, all slow
    ones and a share of the rest (OpenTelemetry Collector, "Tail Sampling Processor").
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
                "namespace": "arca-api",
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


def _container(name: str, task: Task, spec: ServiceSpec) -> Mapping[str, Any]:
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


def _collector(spec: CollectorSpec, task: Task, config_arn: Text) -> Mapping[str, Any]:
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
    # ECS gives them back sorted; any other order would be a difference in every preview.
    return [{"name": name, "valueFrom": secrets[name]} for name in sorted(secrets)]


def _logs(name: str, task: Task) -> Mapping[str, Any]:
    return {
        "logDriver": "awslogs",
        "options": {
            "awslogs-group": task.log_group,
            "awslogs-region": task.region,
            "awslogs-stream-prefix": name,
            # A slow CloudWatch must not block the service: beyond the buffer, lines are lost.
            "mode": "non-blocking",
            "max-buffer-size": "25m",
        },
    }


def _volume(path: str) -> str:
    return path.strip("/").replace("/", "-").replace(".", "-")
