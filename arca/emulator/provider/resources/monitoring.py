"""Monitoring: CloudWatch with its logs and events, SNS, chat, X-Ray and Synthetics."""

from collections.abc import Mapping
from typing import Any

from arca.emulator.provider.resources.definition import (
    ONLY_ON_CHANGE,
    PROVIDER_ONLY,
    ApiCall,
    OutputTemplates,
    Resource,
    ResourceState,
    arn_outputs,
    tags,
    take,
    take_outputs,
)


def _pairs(dimensions: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in dimensions.items()]


def _metric_alarm(s: ResourceState) -> dict[str, Any]:
    one = {"Dimensions": _pairs(s["dimensions"])} if "dimensions" in s else {}
    many = {"Metrics": [_query(q) for q in s["metricQueries"]]} if "metricQueries" in s else {}
    return {
        **take(
            "alarmActions",
            "alarmDescription",
            "comparisonOperator",
            "datapointsToAlarm",
            "evaluationPeriods",
            "extendedStatistic",
            "metricName",
            "namespace",
            "okActions",
            "period",
            "statistic",
            "threshold",
            "treatMissingData",
            AlarmName="name",
            EvaluateLowSampleCountPercentile="evaluateLowSampleCountPercentiles",
        )(s),
        **one,
        **many,
        "Tags": tags(s),
    }


def _query(query: Mapping[str, Any]) -> dict[str, Any]:
    if "metric" not in query:
        return {
            "Id": query["id"],
            "Expression": query["expression"],
            "Label": query["label"],
            "ReturnData": query["returnData"],
        }
    metric = query["metric"]
    return {
        "Id": query["id"],
        "ReturnData": query["returnData"],
        "MetricStat": {
            "Metric": {
                "Namespace": metric["namespace"],
                "MetricName": metric["metricName"],
                "Dimensions": _pairs(metric["dimensions"]),
            },
            "Period": metric["period"],
            "Stat": metric["stat"],
        },
    }


def _composite(s: ResourceState) -> dict[str, Any]:
    suppressor = s.get("actionsSuppressor")
    return {
        **take("alarmName", "alarmDescription", "alarmRule", "alarmActions", "okActions")(s),
        **(
            {
                "ActionsSuppressor": suppressor["alarm"],
                "ActionsSuppressorWaitPeriod": suppressor["waitPeriod"],
                "ActionsSuppressorExtensionPeriod": suppressor["extensionPeriod"],
            }
            if suppressor
            else {}
        ),
        "Tags": tags(s),
    }


def _canary(s: ResourceState) -> dict[str, Any]:
    run = s["runConfig"]
    return {
        **take(
            "name",
            "runtimeVersion",
            "executionRoleArn",
            "schedule",
            "artifactConfig",
            "artifactS3Location",
            successRetentionPeriodInDays="successRetentionPeriod",
            failureRetentionPeriodInDays="failureRetentionPeriod",
        )(s),
        "code": {**take("s3Bucket", "s3Key", "s3Version", "handler")(s)},
        "runConfig": {
            "timeoutInSeconds": run["timeoutInSeconds"],
            "environmentVariables": run["environmentVariables"],
        },
        "tags": s["tags"],
    }


RESOURCES: Mapping[str, Resource] = {
    "aws:cloudwatch/logStream:LogStream": Resource(
        OutputTemplates(
            "{name}",
            {"arn": "arn:aws:logs:{region}:{account}:log-group:{logGroupName}:log-stream:{name}"},
        ),
        calls=(ApiCall("logs", "create_log_stream", take("logGroupName", logStreamName="name")),),
    ),
    "aws:cloudwatch/logGroup:LogGroup": Resource(
        arn_outputs("logs", "log-group:{name}"),
        calls=(
            ApiCall(
                "logs",
                "create_log_group",
                lambda s: {"logGroupName": s["name"], "kmsKeyId": s["kmsKeyId"], "tags": s["tags"]},
            ),
            ApiCall("logs", "put_retention_policy", take("retentionInDays", logGroupName="name")),
        ),
    ),
    "aws:cloudwatch/metricAlarm:MetricAlarm": Resource(
        arn_outputs("cloudwatch", "alarm:{name}"),
        calls=(ApiCall("cloudwatch", "put_metric_alarm", _metric_alarm),),
    ),
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": Resource(
        OutputTemplates(
            "{alarmName}", {"arn": "arn:aws:cloudwatch:{region}:{account}:alarm:{alarmName}"}
        ),
        calls=(
            ApiCall(
                "cloudwatch",
                "put_composite_alarm",
                _composite,
                only_validated="moto has no composite alarms",
            ),
        ),
    ),
    "aws:cloudwatch/dashboard:Dashboard": Resource(
        OutputTemplates(
            "{dashboardName}", {"dashboardArn": "arn:aws:cloudwatch::{account}:dashboard/{id}"}
        ),
        calls=(ApiCall("cloudwatch", "put_dashboard", take("dashboardName", "dashboardBody")),),
    ),
    "aws:cloudwatch/queryDefinition:QueryDefinition": Resource(
        OutputTemplates("{name}_{uuid}", {"queryDefinitionId": "{uuid}"}),
        calls=(
            ApiCall(
                "logs",
                "put_query_definition",
                take("name", "queryString", "logGroupNames"),
                only_validated="moto has no query definitions",
            ),
        ),
    ),
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": Resource(
        OutputTemplates("{policyName}"),
        calls=(ApiCall("logs", "put_resource_policy", take("policyName", "policyDocument")),),
    ),
    "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter": Resource(
        OutputTemplates("cwlsf-{hex}"),
        calls=(
            ApiCall(
                "logs",
                "put_subscription_filter",
                take(
                    "filterPattern",
                    "destinationArn",
                    "roleArn",
                    logGroupName="logGroup",
                    filterName="name",
                ),
            ),
        ),
    ),
    "aws:cloudwatch/eventRule:EventRule": Resource(
        arn_outputs("events", "rule/{name}"),
        calls=(
            ApiCall(
                "events",
                "put_rule",
                lambda s: {**take("name", "eventPattern")(s), "Tags": tags(s)},
                take_outputs(arn="RuleArn"),
            ),
        ),
    ),
    "aws:cloudwatch/eventTarget:EventTarget": Resource(
        OutputTemplates("{rule}-{targetId}"),
        calls=(
            ApiCall(
                "events",
                "put_targets",
                lambda s: {"Rule": s["rule"], "Targets": [{"Id": s["targetId"], "Arn": s["arn"]}]},
            ),
        ),
    ),
    "aws:sns/topic:Topic": Resource(
        OutputTemplates(
            "{arn}", {"arn": "arn:aws:sns:{region}:{account}:{name}"}, name_input="name"
        ),
        calls=(
            ApiCall(
                "sns",
                "create_topic",
                lambda s: {
                    "Name": s["name"],
                    "Attributes": {"KmsMasterKeyId": s["kmsMasterKeyId"]},
                    "Tags": tags(s),
                },
                take_outputs(id="TopicArn", arn="TopicArn"),
            ),
        ),
    ),
    "aws:sns/topicPolicy:TopicPolicy": Resource(
        OutputTemplates("{arn}"),
        calls=(
            ApiCall(
                "sns",
                "set_topic_attributes",
                lambda s: {
                    "TopicArn": s["arn"],
                    "AttributeName": "Policy",
                    "AttributeValue": s["policy"],
                },
            ),
        ),
    ),
    "aws:sns/topicSubscription:TopicSubscription": Resource(
        OutputTemplates("{topic}:{uuid}", {"arn": "{id}"}),
        calls=(
            ApiCall(
                "sns",
                "subscribe",
                take("protocol", "endpoint", TopicArn="topic"),
                only_validated="moto would send to the address for real",
            ),
        ),
        not_sent={"endpointAutoConfirms": PROVIDER_ONLY},
    ),
    "aws:chatbot/slackChannelConfiguration:SlackChannelConfiguration": Resource(
        OutputTemplates(
            "arn:aws:chatbot::{account}:chat-configuration/slack-channel/{configurationName}",
            {"chatConfigurationArn": "{id}"},
        ),
        calls=(
            ApiCall(
                "chatbot",
                "create_slack_channel_configuration",
                lambda s: {
                    **take(
                        "configurationName",
                        "iamRoleArn",
                        "slackChannelId",
                        "snsTopicArns",
                        "guardrailPolicyArns",
                        "loggingLevel",
                        slackTeamId="slackTeamId",
                    )(s),
                    "Tags": tags(s, "TagKey", "TagValue"),
                },
                only_validated="moto has no chat applications",
            ),
        ),
    ),
    "aws:xray/samplingRule:SamplingRule": Resource(
        OutputTemplates(
            "{ruleName}", {"arn": "arn:aws:xray:{region}:{account}:sampling-rule/{ruleName}"}
        ),
        calls=(
            ApiCall(
                "xray",
                "create_sampling_rule",
                lambda s: {
                    "SamplingRule": take(
                        "ruleName",
                        "priority",
                        "version",
                        "reservoirSize",
                        "fixedRate",
                        "host",
                        "serviceName",
                        "serviceType",
                        "resourceARN",
                        URLPath="urlPath",
                        HTTPMethod="httpMethod",
                        ResourceARN="resourceArn",
                    )(s),
                    "Tags": tags(s),
                },
                only_validated="moto has no sampling rules",
            ),
        ),
    ),
    "aws:xray/group:Group": Resource(
        OutputTemplates(
            "arn:aws:xray:{region}:{account}:group/{groupName}/{HEX16}", {"arn": "{id}"}
        ),
        calls=(
            ApiCall(
                "xray",
                "create_group",
                lambda s: {
                    **take("groupName", "filterExpression", "insightsConfiguration")(s),
                    "Tags": tags(s),
                },
                only_validated="moto has no trace groups",
            ),
        ),
    ),
    "aws:synthetics/canary:Canary": Resource(
        arn_outputs("synthetics", "canary:{name}"),
        calls=(
            ApiCall("synthetics", "create_canary", _canary),
            ApiCall(
                "synthetics",
                "start_canary",
                take("name"),
                when=lambda s: bool(s["startCanary"]),
                only_validated="moto stores canaries and runs none",
            ),
        ),
        not_sent={"deleteLambda": ONLY_ON_CHANGE},
    ),
}
