"""Outputs that look like AWS's and Cloudflare's, for what no API answers.

All that a real service would choose at random is computed from a hash of the URN. The emulated
cloud uses these outputs where its API gives none. The tests and the provider double use only these.
"""

import hashlib
from typing import Any

from arca.clock import Clock
from arca.emulator.provider.resources import RESOURCES
from arca.emulator.provider.resources.definition import DeclaredResource
from arca.errors import ArcaError

LOAD_BALANCER_ZONES = {"sa-east-1": "Z2P70J7HTTTPLU", "us-east-1": "Z35SXDOTRQ7X7K"}
"""Hosted zone ids of load balancers (AWS General Reference, "Elastic Load Balancing endpoints")."""


def simulate_outputs(
    registration: DeclaredResource, *, account: str, region: str, clock: Clock
) -> tuple[str, dict[str, Any]]:
    """Return a resource's id and its outputs, inputs included.

    Raises ArcaError for a type that has no entry in RESOURCES.
    """
    resource = RESOURCES.get(registration.type)
    if resource is None:
        raise ArcaError(
            f"The emulator has no entry for the resource type {registration.type}.",
            where="arca/emulator/provider/resources",
            wanted="an entry in RESOURCES for every type that the program declares",
            do="add one as arca/emulator/provider/README.md describes",
        )
    templates = resource.templates
    values = _template_values(registration, account, region)
    name = str(
        registration.inputs.get(templates.name_input) or f"{registration.name}-{values['hex6'][:7]}"
    )
    values["name"] = name if templates.name_input else str(registration.inputs.get("name", ""))
    # An id may contain its ARN, or an ARN its id, but never both.
    if "arn" in templates.outputs:
        values["arn"] = templates.outputs["arn"].format_map(values | {"id": ""})
    values["id"] = templates.id.format_map(values)
    computed: dict[str, Any] = {
        key: template.format_map(values) for key, template in templates.outputs.items()
    }
    if templates.name_input:
        computed[templates.name_input] = name
    if resource.compute is not None:
        computed |= resource.compute(registration, clock.now())
    return values["id"], {**registration.inputs, **computed}


def _template_values(registration: DeclaredResource, account: str, region: str) -> dict[str, str]:
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
        # The prefix marks a multi-Region key (AWS KMS Developer Guide, "Key IDs").
        "key_id": f"mrk-{digest[:32]}" if inputs.get("multiRegion") else uuid,
        "cluster_tail": str(inputs.get("cluster", "")).rpartition("/")[2],
        "primary_tail": str(inputs.get("primaryKeyArn", "")).rpartition("/")[2],
        "load_balancer_zone": LOAD_BALANCER_ZONES.get(region, "Z00000000000000000000"),
        "port": str(inputs.get("port", "")),
    }
