"""Where alarms go: a topic for each severity, and its subscriptions."""

from collections.abc import Iterator
from typing import Annotated

import pulumi
import pulumi_aws as aws
from pydantic import Field, SecretStr

from arca.naming import SEVERITIES, Severity
from components.component import Component, Place, after
from components.iam import allow, document, trust
from components.spec import Email, Format, Spec, WrongKey

PAGING: tuple[Severity, ...] = ("SEV1", "SEV2")
"""Severities that page the engineer on call; the others wait for working hours."""
PAGERDUTY = "https://events.pagerduty.com/integration/{key}/enqueue"
"""Endpoint of PagerDuty's CloudWatch integration, which accepts messages of SNS (PagerDuty,
"Amazon CloudWatch Integration Guide")."""
CLOUDWATCH_READ_ONLY = "arn:aws:iam::aws:policy/CloudWatchReadOnlyAccess"


class AlertingSpec(Spec):
    """Receivers of alarms."""

    pagerduty_key: SecretStr | None = Field(
        default=None,
        description="Integration key of PagerDuty's CloudWatch integration, for SEV1 and SEV2. A "
        "secret: `pulumi config set --secret --path arca-api:alerting.pagerduty_key`.",
    )
    slack_team_id: (
        Annotated[str, Format(r"^T[A-Z0-9]+$", "a Slack workspace's id, such as T024BE7LD")] | None
    ) = Field(
        default=None,
        description="Slack workspace, authorized once in Amazon Q Developer in chat applications.",
    )
    slack_channel_id: (
        Annotated[str, Format(r"^[CG][A-Z0-9]+$", "a Slack channel's id, such as C024BE91L")] | None
    ) = Field(default=None, description="Slack channel for every severity.")
    emails: tuple[Email, ...] = Field(
        default=(),
        description="E-mail addresses for SEV3 and SEV4; each receiver confirms once.",
    )

    def wrong_keys(self) -> Iterator[WrongKey]:
        """Require both of Slack's ids or none."""
        if self.slack_team_id is None and self.slack_channel_id is not None:
            yield WrongKey("slack_team_id", "a value, because slack_channel_id has one")
        if self.slack_channel_id is None and self.slack_team_id is not None:
            yield WrongKey("slack_channel_id", "a value, because slack_team_id has one")


class Alerting(Component):
    """The topics of alarms and their subscriptions.

    Produces: for each severity an encrypted topic with its policy; where the settings name them,
    subscriptions of PagerDuty and e-mail addresses, and Slack's channel with its role.
    """

    topics: dict[Severity, pulumi.Output[str]]

    def __init__(
        self,
        name: str,
        spec: AlertingSpec,
        place: Place,
        *,
        key_arn: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("arca:alerting:Alerting", name, place, data_class="internal", opts=opts)
        self._name = name
        self.topics = {severity: self._topic(severity, key_arn) for severity in SEVERITIES}
        if spec.pagerduty_key is not None:
            address = pulumi.Output.secret(
                PAGERDUTY.format(key=spec.pagerduty_key.get_secret_value())
            )
            for severity in PAGING:
                aws.sns.TopicSubscription(
                    f"{name}-pagerduty-{severity.lower()}",
                    topic=self.topics[severity],
                    protocol="https",
                    endpoint=address,
                    endpoint_auto_confirms=True,
                    opts=self.child(),
                )
        for number, email in enumerate(spec.emails, start=1):
            for severity in SEVERITIES:
                if severity not in PAGING:
                    aws.sns.TopicSubscription(
                        f"{name}-email-{severity.lower()}-{number}",
                        topic=self.topics[severity],
                        protocol="email",
                        endpoint=email,
                        opts=self.child(),
                    )
        if spec.slack_team_id and spec.slack_channel_id:
            self._slack(spec.slack_team_id, spec.slack_channel_id)
        self.register_outputs({})

    def _topic(self, severity: Severity, key_arn: pulumi.Input[str]) -> pulumi.Output[str]:
        logical = f"{self._name}-{severity.lower()}"
        topic = aws.sns.Topic(
            logical,
            name=f"{self.place.prefix}-{severity.lower()}",
            kms_master_key_id=key_arn,
            opts=self.child(),
        )
        policy = aws.sns.TopicPolicy(
            logical,
            arn=topic.arn,
            # Amazon SNS Developer Guide, "Example cases for Amazon SNS access control".
            policy=document(
                allow(
                    ["sns:Publish"],
                    [topic.arn],
                    principal={"Service": "cloudwatch.amazonaws.com"},
                    condition={"StringEquals": {"aws:SourceAccount": self.place.account_id}},
                )
            ),
            opts=self.child(),
        )
        # Without the policy the topic would refuse an alarm's message.
        return after(topic.arn, policy.id)

    def _slack(self, team_id: str, channel_id: str) -> None:
        logical = f"{self._name}-slack"
        role = aws.iam.Role(
            logical,
            assume_role_policy=trust("chatbot.amazonaws.com", account_id=None),
            opts=self.child(),
        )
        attachment = aws.iam.RolePolicyAttachment(
            logical, role=role.name, policy_arn=CLOUDWATCH_READ_ONLY, opts=self.child()
        )
        aws.chatbot.SlackChannelConfiguration(
            logical,
            configuration_name=f"{self.place.prefix}-alarms",
            iam_role_arn=role.arn,
            slack_team_id=team_id,
            slack_channel_id=channel_id,
            sns_topic_arns=list(self.topics.values()),
            guardrail_policy_arns=[CLOUDWATCH_READ_ONLY],
            logging_level="ERROR",
            opts=self.child(depends_on=[attachment]),
        )
