"""The probe: a CloudWatch Synthetics canary that calls the API from outside once a minute."""

from typing import Annotated

import pulumi
import pulumi_aws as aws
from pydantic import Field

from arca.naming import physical
from arca.pins import pinned
from components.code import source, zipped
from components.component import Component, Place
from components.iam import allow, service_role
from components.spec import Format, Spec, UrlPath


class ProbeSpec(Spec):
    """The settings of the outside probe."""

    enabled: bool = Field(default=True, description="Ask the API from outside, once a minute.")
    health_path: UrlPath = Field(default="/health/ready", description="Must answer 200.")
    business_path: UrlPath = Field(
        default="/v1/status",
        description="A read-only path that goes through the database, the cache and ARCA's own "
        "status call; must answer 200 with JSON.",
    )
    timeout_seconds: int = Field(
        default=20, ge=3, le=50, description="Seconds that a whole run may take."
    )
    runtime: Annotated[
        str,
        Format(r"^syn-python-", "a Python runtime of Synthetics, such as syn-python-selenium-14.0"),
    ] = Field(
        default=pinned("probe.runtime"),
        description="Synthetics' runtime. AWS retires them; `arca verify --versions` asks it.",
    )


class Probe(Component):
    """The canary with its role and its code in the artifacts' bucket."""

    canary: str

    def __init__(
        self,
        name: str,
        spec: ProbeSpec,
        place: Place,
        *,
        url: str,
        artifacts: tuple[pulumi.Output[str], pulumi.Output[str]],
        key_arn: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("arca:probe:Probe", name, place, data_class="internal", opts=opts)
        bucket, bucket_arn = artifacts
        # CloudWatch Synthetics API reference, CreateCanary: lower case, 21 characters at most.
        self.canary = physical(place.prefix, "probe", limit=21)
        logs = (
            f"arn:aws:logs:{place.region}:{place.account_id}:log-group:"
            f"/aws/lambda/cwsyn-{self.canary}-*"
        )
        # CloudWatch User Guide, "Required roles and permissions for canaries".
        runner = service_role(
            self,
            name,
            "lambda.amazonaws.com",
            allow(["s3:PutObject"], [pulumi.Output.concat(bucket_arn, "/probe/*")]),
            allow(["s3:GetBucketLocation"], [bucket_arn]),
            allow(
                ["kms:Decrypt", "kms:GenerateDataKey"],
                [key_arn],
                condition={"StringEquals": {"kms:ViaService": f"s3.{place.region}.amazonaws.com"}},
            ),
            allow(["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"], [logs]),
            allow(
                ["cloudwatch:PutMetricData"],
                ["*"],
                condition={"StringEquals": {"cloudwatch:namespace": "CloudWatchSynthetics"}},
            ),
            confined=False,
        )
        code = aws.s3.BucketObjectv2(
            name,
            bucket=bucket,
            key="code/probe.zip",
            content_base64=zipped({"python/probe.py": source("monitoring/probe.py")}),
            content_type="application/zip",
            opts=self.child(),
        )
        aws.synthetics.Canary(
            name,
            name=self.canary,
            runtime_version=spec.runtime,
            handler="probe.handler",
            execution_role_arn=runner.arn,
            s3_bucket=code.bucket,
            s3_key=code.key,
            s3_version=code.version_id,
            schedule={"expression": "rate(1 minute)"},
            run_config={
                "timeout_in_seconds": spec.timeout_seconds,
                "environment_variables": {
                    "URL": url,
                    "HEALTH_PATH": spec.health_path,
                    "BUSINESS_PATH": spec.business_path,
                },
            },
            artifact_s3_location=pulumi.Output.concat("s3://", bucket, "/probe"),
            success_retention_period=7,
            failure_retention_period=31,
            start_canary=True,
            delete_lambda=True,
            opts=self.child(depends_on=[runner.policy]),
        )
        self.register_outputs({"canary": self.canary})
