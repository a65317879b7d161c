"""The judge of Cloudflare's own package: its typed parameters and its models of zone settings.

The emulator only records what goes to Cloudflare. The package is generated from Cloudflare's
OpenAPI schema, so its TypedDicts say which parameters exist, which values an enumeration has, and
what each kind of rule takes.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Any, Literal, cast, get_args, get_origin, get_type_hints

from pydantic import BaseModel, TypeAdapter, ValidationError

from arca.emulator.judges.finding import Finding
from arca.emulator.program.engine import Registration
from tests.graph import Graph

JUDGE = "cloudflare"
PARAMETERS: Mapping[str, str] = {
    "cloudflare:index/authenticatedOriginPullsCertificate:AuthenticatedOriginPullsCertificate": (
        "origin_tls_client_auth.zone_certificate_create_params.ZoneCertificateCreateParams"
    ),
    "cloudflare:index/authenticatedOriginPullsSettings:AuthenticatedOriginPullsSettings": (
        "origin_tls_client_auth.setting_update_params.SettingUpdateParams"
    ),
    "cloudflare:index/dnsRecord:DnsRecord": "dns.record_create_params.RecordCreateParams",
    "cloudflare:index/healthcheck:Healthcheck": (
        "healthchecks.healthcheck_create_params.HealthcheckCreateParams"
    ),
    "cloudflare:index/notificationPolicy:NotificationPolicy": (
        "alerting.policy_create_params.PolicyCreateParams"
    ),
    "cloudflare:index/ruleset:Ruleset": "rulesets.ruleset_create_params.RulesetCreateParams",
    "cloudflare:index/tieredCache:TieredCache": (
        "argo.tiered_caching_edit_params.TieredCachingEditParams"
    ),
    "cloudflare:index/zoneSetting:ZoneSetting": "zones.setting_edit_params.SettingEditParams",
}
"""The parameters of the call that makes each type, below `cloudflare.types`."""
IN_PATH: Mapping[str, str] = {"cloudflare:index/zoneSetting:ZoneSetting": "setting_id"}
"""An input that is part of the call's path and of no parameters."""
SINGULAR: Mapping[str, str] = {
    "emails": "email",
    "healthCheckIds": "healthCheckId",
    "pagerduties": "pagerduty",
    "statuses": "status",
}
"""Lists that Pulumi names in the plural and Cloudflare in the singular."""
SETTING = "cloudflare:index/zoneSetting:ZoneSetting"


def judge(graph: Graph, nodes: Iterable[Registration] | None = None) -> list[Finding]:
    """Return what Cloudflare's types say of a stack's resources, or of some."""
    chosen = graph.custom() if nodes is None else nodes
    return [
        finding
        for node in chosen
        if node.type in PARAMETERS
        for finding in _judge(node, _snake(node.inputs))
    ]


def _judge(node: Registration, given: dict[str, Any]) -> Iterator[Finding]:
    in_path = given.pop(IN_PATH.get(node.type, ""), None)
    named, adapter = _parameters(PARAMETERS[node.type])
    given = {named.get(key, key): value for key, value in given.items()}
    yield from _against(node, adapter, given)
    if node.type == SETTING:
        model = _settings().get(in_path)
        if model is None:
            yield Finding(JUDGE, node.urn, "setting_id", f"{in_path} is no setting of a zone")
        else:
            wanted = {"id": in_path, "value": given["value"]}
            yield from _against(node, TypeAdapter(model), wanted)


def _against(node: Registration, adapter: TypeAdapter[Any], given: Any) -> Iterator[Finding]:
    try:
        # Lists are validated while they are read.
        taken = _read(adapter.validate_python(given))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        path = ".".join(str(step) for step in first["loc"])
        yield Finding(JUDGE, node.urn, path, f"{first['msg']}, not {first['input']!r}")
        return
    for path in _lost(given, taken, ""):
        yield Finding(JUDGE, node.urn, path, "no such parameter")


def _read(value: Any) -> Any:
    """Return a validated value with its lists read; a model becomes what it holds."""
    if isinstance(value, BaseModel):
        return value.model_dump(exclude_unset=True)
    if isinstance(value, dict):
        return {key: _read(inner) for key, inner in cast("dict[str, Any]", value).items()}
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return [_read(one) for one in cast("Iterable[Any]", value)]
    return value


def _lost(given: Any, taken: Any, path: str) -> Iterator[str]:
    """Yield each key that the types do not know; pydantic leaves those out."""
    if isinstance(given, dict) and isinstance(taken, dict):
        for key, value in cast("dict[str, Any]", given).items():
            here = f"{path}.{key}" if path else key
            if key not in taken:
                yield here
            else:
                yield from _lost(value, taken[key], here)
    elif isinstance(given, list):
        for number, (one, other) in enumerate(zip(cast("list[Any]", given), taken, strict=True)):
            yield from _lost(one, other, f"{path}[{number}]")


@cache
def _parameters(name: str) -> tuple[Mapping[str, str], TypeAdapter[Any]]:
    """Return the names that the package gives the API's, where they differ, and the check."""
    module, _, kind = name.rpartition(".")
    params = getattr(import_module(f"cloudflare.types.{module}"), kind)
    aliases: dict[str, str] = {}
    # A union over a record's types has no hints of its own, and no names that differ.
    hints = {} if get_args(params) else get_type_hints(params, include_extras=True)
    for ours, hint in hints.items():
        for inner in (hint, *get_args(hint)):
            for note in getattr(inner, "__metadata__", ()):
                if getattr(note, "alias", None):
                    aliases[note.alias] = ours
    return aliases, TypeAdapter(params)


@cache
def _settings() -> Mapping[str, type[BaseModel]]:
    """Return the model of each setting of a zone by its id."""
    answer: Any = import_module("cloudflare.types.zones.setting_edit_response")
    found: dict[str, type[BaseModel]] = {}
    for model in _models(answer.SettingEditResponse):
        for kind in _literals(model.model_fields["id"].annotation):
            found[kind] = model
    return found


def _models(hint: Any) -> Iterator[type[BaseModel]]:
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        yield hint
    for inner in get_args(hint):
        yield from _models(inner)


def _literals(hint: Any) -> Iterator[str]:
    if get_origin(hint) is Literal:
        yield from get_args(hint)
    else:
        for inner in get_args(hint):
            yield from _literals(inner)


def _snake(value: Any) -> Any:
    """Return inputs with the API's names; Pulumi's wire format has only floating-point numbers."""
    if isinstance(value, Mapping):
        items = cast("Mapping[str, Any]", value).items()
        return {_api_name(key): _snake(inner) for key, inner in items}
    if isinstance(value, list):
        return [_snake(one) for one in cast("list[Any]", value)]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _api_name(key: str) -> str:
    return re.sub("([A-Z])", r"_\1", SINGULAR.get(key, key)).lower()
