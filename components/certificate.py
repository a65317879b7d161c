"""The load balancer's certificate, validated through DNS."""

from typing import NamedTuple

import pulumi
import pulumi_aws as aws
import pulumi_cloudflare as cloudflare

from arca.naming import Names
from components.component import Component, Place


class Certificate(Component):
    """An ACM certificate for the domain's names and for the origin names.

    Produces: certificate, the validation records (the domain's at Cloudflare, the origin zone's
    in Route 53), and the wait until it is issued. The records are the same in every region of
    an account, so only the primary declares them: a secondary must not own, and on destroy
    remove, what renews the primary's certificate.
    """

    arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        place: Place,
        *,
        names: Names,
        cloudflare_zone_id: str,
        origin_zone_id: pulumi.Input[str],
        validates: bool,
    ) -> None:
        super().__init__("arca:certificate:Certificate", name, place, data_class="public")
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
                zone_id=cloudflare_zone_id,
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


class Proof(NamedTuple):
    """The record that proves one of a certificate's names."""

    name: str
    value: str


def _record(certificate: aws.acm.Certificate, domain: str) -> pulumi.Output[Proof]:
    """Pick a name's record; AWS gives them in no order."""
    return certificate.domain_validation_options.apply(
        lambda options: next(
            Proof(option.resource_record_name or "", option.resource_record_value or "")
            for option in options
            if option.domain_name == domain
        )
    )
