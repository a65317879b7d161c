"""Authenticated origin pulls of a zone: its client certificates and the switch.

API: Origin TLS Client Auth. The switch works before and after the upload of a certificate (API
reference, "Set Enablement for Zone"). The API reads a certificate and its key, and so does this
double; the codes are ours. A certificate is active five minutes after its upload, where the pages
say "a few minutes".
"""

from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from arca.emulator.cloudflare.calls import SIMULATED, Answer, ApiRefusal, Call, Route, kept, page
from arca.emulator.cloudflare.state import Json

UPLOAD = "origin_tls_client_auth.zone_certificate_create_params.ZoneCertificateCreateParams"
SWITCH = "origin_tls_client_auth.setting_update_params.SettingUpdateParams"
INVALID_PAIR, UNKNOWN = 2200, 1551
DEPLOYMENT = timedelta(minutes=5)


def _upload(call: Call) -> Answer:
    content = call.read(UPLOAD)
    made = _read(content, call.now)
    identifier = call.state.new_id()
    fixed = {"id": identifier, "uploaded_on": call.moment, "certificate": content["certificate"]}
    call.zone.certificates[identifier] = {**made, **fixed, "uploaded": call.now}
    return Answer(_shown(call, call.zone.certificates[identifier]))


def _read(content: Json, now: datetime) -> Json:
    """Return what a certificate says; raises ApiRefusal for one that Cloudflare cannot use."""
    try:
        certificate = x509.load_pem_x509_certificate(content["certificate"].encode())
        key: Any = load_pem_private_key(content["private_key"].encode(), None)
    except (TypeError, ValueError):
        raise _refusal("the certificate or the private key is no PEM", "certificate") from None
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if key.public_key().public_bytes(*form) != certificate.public_key().public_bytes(*form):
        raise _refusal("the certificate and the private key are no pair", "private_key")
    if certificate.not_valid_after_utc <= now:
        raise _refusal("the certificate has expired", "certificate")
    algorithm = certificate.signature_hash_algorithm
    kind = type(key).__name__.removesuffix("PrivateKey")
    return {
        "issuer": certificate.issuer.rfc4514_string(),
        "signature": f"{kind}With{algorithm.name.upper() if algorithm else ''}",
        "expires_on": certificate.not_valid_after_utc.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def _refusal(says: str, pointer: str) -> ApiRefusal:
    return ApiRefusal(INVALID_PAIR, f"{says} {SIMULATED}", pointer=pointer)


def _shown(call: Call, certificate: Json) -> Json:
    """Return a certificate as the API shows it, without its key."""
    active = call.now - certificate["uploaded"] >= DEPLOYMENT
    shown = {key: value for key, value in certificate.items() if key != "uploaded"}
    status = "active" if active else "pending_deployment"
    return {**shown, "status": status, "enabled": call.zone.origin_pulls}


def _get(call: Call) -> Answer:
    return Answer(_shown(call, _known(call)))


def _list(call: Call) -> Answer:
    every = [_shown(call, one) for one in call.zone.certificates.values()]
    return page(call, every, size=50)


def _delete(call: Call) -> Answer:
    certificate = _known(call)
    del call.zone.certificates[certificate["id"]]
    return Answer({**_shown(call, certificate), "status": "pending_deletion"})


def _known(call: Call) -> Json:
    missing = ApiRefusal(UNKNOWN, f"certificate not found {SIMULATED}", status=404)
    return kept(call.zone.certificates, call.ids["certificate"], missing)


def _switch(call: Call) -> Answer:
    call.zone.origin_pulls = call.read(SWITCH)["enabled"]
    return _state(call)


def _state(call: Call) -> Answer:
    return Answer({"enabled": call.zone.origin_pulls})


SETTINGS = "/zones/{zone}/origin_tls_client_auth/settings"
ROUTES = (
    Route("PUT", SETTINGS, _switch),
    Route("GET", SETTINGS, _state),
    Route("POST", "/zones/{zone}/origin_tls_client_auth", _upload),
    Route("GET", "/zones/{zone}/origin_tls_client_auth", _list),
    Route("GET", "/zones/{zone}/origin_tls_client_auth/{certificate}", _get),
    Route("DELETE", "/zones/{zone}/origin_tls_client_auth/{certificate}", _delete),
)
