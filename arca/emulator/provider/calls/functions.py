"""The calls of code and streams: functions, their schedules, delivery streams."""

from collections.abc import Mapping
from typing import Any

from arca.emulator.provider.calls.table import Call, tags, take


def _firehose(s3: Mapping[str, Any]) -> dict[str, Any]:
    processing = s3["processingConfiguration"]
    return {
        "BucketARN": s3["bucketArn"],
        "RoleARN": s3["roleArn"],
        "Prefix": s3["prefix"],
        "ErrorOutputPrefix": s3["errorOutputPrefix"],
        "CompressionFormat": s3["compressionFormat"],
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


TABLE: Mapping[str, tuple[Call, ...]] = {
    "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": (
        Call(
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
            lambda answer: {"arn": answer["DeliveryStreamARN"], "id": answer["DeliveryStreamARN"]},
        ),
    ),
    "aws:lambda/function:Function": (
        Call(
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
            lambda answer: {"arn": answer["FunctionArn"]},
        ),
    ),
    "aws:scheduler/schedule:Schedule": (
        Call(
            "scheduler",
            "create_schedule",
            take("name", "scheduleExpression", "flexibleTimeWindow", "target"),
            lambda answer: {"arn": answer["ScheduleArn"]},
        ),
    ),
}
