"""Resource types that stand for no call of an API: they are only recorded.

Their outputs are simulated, and those of the tls provider are real keys and certificates.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from arca.emulator.provider import certificates
from arca.emulator.provider.resources.definition import (
    DeclaredResource,
    OutputTemplates,
    Resource,
    digest,
)


def _password(password: DeclaredResource, _now: datetime) -> dict[str, Any]:
    text = digest(password.urn, json.dumps(password.inputs, sort_keys=True)) * 2
    result = text[: int(password.inputs["length"])]
    return {"result": result, "bcryptHash": "$2a$10$" + text[:53]}


def _identifier(identifier: DeclaredResource, _now: datetime) -> dict[str, Any]:
    return {"hex": digest(identifier.urn, "id")[: 2 * int(identifier.inputs["byteLength"])]}


RECORDED = ("random:", "tls:", "pulumi:providers:")
"""The beginnings of all types that are only recorded."""

RESOURCES: Mapping[str, Resource] = {
    "random:index/randomId:RandomId": Resource(
        OutputTemplates("{hex}"),
        compute=_identifier,
    ),
    "random:index/randomPassword:RandomPassword": Resource(
        OutputTemplates("none"),
        compute=_password,
    ),
    "tls:index/certRequest:CertRequest": Resource(
        OutputTemplates("{hex}"),
        compute=certificates.certificate_request,
    ),
    "tls:index/locallySignedCert:LocallySignedCert": Resource(
        OutputTemplates("{hex}"),
        compute=certificates.locally_signed,
    ),
    "tls:index/privateKey:PrivateKey": Resource(
        OutputTemplates("{hex}"),
        compute=certificates.private_key,
    ),
    "tls:index/selfSignedCert:SelfSignedCert": Resource(
        OutputTemplates("{hex}"),
        compute=certificates.self_signed,
    ),
    **{
        f"pulumi:providers:{name}": Resource(OutputTemplates("{uuid}"))
        for name in ("aws", "cloudflare", "random", "tls")
    },
}
