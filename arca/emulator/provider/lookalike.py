"""Outputs that look as AWS's and Cloudflare's do, for what no API answers.

Deterministic: everything that a real service would draw by chance comes from a hash of the URN.
The emulated cloud uses it beneath the answers of its API, the tests and the provider double use
nothing else.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from arca.emulator.program.engine import Registration
from arca.emulator.provider import pems
from arca.emulator.provider.shapes import SHAPES
from arca.errors import ArcaError

LOAD_BALANCER_ZONES = {"sa-east-1": "Z2P70J7HTTTPLU", "us-east-1": "Z35SXDOTRQ7X7K"}
"""Hosted zone ids of load balancers (AWS General Reference, "Elastic Load Balancing endpoints")."""


def outputs(registration: Registration, *, account: str, region: str) -> tuple[str, dict[str, Any]]:
    """Give the resource's id and its outputs, inputs included.

    Raises ArcaError for a type that has no entry: its outputs would be made up.
    """
    shape = SHAPES.get(registration.type)
    if shape is None:
        raise ArcaError(
            f"Nothing is known of the resource type {registration.type}.",
            where="arca/emulator/provider/shapes.py",
            wanted="an entry in SHAPES for every type that the program declares",
            do="add one, with the id and the computed outputs as the provider documents them",
        )
    values = _values(registration, account, region)
    name = str(registration.inputs.get(shape.named) or f"{registration.name}-{values['hex6'][:7]}")
    values["name"] = name if shape.named else str(registration.inputs.get("name", ""))
    # An id may name its ARN and an ARN its id, never both.
    if "arn" in shape.outputs:
        values["arn"] = shape.outputs["arn"].format_map(values | {"id": ""})
    values["id"] = shape.id.format_map(values)
    computed: dict[str, Any] = {
        key: template.format_map(values) for key, template in shape.outputs.items()
    }
    if shape.named:
        computed[shape.named] = name
    special = SPECIAL.get(registration.type)
    if special is not None:
        computed |= special(registration)
    return values["id"], {**registration.inputs, **computed}


def _values(registration: Registration, account: str, region: str) -> dict[str, str]:
    digest = hashlib.sha256(registration.urn.encode()).hexdigest()
    inputs = registration.inputs
    scalars = {
        key: str(value) for key, value in inputs.items() if not isinstance(value, dict | list)
    }
    uuid = f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-a{digest[17:20]}-{digest[20:32]}"
    return {
        **scalars,
        "account": account,
        "region": region,
        "region_code": region.replace("-", "")[:3] + region[-1],
        "hex": f"0{digest[:16]}",
        "hex2": digest[:2],
        "hex4": digest[2:6],
        "hex6": digest[:6],
        "hex16": digest[:16],
        "hex32": digest[:32],
        "HEX16": digest[:16].upper(),
        "uuid": uuid,
        # Multi-region keys are told by their prefix (AWS KMS Developer Guide, "Key IDs").
        "key_id": f"mrk-{digest[:32]}" if inputs.get("multiRegion") else uuid,
        "cluster_tail": str(inputs.get("cluster", "")).rpartition("/")[2],
        "primary_tail": str(inputs.get("primaryKeyArn", "")).rpartition("/")[2],
        "load_balancer_zone": LOAD_BALANCER_ZONES.get(region, "Z00000000000000000000"),
        "port": str(inputs.get("port", "")),
    }


def validation_options(certificate: Registration) -> dict[str, Any]:
    """The records that prove a certificate's names; the same in every region of an account."""
    names = [
        certificate.inputs["domainName"],
        *certificate.inputs.get("subjectAlternativeNames", []),
    ]
    return {
        "domainValidationOptions": [
            {
                "domainName": name,
                "resourceRecordName": f"_{_digest(name)}.{name.removeprefix('*.')}.",
                "resourceRecordType": "CNAME",
                "resourceRecordValue": f"_{_digest('value', name)}.acm-validations.aws.",
            }
            for name in names
        ]
    }


def _name_servers(zone: Registration) -> dict[str, Any]:
    number = int(_digest(zone.urn)[:2], 16)
    tops = ("com", "net", "org", "co.uk")
    return {
        "nameServers": [
            f"ns-{number + i * 512}.awsdns-{number % 64:02}.{t}" for i, t in enumerate(tops)
        ]
    }


def _password(password: Registration) -> dict[str, Any]:
    text = _digest(password.urn, json.dumps(password.inputs, sort_keys=True)) * 2
    result = text[: int(password.inputs["length"])]
    return {"result": result, "bcryptHash": "$2a$10$" + text[:53]}


def _managed_secret(instance: Registration) -> dict[str, Any]:
    if not instance.inputs.get("manageMasterUserPassword"):
        return {}
    arn = f"arn:aws:secretsmanager:sa-east-1:000000000000:secret:rds!db-{_digest(instance.urn)[:8]}"
    return {"masterUserSecrets": [{"secretArn": arn, "secretStatus": "active"}]}


SPECIAL: Mapping[str, Callable[[Registration], dict[str, Any]]] = {
    "aws:acm/certificate:Certificate": validation_options,
    "aws:rds/instance:Instance": _managed_secret,
    "aws:route53/zone:Zone": _name_servers,
    "random:index/randomPassword:RandomPassword": _password,
    "tls:index/certRequest:CertRequest": pems.request,
    "tls:index/locallySignedCert:LocallySignedCert": pems.signed,
    "tls:index/privateKey:PrivateKey": pems.private_key,
    "tls:index/selfSignedCert:SelfSignedCert": pems.self_signed,
}


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
