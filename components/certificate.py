"""The load balancer's certificate, validated through DNS."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pulumi
import pulumi_aws as aws
import pulumi_cloudflare as cloudflare

from components.component import Component, Place
from components.wires import CloudflareZone


class Certificate(Component):
    """An ACM certificate for the names of the domain and of the origin zone.

    Produces: certificate, the validation records (the domain's at Cloudflare, the origin zone's
    in Route 53), and the wait until ACM issues it. The records are the same in every region of
    an account, and only the primary declares them. If a secondary declared them, destroying it
    would stop the renewal of the primary's certificate.
    """

    arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        place: Place,
        *,
        zone: CloudflareZone,
        origin_zone_id: pulumi.Input[str],
        validates: bool,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(
            "arca:certificate:Certificate", name, place, data_class="public", opts=opts
        )
        names = zone.names
        certificate = aws.acm.Certificate(
            name,
            domain_name=f"*.{names.domain}",
            subject_alternative_names=[f"*.{names.origin_zone}"],
            validation_method="DNS",
            opts=self.child(),
        )
        if validates:
            public = _record(certificate, f"*.{names.domain}")
            origin = _record(certificate, f"*.{names.origin_zone}")
            cloudflare.DnsRecord(
                f"{name}-domain",
                zone_id=zone.zone_id,
                # ACM ends names with a dot, which Cloudflare would report as drift.
                name=public.apply(lambda record: record.name.rstrip(".")),
                type="CNAME",
                content=public.apply(lambda record: record.value.rstrip(".")),
                proxied=False,
                ttl=300,
                opts=self.child(),
            )
            aws.route53.Record(
                f"{name}-origin",
                zone_id=origin_zone_id,
                name=origin.apply(lambda record: record.name),
                type="CNAME",
                records=[origin.apply(lambda record: record.value)],
                ttl=300,
                opts=self.child(),
            )
        issued = aws.acm.CertificateValidation(
            name, certificate_arn=certificate.arn, opts=self.child()
        )
        self.arn = issued.certificate_arn
        self.register_outputs({"arn": self.arn})


class ValidationRecord(NamedTuple):
    """The DNS record that proves control of one of a certificate's names."""

    name: str
    value: str


def _record(certificate: aws.acm.Certificate, domain: str) -> pulumi.Output[ValidationRecord]:
    """Return the record of one name; AWS lists the records in no fixed order.

    Raises ValueError where AWS lists none for the name.
    """

    def find(
        options: Sequence[aws.acm.outputs.CertificateDomainValidationOption],
    ) -> ValidationRecord:
        for option in options:
            if option.domain_name == domain:
                return ValidationRecord(
                    option.resource_record_name or "", option.resource_record_value or ""
                )
        listed = ", ".join(option.domain_name or "" for option in options) or "none"
        message = f"ACM wants no DNS record for {domain}; it lists {listed}"
        raise ValueError(message)

    return certificate.domain_validation_options.apply(find)
