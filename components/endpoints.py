"""Interface endpoints: AWS services reached without leaving the VPC."""

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from components.component import Component, Place


class Endpoints(Component):
    """One interface endpoint for each service that the network's settings name."""

    def __init__(
        self,
        name: str,
        services: Sequence[str],
        place: Place,
        *,
        vpc_id: pulumi.Input[str],
        subnet_ids: Sequence[pulumi.Input[str]],
        security_group_id: pulumi.Input[str],
    ) -> None:
        super().__init__("arca:endpoints:Endpoints", name, place, data_class="internal")
        for service in services:
            aws.ec2.VpcEndpoint(
                f"{name}-{service.replace('.', '-')}",
                vpc_id=vpc_id,
                service_name=f"com.amazonaws.{place.region}.{service}",
                vpc_endpoint_type="Interface",
                private_dns_enabled=True,
                subnet_ids=list(subnet_ids),
                security_group_ids=[security_group_id],
                opts=self.child(),
            )
        self.register_outputs({})
