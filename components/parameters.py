"""The service's plain environment variables, as SSM parameters."""

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws

from components.component import Component, Place


class Parameters(Component):
    """A String parameter for each variable, under `/arca-<stack>/`; none of them is a secret."""

    arns: dict[str, pulumi.Output[str]]

    def __init__(
        self,
        name: str,
        place: Place,
        values: Mapping[str, pulumi.Input[str]],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(
            "arca:parameters:Parameters", name, place, data_class="internal", opts=opts
        )
        self.arns = {
            variable: aws.ssm.Parameter(
                f"{name}-{variable.lower().replace('_', '-')}",
                name=f"/{place.prefix}/{variable}",
                type="String",
                value=value,
                opts=self.child(),
            ).arn
            for variable, value in values.items()
        }
        self.register_outputs({})
