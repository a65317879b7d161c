"""Thresholds of alarms: settings, with defaults for a small production."""

from pydantic import BaseModel, ConfigDict, Field


class Thresholds(BaseModel):
    """Thresholds of the alarms that no objective defines."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    outage_percent: int = Field(
        default=50,
        ge=10,
        le=100,
        description="Requests that fail through our fault in a minute, in %, "
        "from which the API counts as down.",
    )
    rate_limited_per_minute: int = Field(
        default=100, ge=1, description="Requests refused over their quota in a minute."
    )
    authentication_percent: int = Field(
        default=80, ge=1, le=99, description="Attempts to authenticate that must succeed, in %."
    )
    queue_depth: int = Field(default=500, ge=1, description="Invoices waiting for ARCA.")
    database_sessions_percent: int = Field(
        default=80, ge=1, le=100, description="Sessions of the database, of those it takes, in %."
    )
    database_cpu_percent: int = Field(
        default=85, ge=1, le=100, description="CPU of the database instance in %."
    )
    database_storage_gib: int = Field(
        default=10, ge=1, description="GiB of database storage that must be left."
    )
    database_memory_mib: int = Field(
        default=256, ge=1, description="MiB of database memory that must be left."
    )
    replica_lag_seconds: int = Field(
        default=150,
        ge=1,
        le=299,
        description="Seconds that the database's replica and the buckets' copies may be behind; "
        "half the recovery point objective of 5 minutes.",
    )
    cache_memory_percent: int = Field(
        default=80, ge=1, le=100, description="Memory of a cache node in %."
    )
    cache_evictions_per_minute: int = Field(
        default=100, ge=1, description="Keys that a cache node throws out in a minute."
    )
    cache_hit_percent: int = Field(
        default=60, ge=1, le=100, description="Look-ups that must find their key, in %."
    )
    service_cpu_percent: int = Field(default=90, ge=1, le=100, description="CPU of the tasks in %.")
    service_memory_percent: int = Field(
        default=85, ge=1, le=100, description="Memory of the tasks in %."
    )
    certificate_days: int = Field(
        default=30,
        ge=8,
        description="Days that a certificate must be valid; a week before its end it is severe.",
    )
    arca_p95_ms: int = Field(
        default=5000, ge=1, description="P95 of the calls that ask ARCA for a CAE in ms."
    )
    arca_rejected_percent: int = Field(
        default=20, ge=1, le=100, description="Invoices that ARCA may refuse, in %."
    )
    token_hit_percent: int = Field(
        default=80, ge=1, le=100, description="WSAA tokens that must come from the cache, in %."
    )
