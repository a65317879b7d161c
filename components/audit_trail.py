"""Audit records: from the service's log into the bucket where nobody can delete them."""

import pulumi
import pulumi_aws as aws

from components.component import Component, Place
from components.iam import allow, document, trust

PATTERN = "{ $.audit IS TRUE }"
"""Which lines are audit records (docs/service-contract.md)."""
BUFFER_SECONDS, BUFFER_MIB = 60, 5


class AuditTrail(Component):
    """Produces: delivery stream, subscription of the service's log group, and their roles."""

    def __init__(
        self,
        name: str,
        place: Place,
        *,
        log_group: pulumi.Input[str],
        bucket_arn: pulumi.Input[str],
        key_arn: pulumi.Input[str],
    ) -> None:
        super().__init__("arca:auditTrail:AuditTrail", name, place, data_class="confidential")
        writer = aws.iam.Role(
            f"{name}-writer",
            assume_role_policy=trust("firehose.amazonaws.com", account_id=None),
            opts=self.child(),
        )
        objects = pulumi.Output.concat(bucket_arn, "/*")
        via_s3 = {"StringEquals": {"kms:ViaService": f"s3.{place.region}.amazonaws.com"}}
        writes = aws.iam.RolePolicy(
            f"{name}-writer",
            role=writer.name,
            # Amazon Data Firehose Developer Guide, "Grant Firehose access to an Amazon S3
            # destination".
            policy=document(
                allow(["s3:PutObject", "s3:AbortMultipartUpload"], [objects]),
                allow(
                    ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"],
                    [bucket_arn],
                ),
                allow(["kms:Decrypt", "kms:GenerateDataKey"], [key_arn], condition=via_s3),
            ),
            opts=self.child(),
        )
        stream = aws.kinesis.FirehoseDeliveryStream(
            name,
            name=f"{place.prefix}-audit",
            destination="extended_s3",
            server_side_encryption={"enabled": True, "key_type": "AWS_OWNED_CMK"},
            extended_s3_configuration={
                "bucket_arn": bucket_arn,
                "role_arn": writer.arn,
                "kms_key_arn": key_arn,
                "prefix": "service/!{timestamp:yyyy/MM/dd}/",
                "error_output_prefix": "failed/!{firehose:error-output-type}/",
                "buffering_interval": BUFFER_SECONDS,
                "buffering_size": BUFFER_MIB,
                "compression_format": "GZIP",
                # CloudWatch sends its own compressed envelope; only the log lines are kept.
                "processing_configuration": {
                    "enabled": True,
                    "processors": [
                        {
                            "type": "Decompression",
                            "parameters": [
                                {"parameter_name": "CompressionFormat", "parameter_value": "GZIP"}
                            ],
                        },
                        {
                            "type": "CloudWatchLogProcessing",
                            "parameters": [
                                {
                                    "parameter_name": "DataMessageExtraction",
                                    "parameter_value": "true",
                                }
                            ],
                        },
                    ],
                },
            },
            opts=self.child(depends_on=[writes]),
        )
        sender = aws.iam.Role(
            f"{name}-sender",
            assume_role_policy=trust("logs.amazonaws.com", account_id=place.account_id),
            opts=self.child(),
        )
        sends = aws.iam.RolePolicy(
            f"{name}-sender",
            role=sender.name,
            policy=document(allow(["firehose:PutRecord", "firehose:PutRecordBatch"], [stream.arn])),
            opts=self.child(),
        )
        aws.cloudwatch.LogSubscriptionFilter(
            name,
            name="audit",
            log_group=log_group,
            filter_pattern=PATTERN,
            destination_arn=stream.arn,
            role_arn=sender.arn,
            opts=self.child(depends_on=[sends]),
        )
        self.register_outputs({})
