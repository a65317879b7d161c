"""The calls of what watches: alarms, dashboards, queries, topics, events, traces, the probe."""

from collections.abc import Mapping
from typing import Any

from arca.emulator.provider.calls.table import Call, State, tags, take


def _pairs(dimensions: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in dimensions.items()]


def _metric_alarm(s: State) -> dict[str, Any]:
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


def _composite(s: State) -> dict[str, Any]:
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


def _canary(s: State) -> dict[str, Any]:
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


TABLE: Mapping[str, tuple[Call, ...]] = {
    "aws:cloudwatch/metricAlarm:MetricAlarm": (
        Call("cloudwatch", "put_metric_alarm", _metric_alarm),
    ),
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": (
        Call(
            "cloudwatch",
            "put_composite_alarm",
            _composite,
            only_validated="moto has no composite alarms",
        ),
    ),
    "aws:cloudwatch/dashboard:Dashboard": (
        Call("cloudwatch", "put_dashboard", take("dashboardName", "dashboardBody")),
    ),
    "aws:cloudwatch/queryDefinition:QueryDefinition": (
        Call(
            "logs",
            "put_query_definition",
            take("name", "queryString", "logGroupNames"),
            only_validated="moto has no query definitions",
        ),
    ),
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": (
        Call("logs", "put_resource_policy", take("policyName", "policyDocument")),
    ),
    "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter": (
        Call(
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
    "aws:cloudwatch/eventRule:EventRule": (
        Call(
            "events",
            "put_rule",
            lambda s: {**take("name", "eventPattern")(s), "Tags": tags(s)},
            lambda answer: {"arn": answer["RuleArn"]},
        ),
    ),
    "aws:cloudwatch/eventTarget:EventTarget": (
        Call(
            "events",
            "put_targets",
            lambda s: {"Rule": s["rule"], "Targets": [{"Id": s["targetId"], "Arn": s["arn"]}]},
        ),
    ),
    "aws:sns/topic:Topic": (
        Call(
            "sns",
            "create_topic",
            lambda s: {
                "Name": s["name"],
                "Attributes": {"KmsMasterKeyId": s["kmsMasterKeyId"]},
                "Tags": tags(s),
            },
            lambda answer: {"id": answer["TopicArn"], "arn": answer["TopicArn"]},
        ),
    ),
    "aws:sns/topicPolicy:TopicPolicy": (
        Call(
            "sns",
            "set_topic_attributes",
            lambda s: {
                "TopicArn": s["arn"],
                "AttributeName": "Policy",
                "AttributeValue": s["policy"],
            },
        ),
    ),
    "aws:sns/topicSubscription:TopicSubscription": (
        Call(
            "sns",
            "subscribe",
            take("protocol", "endpoint", TopicArn="topic"),
            only_validated="moto would send to the address for real",
        ),
    ),
    "aws:chatbot/slackChannelConfiguration:SlackChannelConfiguration": (
        Call(
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
                "Tags": [{"TagKey": k, "TagValue": v} for k, v in s["tags"].items()],
            },
            only_validated="moto has no chat applications",
        ),
    ),
    "aws:xray/samplingRule:SamplingRule": (
        Call(
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
    "aws:xray/group:Group": (
        Call(
            "xray",
            "create_group",
            lambda s: {
                **take("groupName", "filterExpression", "insightsConfiguration")(s),
                "Tags": tags(s),
            },
            only_validated="moto has no trace groups",
        ),
    ),
    "aws:synthetics/canary:Canary": (
        Call("synthetics", "create_canary", _canary),
        Call(
            "synthetics",
            "start_canary",
            take("name"),
            when=lambda s: bool(s["startCanary"]),
            only_validated="moto stores canaries and runs none",
        ),
    ),
}
