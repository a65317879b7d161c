"""Functions (Lambda), their schedules (EventBridge Scheduler) and delivery streams (Firehose)."""

from collections.abc import Mapping
from typing import Any

from arca.emulator.provider.resources.definition import (
    ApiCall,
    OutputTemplates,
    Resource,
    arn_outputs,
    tags,
    take,
    take_outputs,
)


def _firehose(s3: Mapping[str, Any]) -> dict[str, Any]:
    processing = s3["processingConfiguration"]
    return {
        "BucketARN": s3["bucketArn"],
        "RoleARN": s3["roleArn"],
        "Prefix": s3["prefix"],
        "ErrorOutputPrefix": s3["errorOutputPrefix"],
        "CompressionFormat": s3["compressionFormat"],
        "CloudWatchLoggingOptions": s3["cloudwatchLoggingOptions"],
        "EncryptionConfiguration": {"KMSEncryptionConfig": {"AWSKMSKeyARN": s3["kmsKeyArn"]}},
        "BufferingHints": {
            "IntervalInSeconds": s3["bufferingInterval"],
            "SizeInMBs": s3["bufferingSize"],
        },
        "ProcessingConfiguration": {
            "Enabled": processing["enabled"],
            "Processors": [
                {"Type": p["type"], "Parameters": p["parameters"]} for p in processing["processors"]
            ],
        },
    }


RESOURCES: Mapping[str, Resource] = {
    "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": Resource(
        OutputTemplates(
            "{arn}",
            {"arn": "arn:aws:firehose:{region}:{account}:deliverystream/{name}"},
            name_input="name",
        ),
        calls=(
            ApiCall(
                "firehose",
                "create_delivery_stream",
                lambda s: {
                    "DeliveryStreamName": s["name"],
                    "DeliveryStreamEncryptionConfigurationInput": {
                        "KeyType": s["serverSideEncryption"]["keyType"]
                    },
                    "ExtendedS3DestinationConfiguration": _firehose(s["extendedS3Configuration"]),
                    "Tags": tags(s),
                },
                take_outputs(id="DeliveryStreamARN", arn="DeliveryStreamARN"),
            ),
        ),
        not_sent={"destination": "the destination's own configuration says it"},
    ),
    "aws:lambda/function:Function": Resource(
        arn_outputs("lambda", "function:{name}", version="$LATEST"),
        calls=(
            ApiCall(
                "lambda",
                "create_function",
                lambda s: {
                    **take(
                        "runtime",
                        "architectures",
                        "handler",
                        "role",
                        "timeout",
                        "memorySize",
                        "loggingConfig",
                        FunctionName="name",
                    )(s),
                    "Code": take("s3Bucket", "s3Key", "s3ObjectVersion")(s),
                    "Tags": s["tags"],
                },
                take_outputs(arn="FunctionArn"),
            ),
        ),
    ),
    "aws:scheduler/schedule:Schedule": Resource(
        OutputTemplates(
            "default/{name}",
            {"arn": "arn:aws:scheduler:{region}:{account}:schedule/default/{name}"},
        ),
        calls=(
            ApiCall(
                "scheduler",
                "create_schedule",
                take("name", "scheduleExpression", "flexibleTimeWindow", "target"),
                take_outputs(arn="ScheduleArn"),
            ),
        ),
    ),
}
