"""What a stack declares to be watched, as a graph: alarms, routes, dashboards, traces, budgets."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from errors import Explained
from localcloud import stackfile
from localcloud.engine import Registration
from slo import documents
from telemetry.objectives import goals
from telemetry.runbooks import RUNBOOKS
from tests.graph import Graph, declare
from tests.stacks import STACKS, graph
from tests.test_rejected import changed

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
COMPOSITE = "aws:cloudwatch/compositeAlarm:CompositeAlarm"
DASHBOARD = "aws:cloudwatch/dashboard:Dashboard"
SUBSCRIPTION = "aws:sns/topicSubscription:TopicSubscription"


def watching(declared: Graph) -> list[Registration]:
    """The alarms of the observability component."""
    return [n for n in declared.of(ALARM, COMPOSITE) if n.component == "observability"]


@pytest.mark.parametrize("stack", STACKS)
def test_every_alarm_says_what_it_means_and_where_to_read_on(stack: str) -> None:
    """Severity where it notifies, one runbook, and a text that CloudWatch takes."""
    for node in watching(graph(stack)):
        text = node.inputs["alarmDescription"]
        assert len(text) <= 1024
        pages = [book.path for book in RUNBOOKS.values() if book.path in text]
        assert len(pages) == 1, node.name
        assert text.startswith("SEV") == bool(node.inputs.get("alarmActions"))


@pytest.mark.parametrize("stack", STACKS)
def test_severities_have_topics_of_their_own(stack: str) -> None:
    """What pages goes elsewhere than what waits, and says when it is over."""
    topics = graph(stack).outputs["observability"]["topics"]
    assert len(set(topics.values())) == 4
    for node in watching(graph(stack)):
        actions = node.inputs.get("alarmActions")
        if actions:
            assert actions == [topics[node.inputs["alarmDescription"][:4]]]
            assert node.inputs["okActions"] == actions


def test_missing_data_means_what_each_alarm_says() -> None:
    """Silence of the replica, of health and of the published budget is chosen one by one."""
    declared = graph("prod")
    treated = {
        node.name: node.inputs["treatMissingData"]
        for node in watching(declared)
        if node.type == ALARM
    }
    assert treated["observability-api-no-healthy-tasks"] == "breaching"
    assert treated["observability-errors-budget-50"] == "ignore"
    assert treated["observability-errors-outage-1h"] == "notBreaching"
    following = graph("dr").one(ALARM, "observability-database-replica-lag")
    assert following.inputs["treatMissingData"] == "breaching"


def test_runbooks_are_linked_where_the_repository_is_known() -> None:
    """Otherwise alarms name the file."""
    url = "https://git.example/arca-infra/blob/main"
    declared = declare("dr", changed("dr", {"observability.repository_url": url}))
    texts = [node.inputs["alarmDescription"] for node in watching(declared)]
    assert all(f"{url}/docs/runbooks/" in text for text in texts)


@pytest.mark.parametrize("stack", ["prod", "staging", "dev"])
def test_composites_read_declared_alarms_and_are_muted_but_for_outages(stack: str) -> None:
    """By their physical names; the suppressor is the maintenance alarm."""
    names = {node.inputs.get("name") or node.inputs["alarmName"] for node in watching(graph(stack))}
    maintenance = f"arca-{stack}-maintenance"
    assert maintenance in names
    for node in graph(stack).of(COMPOSITE):
        quoted = set(node.inputs["alarmRule"].split('"')[1::2])
        assert quoted
        assert quoted <= names
        severe = node.inputs["alarmDescription"].startswith("SEV1")
        suppressor = node.inputs.get("actionsSuppressor", {}).get("alarm")
        assert suppressor == (None if severe else maintenance)


def test_a_stack_that_stands_by_watches_its_replica() -> None:
    """It has no customers, and its replica's lag is what a failover would lose."""
    names = [node.inputs["name"] for node in watching(graph("dr"))]
    assert sorted(names) == [
        "arca-dr-certificate-balancer", "arca-dr-database-replica-lag", "arca-dr-database-storage",
        "arca-dr-maintenance",
    ]  # fmt: skip # a list
    assert graph("dr").of(DASHBOARD) == []
    active = declare("dr", changed("dr", {"recovery.phase": "active"}))
    assert len(watching(active)) == len(watching(graph("prod")))


def test_an_alarm_for_each_cache_node() -> None:
    """Prod has three, dev has one."""
    for stack, number in (("prod", 3), ("dev", 1)):
        nodes = [n for n in watching(graph(stack)) if "cache-memory" in n.name]
        ids = {n.inputs["dimensions"]["CacheClusterId"] for n in nodes}
        assert len(nodes) == len(ids) == number


def test_without_a_probe_nothing_reads_it() -> None:
    """Dev has none: no availability, and everything else."""
    text = json.dumps([node.inputs for node in graph("dev").custom()])
    assert "CloudWatchSynthetics" not in text
    objectives = graph("dev").outputs["observability"]["objectives"]
    assert objectives == ["arca", "database", "errors", "latency"]
    assert graph("dev").of("aws:synthetics/canary:Canary") == []


def test_sessions_are_alarmed_at_a_share_of_what_the_class_takes() -> None:
    """db.r7g.large has 16 GiB: 1802 sessions, of which 80%."""
    alarm = graph("prod").one(ALARM, "observability-database-sessions")
    assert alarm.inputs["threshold"] == 1802 * 80 // 100


ROUTES: dict[str, Any] = {
    "alerting": {
        "pagerduty_key": "0123456789abcdef0123456789abcdef",
        "slack_team_id": "T01",
        "slack_channel_id": "C01",
        "emails": ["tickets@arca.example"],
    }
}


def test_routes_go_where_settings_say() -> None:
    """Pages to PagerDuty, tickets to e-mail, everything to Slack; the key is a secret."""
    declared = declare("staging", changed("staging", ROUTES))
    topics = declared.outputs["observability"]["topics"]
    routes = {(n.inputs["protocol"], n.inputs["topic"]): n for n in declared.of(SUBSCRIPTION)}
    assert set(routes) == {
        ("https", topics["SEV1"]), ("https", topics["SEV2"]),
        ("email", topics["SEV3"]), ("email", topics["SEV4"]),
    }  # fmt: skip # a set
    for (protocol, _), node in routes.items():
        assert ("endpoint" in node.secret_inputs) == (protocol == "https")
    slack = declared.one("aws:chatbot/slackChannelConfiguration:SlackChannelConfiguration")
    assert sorted(slack.inputs["snsTopicArns"]) == sorted(topics.values())
    plain = [n.inputs for n in declared.custom() if "endpoint" not in n.secret_inputs]
    assert "0123456789abcdef0123" not in json.dumps([plain, declared.outputs])


def test_nobody_is_told_where_no_route_is_set() -> None:
    """The committed files hold no address of anybody."""
    assert [graph(stack).of(SUBSCRIPTION) for stack in STACKS] == [[], [], [], []]


def test_topics_take_alarms_of_this_account_only() -> None:
    """And CloudWatch may use their key."""
    policy = json.loads(graph("prod").one("aws:sns/topicPolicy:TopicPolicy", "alerting-sev1")
                        .inputs["policy"])["Statement"][0]  # fmt: skip # one expression
    assert policy["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert policy["Condition"] == {"StringEquals": {"aws:SourceAccount": "000000000000"}}
    key = json.loads(graph("prod").one("aws:kms/key:Key", "keys-alerts").inputs["policy"])
    principals = [s["Principal"] for s in key["Statement"]]
    assert {"Service": "cloudwatch.amazonaws.com"} in principals


def test_audit_records_reach_the_locked_bucket() -> None:
    """From the service's log, encrypted, a minute later at most."""
    prod = graph("prod")
    subscription = prod.one("aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter")
    stream = prod.one("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream")
    assert subscription.inputs["logGroup"] == "/arca-prod/api"
    assert subscription.inputs["filterPattern"] == "{ $.audit IS TRUE }"
    s3 = stream.inputs["extendedS3Configuration"]
    assert prod.outputs["buckets"]["audit"] in s3["bucketArn"]
    assert s3["bufferingInterval"] == 60
    lock = prod.one("aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration")
    assert lock.inputs["rule"]["defaultRetention"]["days"] == 365


def test_traces_keep_errors_and_slow_requests() -> None:
    """The collector decides at a trace's end; X-Ray's own rules know no errors."""
    parameter = graph("prod").one("aws:ssm/parameter:Parameter", "service-collector")
    config = json.loads(parameter.inputs["value"])
    policies = {p["name"]: p for p in config["processors"]["tail_sampling"]["policies"]}
    assert policies["errors"]["status_code"] == {"status_codes": ["ERROR"]}
    assert policies["slow"]["latency"] == {"threshold_ms": 500}
    assert policies["base"]["probabilistic"] == {"sampling_percentage": 5}
    pipelines = config["service"]["pipelines"]
    assert "tail_sampling" in pipelines["traces"]["processors"]
    assert "tail_sampling" not in pipelines["metrics"]["processors"]
    for pipeline in pipelines.values():
        assert set(pipeline["processors"]) <= set(config["processors"])
        assert set(pipeline["exporters"]) <= set(config["exporters"])
    groups = {g.name for g in graph("prod").of("aws:xray/group:Group")}
    assert groups == {f"observability-{goal.name}" for goal in goals()}


def test_events_of_ecs_are_kept_and_counted() -> None:
    """Deployments that failed, migrations that failed, tasks that exited."""
    for rule in graph("prod").of("aws:cloudwatch/eventRule:EventRule"):
        pattern = json.loads(rule.inputs["eventPattern"])
        assert pattern["source"] == ["aws.ecs"]
        assert "arca-prod" in rule.inputs["eventPattern"]
        counted = {"RuleName": rule.inputs["name"]}
        alarms = [a for a in watching(graph("prod")) if a.inputs.get("dimensions") == counted]
        assert len(alarms) == 1
    assert len(graph("prod").of("aws:cloudwatch/eventTarget:EventTarget")) == 3


@pytest.fixture
def own_documents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the OpenSLO documents that the program reads instead."""
    for path in documents.HERE.glob("*.yaml"):
        shutil.copy(path, tmp_path)
    graph("prod")
    monkeypatch.setattr(documents, "HERE", tmp_path)
    return tmp_path


def names_and_inputs(declared: Graph) -> dict[str, Any]:
    """Each resource's inputs, by its URN; without certificates, which are new in each run."""
    return {
        urn: node.inputs
        for urn, node in declared.nodes.items()
        if "BEGIN CERTIFICATE" not in json.dumps(node.inputs) and not node.type.startswith("tls:")
    }


SHARED = {
    "aws:s3/bucketObjectv2:BucketObjectv2 observability-publisher",
    "aws:cloudwatch/dashboard:Dashboard observability-system-overview",
    "aws:cloudwatch/dashboard:Dashboard observability-api-service",
}
"""What lists the objectives of a service: the publisher's code and its dashboards."""


def difference(before: Graph, after: Graph) -> tuple[set[str], set[str], set[str]]:
    """What came, what went, what changed, by type and name."""
    one, other = names_and_inputs(before), names_and_inputs(after)
    node = before.nodes | after.nodes

    def label(urn: str) -> str:
        return f"{node[urn].type} {node[urn].name}"

    return (
        {label(urn) for urn in other.keys() - one.keys()},
        {label(urn) for urn in one.keys() - other.keys()},
        {label(urn) for urn in one.keys() & other.keys() if one[urn] != other[urn]},
    )


def test_deleting_an_objective_removes_its_own_and_nothing_else(own_documents: Path) -> None:
    """Its alarms, its trace group, its widgets."""
    (own_documents / "latency.yaml").unlink()
    came, went, changed_now = difference(graph("prod"), declare("prod"))
    assert came == set()
    assert all(" observability-latency" in label for label in went)
    assert len(went) == 18
    assert changed_now == SHARED


def test_adding_an_objective_makes_its_own_without_any_code(own_documents: Path) -> None:
    """A document is all that it takes."""
    text = (own_documents / "errors.yaml").read_text(encoding="utf-8")
    text = text.replace("name: errors", "name: authentication")
    text = text.replace("displayName: API error rate", "displayName: Authentication")
    text = text.replace("bad:", "good:").replace("api.requests.failed", "api.authenticated")
    text = text.replace("metric: api.requests", "metric: api.authentications")
    text = text.replace("target: 0.999", "target: 0.98")
    (own_documents / "authentication.yaml").write_text(text, encoding="utf-8")
    after = declare("prod")
    came, went, changed_now = difference(graph("prod"), after)
    assert went == set()
    assert all(" observability-authentication" in label for label in came)
    assert len(came) == 18
    assert changed_now == SHARED
    assert "Error budget: Authentication" in json.dumps(
        [node.inputs for node in after.of(DASHBOARD)]
    )


def test_a_bad_document_stops_the_program_before_anything_of_it(own_documents: Path) -> None:
    """With file and line, as a run's own error and no traceback."""
    path = own_documents / "latency.yaml"
    text = path.read_text(encoding="utf-8").replace("op:", "op:").replace("kind: SLO", "kind: SLA")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(Explained, match=r"latency.yaml:3: kind: one of"):
        declare("prod", stackfile.stack_config("prod"))
