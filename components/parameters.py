"""Plain environment variables of the service, as SSM parameters."""

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws

from components.component import Component, Place


class Parameters(Component):
    """One String parameter a variable, under `/arca-<stack>/`; none of them is a secret."""

    arns: dict[str, pulumi.Output[str]]

    def __init__(
        self,
        name: str,
        place: Place,
        values: Mapping[str, pulumi.Input[str]],
    ) -> None:
        super().__init__("arca:parameters:Parameters", name, place, data_class="internal")
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
