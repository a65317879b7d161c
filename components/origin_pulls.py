"""Authenticated origin pulls: the client certificate that proves "through our zone"."""

import pulumi
import pulumi_cloudflare as cloudflare
import pulumi_tls as tls

from components.component import Component, Place

CA_HOURS = 10 * 365 * 24
CLIENT_HOURS = 365 * 24
RENEW_HOURS = 60 * 24
"""A client certificate is renewed by the first `pulumi up` in its last sixty days."""


class OriginPulls(Component):
    """A certificate authority of our own, and a client certificate of it at Cloudflare.

    Produces: CA key and certificate, client key, request and certificate, the zone's
    authenticated origin pulls; without the zone, no certificate at Cloudflare. Load balancers
    trust the CA alone. Cloudflare's shared
    certificate would prove only "some Cloudflare zone".
    """

    ca_pem: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        place: Place,
        *,
        zone_id: str,
        domain: str,
        owns_zone: bool,
    ) -> None:
        super().__init__("arca:originPulls:OriginPulls", name, place, data_class="confidential")
        ca_key = tls.PrivateKey(
            f"{name}-ca", algorithm="ECDSA", ecdsa_curve="P256", opts=self.child()
        )
        ca = tls.SelfSignedCert(
            f"{name}-ca",
            private_key_pem=ca_key.private_key_pem,
            is_ca_certificate=True,
            set_subject_key_id=True,
            allowed_uses=["cert_signing", "crl_signing"],
            validity_period_hours=CA_HOURS,
            subject={"common_name": f"{domain} origin pull CA", "organization": domain},
            opts=self.child(),
        )
        key = tls.PrivateKey(
            f"{name}-client", algorithm="ECDSA", ecdsa_curve="P256", opts=self.child()
        )
        request = tls.CertRequest(
            f"{name}-client",
            private_key_pem=key.private_key_pem,
            subject={"common_name": f"{domain} origin pull", "organization": domain},
            opts=self.child(),
        )
        client = tls.LocallySignedCert(
            f"{name}-client",
            cert_request_pem=request.cert_request_pem,
            ca_private_key_pem=ca_key.private_key_pem,
            ca_cert_pem=ca.cert_pem,
            allowed_uses=["client_auth", "digital_signature"],
            validity_period_hours=CLIENT_HOURS,
            early_renewal_hours=RENEW_HOURS,
            opts=self.child(),
        )
        if owns_zone:
            certificate = cloudflare.AuthenticatedOriginPullsCertificate(
                name,
                zone_id=zone_id,
                certificate=client.cert_pem,
                private_key=key.private_key_pem,
                opts=self.child(),
            )
            cloudflare.AuthenticatedOriginPullsSettings(
                name, zone_id=zone_id, enabled=True, opts=self.child(depends_on=[certificate])
            )
        self.ca_pem = ca.cert_pem
        self.register_outputs({"ca_pem": ca.cert_pem})
