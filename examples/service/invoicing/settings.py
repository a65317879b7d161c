"""The service's settings, read once from the environment.

docs/service-contract.md has the variables of the contract, README.md those of this example.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

REQUIRED = (
    *("STAGE", "PUBLIC_URL"),
    *("DATABASE_HOST", "DATABASE_PORT", "DATABASE_NAME", "DATABASE_POOL_SIZE"),
    *("DATABASE_USERNAME", "DATABASE_PASSWORD", "DOCUMENTS_BUCKET"),
    *("ARCA_CERTIFICATE", "ARCA_PRIVATE_KEY", "JWT_KEY"),
)
"""Variables without which a task does not start."""
REQUIRED_WITH_CACHE = ("CACHE_PORT", "CACHE_TOKEN")
WSAA_URL = "https://wsaa.afip.gov.ar/ws/services/LoginCms"
WSFE_URL = "https://servicios1.afip.gov.ar/wsfev1/service.asmx"
"""ARCA's own addresses in production (ARCA, "Manual para el desarrollador", WSAA and WSFEv1)."""
OTLP_URL = "http://127.0.0.1:4318"
STRICT_SSLMODE = "verify-full"


class SettingsError(Exception):
    """The environment lacks variables, or one has a wrong value."""


@dataclass(frozen=True)
class DatabaseSettings:
    """Where the database is and how many connections a task may hold."""

    host: str
    port: int
    name: str
    username: str
    password: str = field(repr=False)
    pool_size: int
    sslmode: str


@dataclass(frozen=True)
class CacheSettings:
    """Where the cache is."""

    host: str
    port: int
    token: str = field(repr=False)
    tls: bool


@dataclass(frozen=True)
class ArcaSettings:
    """The tax agency's addresses, and our certificate there."""

    wsaa_url: str
    wsfe_url: str
    certificate: str = field(repr=False)
    private_key: str = field(repr=False)
    timeout: float
    """Seconds that one call may take."""
    wait: float
    """Seconds that a request waits for its CAE before it answers 202."""


@dataclass(frozen=True)
class Settings:
    """Everything that a task reads from its environment."""

    stage: str
    public_url: str
    database: DatabaseSettings
    cache: CacheSettings | None
    """None on standby: the service then never writes."""
    arca: ArcaSettings
    documents_bucket: str
    jwt_key: str = field(repr=False)
    requests_fast_ms: float | None
    queries_fast_ms: float | None
    otlp_url: str
    metrics_seconds: float
    port: int

    @property
    def stands_by(self) -> bool:
        """True for a task of a DR stack on standby, which the missing cache says."""
        return self.cache is None

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Self:
        """Read the variables; raises SettingsError with every name that is missing."""
        cached = bool(environment.get("CACHE_HOST"))
        wanted = [*REQUIRED, *(REQUIRED_WITH_CACHE if cached else ())]
        missing = [name for name in wanted if not environment.get(name)]
        if missing:
            raise SettingsError(f"not set: {', '.join(missing)}")
        read = _Reader(environment)
        return cls(
            stage=read.text("STAGE"),
            public_url=read.text("PUBLIC_URL"),
            database=DatabaseSettings(
                host=read.text("DATABASE_HOST"),
                port=int(read.number("DATABASE_PORT")),
                name=read.text("DATABASE_NAME"),
                username=read.text("DATABASE_USERNAME"),
                password=read.text("DATABASE_PASSWORD"),
                pool_size=int(read.number("DATABASE_POOL_SIZE")),
                sslmode=read.text("DATABASE_SSLMODE", STRICT_SSLMODE),
            ),
            cache=CacheSettings(
                host=read.text("CACHE_HOST"),
                port=int(read.number("CACHE_PORT")),
                token=read.text("CACHE_TOKEN"),
                tls=read.text("CACHE_TLS", "on") != "off",
            )
            if cached
            else None,
            arca=ArcaSettings(
                wsaa_url=read.text("WSAA_URL", WSAA_URL),
                wsfe_url=read.text("WSFE_URL", WSFE_URL),
                certificate=read.text("ARCA_CERTIFICATE"),
                private_key=read.text("ARCA_PRIVATE_KEY"),
                timeout=read.number("ARCA_TIMEOUT_SECONDS", 10),
                wait=read.number("ARCA_WAIT_SECONDS", 15),
            ),
            documents_bucket=read.text("DOCUMENTS_BUCKET"),
            jwt_key=read.text("JWT_KEY"),
            requests_fast_ms=read.optional("REQUESTS_FAST_MS"),
            queries_fast_ms=read.optional("QUERIES_FAST_MS"),
            otlp_url=read.text("OTEL_EXPORTER_OTLP_ENDPOINT", OTLP_URL),
            metrics_seconds=read.number("METRICS_SECONDS", 15),
            port=int(read.number("PORT", 8080)),
        )


@dataclass(frozen=True)
class _Reader:
    """The environment; an empty value counts as none."""

    environment: Mapping[str, str]

    def text(self, name: str, default: str = "") -> str:
        return self.environment.get(name) or default

    def number(self, name: str, default: float = 0) -> float:
        text = self.text(name)
        if not text:
            return default
        try:
            return float(text)
        except ValueError:
            # The value may be a secret that was put into the wrong variable.
            raise SettingsError(f"{name} is not a number") from None

    def optional(self, name: str) -> float | None:
        return self.number(name) if self.text(name) else None
