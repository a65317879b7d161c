"""Interface endpoints: AWS services that tasks reach without leaving the VPC."""

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from components.component import Component, Place
from components.wires import Placement


class Endpoints(Component):
    """An interface endpoint for each service that `network.interface_endpoints` names."""

    def __init__(
        self,
        name: str,
        services: Sequence[str],
        place: Place,
        *,
        at: Placement,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("arca:endpoints:Endpoints", name, place, data_class="internal", opts=opts)
        for service in services:
            aws.ec2.VpcEndpoint(
                f"{name}-{service.replace('.', '-')}",
                vpc_id=at.vpc_id,
                service_name=f"com.amazonaws.{place.region}.{service}",
                vpc_endpoint_type="Interface",
                private_dns_enabled=True,
                subnet_ids=at.subnet_ids,
                security_group_ids=[at.security_group_id],
                opts=self.child(),
            )
        self.register_outputs({})
