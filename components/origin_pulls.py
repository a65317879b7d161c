"""Authenticated origin pulls: the client certificate that proves a request used our zone."""

import pulumi
import pulumi_cloudflare as cloudflare
import pulumi_tls as tls

from components.component import Component, Place
from components.wires import CloudflareZone

CA_HOURS = 10 * 365 * 24
CLIENT_HOURS = 365 * 24
RENEW_HOURS = 60 * 24
"""The first `pulumi up` in the last sixty days of a client certificate renews it."""


class OriginPulls(Component):
    """A certificate authority of our own, and its client certificate at Cloudflare.

    Produces: key and certificate of the CA; key, request and certificate of the client; where the
    stack owns the zone, the zone's authenticated origin pulls and Cloudflare's e-mails 30 and 14
    days before the certificate expires. Load balancers trust this CA
    alone, because Cloudflare's shared certificate would prove only "some Cloudflare zone".
    """

    ca_pem: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        place: Place,
        *,
        zone: CloudflareZone,
        owns_zone: bool,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(
            "arca:originPulls:OriginPulls", name, place, data_class="confidential", opts=opts
        )
        domain = zone.names.domain
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
                zone_id=zone.zone_id,
                certificate=client.cert_pem,
                private_key=key.private_key_pem,
                opts=self.child(),
            )
            cloudflare.AuthenticatedOriginPullsSettings(
                name, zone_id=zone.zone_id, enabled=True, opts=self.child(depends_on=[certificate])
            )
            # Included with origin pulls, without filters (Cloudflare SSL documentation,
            # "Zone-level", Set up expiration alerts).
            cloudflare.NotificationPolicy(
                name,
                account_id=zone.account_id,
                name=f"{domain} origin pull certificate",
                description="The certificate that proves Cloudflare to the origin expires soon: "
                "the next pulumi up renews it.",
                alert_type="zone_aop_custom_certificate_expiration_type",
                enabled=True,
                mechanisms={"emails": [{"id": zone.contact_email}]},
                opts=self.child(),
            )
        self.ca_pem = ca.cert_pem
        self.register_outputs({"ca_pem": ca.cert_pem})
