"""Changes of monitoring: CloudWatch with its logs and events, SNS, chat, X-Ray and Synthetics."""

from collections.abc import Mapping

from arca.emulator.provider.changes import tags
from arca.emulator.provider.changes.definition import Changes, Update, again, replaced_by
from arca.emulator.provider.resources import CALLS
from arca.emulator.provider.resources.definition import ApiCall, take

_GROUP = "aws:cloudwatch/logGroup:LogGroup"
_ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
_COMPOSITE = "aws:cloudwatch/compositeAlarm:CompositeAlarm"
_DASHBOARD = "aws:cloudwatch/dashboard:Dashboard"
_QUERY = "aws:cloudwatch/queryDefinition:QueryDefinition"
_LOG_POLICY = "aws:cloudwatch/logResourcePolicy:LogResourcePolicy"
_FILTER = "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter"
_RULE = "aws:cloudwatch/eventRule:EventRule"
_TARGET = "aws:cloudwatch/eventTarget:EventTarget"
_TOPIC_POLICY = "aws:sns/topicPolicy:TopicPolicy"
_SLACK = "aws:chatbot/slackChannelConfiguration:SlackChannelConfiguration"
_SAMPLING = "aws:xray/samplingRule:SamplingRule"
_TRACES = "aws:xray/group:Group"
_CANARY = "aws:synthetics/canary:Canary"
NO_COMPOSITES = "moto has no composite alarms"
NO_QUERIES = "moto has no query definitions"
NO_CHAT = "moto has no chat applications"
NO_SAMPLING = "moto has no sampling rules"
NO_TRACES = "moto has no trace groups"
NO_CHANGED_CANARY = "moto cannot change a canary"


def _stop_canary() -> ApiCall:
    return ApiCall("synthetics", "stop_canary", take("name"), only_validated=NO_CHANGED_CANARY)


CHANGES: Mapping[str, Changes] = {
    "aws:cloudwatch/logStream:LogStream": Changes(
        replaces=replaced_by("logGroupName", "name"),
        deletes=(ApiCall("logs", "delete_log_stream", take("logGroupName", logStreamName="name")),),
    ),
    _GROUP: Changes(
        replaces=replaced_by("name"),
        updates=(
            Update(("retentionInDays",), (CALLS[_GROUP][1],)),
            Update(
                ("kmsKeyId",),
                (
                    ApiCall(
                        "logs",
                        "associate_kms_key",
                        take("kmsKeyId", logGroupName="name"),
                        only_validated="moto cannot change the key of a log group",
                    ),
                ),
            ),
            *tags.of_arn("logs", "resourceArn", style="tag", as_map=True),
        ),
        deletes=(ApiCall("logs", "delete_log_group", take(logGroupName="name")),),
        name="name",
    ),
    _ALARM: Changes(
        replaces=replaced_by("name"),
        updates=(
            *again(
                _ALARM,
                "alarmActions",
                "alarmDescription",
                "comparisonOperator",
                "datapointsToAlarm",
                "dimensions",
                "evaluateLowSampleCountPercentiles",
                "evaluationPeriods",
                "extendedStatistic",
                "metricName",
                "metricQueries",
                "namespace",
                "okActions",
                "period",
                "statistic",
                "threshold",
                "treatMissingData",
            ),
            *tags.of_arn("cloudwatch", "ResourceARN"),
        ),
        deletes=(ApiCall("cloudwatch", "delete_alarms", lambda s: {"AlarmNames": [s["name"]]}),),
        name="name",
    ),
    _COMPOSITE: Changes(
        replaces=replaced_by("alarmName"),
        updates=(
            *again(
                _COMPOSITE,
                "actionsSuppressor",
                "alarmActions",
                "alarmDescription",
                "alarmRule",
                "okActions",
            ),
            *tags.of_arn("cloudwatch", "ResourceARN", only_validated=NO_COMPOSITES),
        ),
        deletes=(
            ApiCall(
                "cloudwatch",
                "delete_alarms",
                lambda s: {"AlarmNames": [s["alarmName"]]},
                only_validated=NO_COMPOSITES,
            ),
        ),
        name="alarmName",
    ),
    _DASHBOARD: Changes(
        replaces=replaced_by("dashboardName"),
        updates=again(_DASHBOARD, "dashboardBody"),
        deletes=(
            ApiCall(
                "cloudwatch",
                "delete_dashboards",
                lambda s: {"DashboardNames": [s["dashboardName"]]},
            ),
        ),
    ),
    _QUERY: Changes(
        updates=(
            Update(
                ("logGroupNames", "name", "queryString"),
                (
                    ApiCall(
                        "logs",
                        "put_query_definition",
                        take("name", "queryString", "logGroupNames", "queryDefinitionId"),
                        only_validated=NO_QUERIES,
                    ),
                ),
            ),
        ),
        deletes=(
            ApiCall(
                "logs",
                "delete_query_definition",
                take("queryDefinitionId"),
                only_validated=NO_QUERIES,
            ),
        ),
    ),
    _LOG_POLICY: Changes(
        replaces=replaced_by("policyName"),
        updates=again(_LOG_POLICY, "policyDocument"),
        deletes=(ApiCall("logs", "delete_resource_policy", take("policyName")),),
    ),
    _FILTER: Changes(
        replaces=replaced_by("logGroup", "name"),
        updates=again(_FILTER, "destinationArn", "filterPattern", "roleArn"),
        deletes=(
            ApiCall(
                "logs",
                "delete_subscription_filter",
                take(logGroupName="logGroup", filterName="name"),
            ),
        ),
        name="name",
    ),
    _RULE: Changes(
        replaces=replaced_by("name"),
        updates=(
            *again(_RULE, "eventPattern"),
            *tags.of_arn("events", "ResourceARN"),
        ),
        deletes=(ApiCall("events", "delete_rule", take("name")),),
        name="name",
    ),
    _TARGET: Changes(
        replaces=replaced_by("rule", "targetId"),
        updates=again(_TARGET, "arn"),
        deletes=(
            ApiCall(
                "events", "remove_targets", lambda s: {"Rule": s["rule"], "Ids": [s["targetId"]]}
            ),
        ),
    ),
    "aws:sns/topic:Topic": Changes(
        replaces=replaced_by("name"),
        updates=(
            Update(
                ("kmsMasterKeyId",),
                (
                    ApiCall(
                        "sns",
                        "set_topic_attributes",
                        lambda s: {
                            "TopicArn": s["arn"],
                            "AttributeName": "KmsMasterKeyId",
                            "AttributeValue": s["kmsMasterKeyId"],
                        },
                    ),
                ),
            ),
            *tags.of_arn("sns", "ResourceArn"),
        ),
        deletes=(ApiCall("sns", "delete_topic", take(TopicArn="arn")),),
        name="name",
    ),
    _TOPIC_POLICY: Changes(
        replaces=replaced_by("arn"),
        updates=again(_TOPIC_POLICY, "policy"),
        stays="the policy goes with its topic",
    ),
    "aws:sns/topicSubscription:TopicSubscription": Changes(
        replaces=replaced_by("endpoint", "protocol", "topic"),
        deletes=(
            ApiCall(
                "sns",
                "unsubscribe",
                take(SubscriptionArn="arn"),
                only_validated="the emulator made the subscription up",
            ),
        ),
    ),
    _SLACK: Changes(
        replaces=replaced_by("configurationName", "slackTeamId"),
        updates=(
            Update(
                (
                    "guardrailPolicyArns",
                    "iamRoleArn",
                    "loggingLevel",
                    "slackChannelId",
                    "snsTopicArns",
                ),
                (
                    ApiCall(
                        "chatbot",
                        "update_slack_channel_configuration",
                        take(
                            "chatConfigurationArn",
                            "guardrailPolicyArns",
                            "iamRoleArn",
                            "loggingLevel",
                            "slackChannelId",
                            "snsTopicArns",
                        ),
                        only_validated=NO_CHAT,
                    ),
                ),
            ),
            *tags.by_calls(
                "chatbot",
                "tag_resource",
                "untag_resource",
                lambda s: {"ResourceARN": s["chatConfigurationArn"]},
                pairs=("Tags", "TagKey", "TagValue"),
                only_validated=NO_CHAT,
            ),
        ),
        deletes=(
            ApiCall(
                "chatbot",
                "delete_slack_channel_configuration",
                take("chatConfigurationArn"),
                only_validated=NO_CHAT,
            ),
        ),
        name="configurationName",
    ),
    _SAMPLING: Changes(
        replaces=replaced_by("ruleName", "version"),
        updates=(
            Update(
                (
                    "fixedRate",
                    "host",
                    "httpMethod",
                    "priority",
                    "reservoirSize",
                    "resourceArn",
                    "serviceName",
                    "serviceType",
                    "urlPath",
                ),
                (
                    ApiCall(
                        "xray",
                        "update_sampling_rule",
                        lambda s: {
                            "SamplingRuleUpdate": {
                                name: value
                                for name, value in CALLS[_SAMPLING][0]
                                .params(s)["SamplingRule"]
                                .items()
                                if name != "version"
                            }
                        },
                        only_validated=NO_SAMPLING,
                    ),
                ),
            ),
            *tags.of_arn("xray", "ResourceARN", only_validated=NO_SAMPLING),
        ),
        deletes=(
            ApiCall("xray", "delete_sampling_rule", take("ruleName"), only_validated=NO_SAMPLING),
        ),
        name="ruleName",
    ),
    _TRACES: Changes(
        replaces=replaced_by("groupName"),
        updates=(
            Update(
                ("filterExpression", "insightsConfiguration"),
                (
                    ApiCall(
                        "xray",
                        "update_group",
                        take("groupName", "filterExpression", "insightsConfiguration"),
                        only_validated=NO_TRACES,
                    ),
                ),
            ),
            *tags.of_arn("xray", "ResourceARN", only_validated=NO_TRACES),
        ),
        deletes=(ApiCall("xray", "delete_group", take("groupName"), only_validated=NO_TRACES),),
        name="groupName",
    ),
    _CANARY: Changes(
        replaces=replaced_by("artifactS3Location", "name"),
        updates=(
            Update(
                (
                    "artifactConfig",
                    "executionRoleArn",
                    "failureRetentionPeriod",
                    "handler",
                    "runConfig",
                    "runtimeVersion",
                    "s3Bucket",
                    "s3Key",
                    "s3Version",
                    "schedule",
                    "successRetentionPeriod",
                ),
                (
                    ApiCall(
                        "synthetics",
                        "update_canary",
                        lambda s: {
                            name: value
                            for name, value in CALLS[_CANARY][0].params(s).items()
                            if name not in ("artifactS3Location", "tags")
                        },
                        only_validated=NO_CHANGED_CANARY,
                    ),
                ),
            ),
            Update(
                ("startCanary",),
                (
                    CALLS[_CANARY][1],
                    ApiCall(
                        "synthetics",
                        "stop_canary",
                        take("name"),
                        when=lambda s: not s["startCanary"],
                        only_validated=NO_CHANGED_CANARY,
                    ),
                ),
            ),
            *tags.of_arn(
                "synthetics", "ResourceArn", as_map=True, only_validated=NO_CHANGED_CANARY
            ),
        ),
        deletes=(
            _stop_canary(),
            ApiCall(
                "synthetics",
                "delete_canary",
                take("name", "deleteLambda"),
                only_validated=NO_CHANGED_CANARY,
            ),
        ),
        name="name",
    ),
}
