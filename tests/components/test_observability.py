"""The resources that watch a stack: alarms, topics, dashboards, traces and budgets."""

import ast
import json
import re

import pytest

from arca.emulator.program.engine import Registration
from arca.monitoring.catalogue import CATALOGUE
from arca.monitoring.runbooks import RUNBOOKS
from arca.monitoring.slo.objectives import read_objectives
from components.alarms import all_of
from tests.changes import NO_ROUTES, ROUTES
from tests.graph import ACCOUNT, Graph, primary_recovery
from tests.stacks import STACKS, graph, settings_of

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
COMPOSITE = "aws:cloudwatch/compositeAlarm:CompositeAlarm"
DASHBOARD = "aws:cloudwatch/dashboard:Dashboard"
GROUP = "aws:xray/group:Group"
SLACK = "aws:chatbot/slackChannelConfiguration:SlackChannelConfiguration"
SUBSCRIPTION = "aws:sns/topicSubscription:TopicSubscription"


def watching(declared: Graph) -> list[Registration]:
    """Return the alarms of the observability component."""
    return [n for n in declared.of(ALARM, COMPOSITE) if n.component == "observability"]


def alarmed(stack: str) -> Graph:
    """Return the graph of a stack with its alarms, whatever its file says about them."""
    declares = settings_of(stack).observability.alarms
    return graph(stack, {} if declares else {"observability.alarms": True})


@pytest.mark.parametrize("stack", STACKS)
def test_every_alarm_says_what_it_means_and_where_to_read_on(stack: str) -> None:
    """An alarm that notifies has a severity and one runbook; CloudWatch accepts every text."""
    for node in watching(alarmed(stack)):
        text = node.inputs["alarmDescription"]
        assert 0 < len(text) <= 1024
        if node.name == "observability-pages":
            # It notifies nobody, and only holds tickets back.
            assert not node.inputs.get("alarmActions")
            continue
        pages = [book.path for book in RUNBOOKS.values() if book.path in text]
        assert len(pages) == 1, node.name
        assert text.startswith("SEV") == bool(node.inputs.get("alarmActions"))


@pytest.mark.parametrize("stack", STACKS)
def test_severities_have_topics_of_their_own(stack: str) -> None:
    """Pages and tickets go to different topics, and each alarm also reports its end."""
    declared = alarmed(stack)
    topics = declared.outputs["observability"]["topics"]
    assert len(set(topics.values())) == 4
    for node in watching(declared):
        actions = node.inputs.get("alarmActions")
        if actions:
            assert actions == [topics[node.inputs["alarmDescription"][:4]]]
            assert node.inputs["okActions"] == actions


def test_missing_data_means_what_each_alarm_says() -> None:
    """Missing data of the replica, of health and of the budget has a chosen meaning each."""
    declared = graph("prod")
    treated = {
        node.name: node.inputs["treatMissingData"]
        for node in watching(declared)
        if node.type == ALARM
    }
    assert treated["observability-api-no-healthy-tasks"] == "breaching"
    assert treated["observability-errors-budget"] == "ignore"
    assert treated["observability-publisher-silent"] == "breaching"
    assert treated["observability-errors-slow-ticket-3d"] == "ignore"
    assert treated["observability-errors-fast-burn-1h"] == "notBreaching"
    following = graph("dr").one(ALARM, "observability-database-replica-lag")
    assert following.inputs["treatMissingData"] == "breaching"


def test_runbooks_are_linked_where_the_repository_is_known() -> None:
    """Without a repository's URL, alarms name the runbook's file."""
    url = "https://git.example/arca-infra/blob/main"
    declared = graph("dr", {"observability.repository_url": url})
    texts = [node.inputs["alarmDescription"] for node in watching(declared)]
    assert all(f"{url}/docs/runbooks/" in text for text in texts)


@pytest.mark.parametrize("stack", ["prod", "staging", "dev"])
def test_composites_read_declared_alarms_and_are_held_back(stack: str) -> None:
    """Rules and suppressors name other alarms physically; nothing holds the outage back."""
    declared = alarmed(stack)
    names = {n.inputs.get("name") or n.inputs["alarmName"] for n in watching(declared)}
    for node in declared.of(COMPOSITE):
        assert named(node.inputs["alarmRule"]) <= names
        suppressor = node.inputs.get("actionsSuppressor")
        severity = node.inputs["alarmDescription"][:4] if node.inputs.get("alarmActions") else None
        wanted = {"SEV2": f"arca-{stack}-api-down", "SEV3": f"arca-{stack}-pages"}.get(
            severity or ""
        )
        assert (suppressor and suppressor["alarm"]) == wanted, node.name
        if suppressor:
            assert suppressor["waitPeriod"] < suppressor["extensionPeriod"]


def named(rule: str) -> set[str]:
    """Return the alarms of a composite's rule; raises SyntaxError for one that is malformed.

    A rule is `ALARM("name")` joined by AND and OR, in parentheses; at most 10,240 characters over
    at most 100 alarms (CloudWatch API reference, PutCompositeAlarm).
    """
    assert 0 < len(rule) <= 10_240
    found = re.findall(r'ALARM\("([^"]+)"\)', rule)
    assert len(set(found)) <= 100
    plain = re.sub(r'ALARM\("[^"]+"\)', "x", rule).replace(" AND ", " and ").replace(" OR ", " or ")
    assert set(re.findall(r"[A-Za-z]+", plain)) <= {"x", "and", "or"}
    ast.parse(plain, mode="eval")
    return set(found)


def test_a_rule_that_is_malformed_is_noticed() -> None:
    """The reader of rules refuses what CloudWatch would refuse."""
    assert named('(ALARM("a") AND (ALARM("b") OR ALARM("c"))) OR ALARM("d")') == set("abcd")
    for wrong in ('ALARM("a") ALARM("b")', '(ALARM("a")', 'ALARM("a") OR '):
        with pytest.raises(SyntaxError):
            named(wrong)
    for wrong in ("", 'ALARM("a") XOR ALARM("b")', 'ALARM("a") OR ' * 1000 + 'ALARM("a")'):
        with pytest.raises(AssertionError):
            named(wrong)


def test_a_composite_over_several_instances_and_without_a_probe() -> None:
    """Any instance of an alarm turns its composite on; what the stack lacks is left out."""
    prod = graph("prod").one(COMPOSITE, "observability-api-down").inputs["alarmRule"]
    signs = ("api-no-healthy-tasks", "api-unreachable", "api-failing")
    assert prod == " OR ".join(f'ALARM("arca-prod-{sign}")' for sign in signs)
    dev = alarmed("dev").one(COMPOSITE, "observability-api-down").inputs["alarmRule"]
    assert named(dev) == {"arca-dev-api-no-healthy-tasks", "arca-dev-api-failing"}
    page = graph("prod").one(COMPOSITE, "observability-errors-page").inputs["alarmRule"]
    fast, slow = page.split(" OR ")
    assert (
        fast
        == '(ALARM("arca-prod-errors-fast-burn-1h") AND ALARM("arca-prod-errors-fast-burn-5m"))'
    )
    assert named(slow) == {"arca-prod-errors-slow-burn-6h", "arca-prod-errors-slow-burn-30m"}


@pytest.mark.parametrize(
    ("groups", "rule"),
    [
        ([["a"]], 'ALARM("a")'),
        ([["a", "b"]], 'ALARM("a") OR ALARM("b")'),
    ],
)
def test_the_rule_of_one_alarm(groups: list[list[str]], rule: str) -> None:
    """One alarm's instances are joined by OR, without parentheses."""
    instances = [" OR ".join(f'ALARM("{name}")' for name in group) for group in groups]
    assert all_of(instances) == rule


def test_instances_within_a_group_are_in_parentheses() -> None:
    """AND binds more tightly than OR."""
    rule = all_of(['ALARM("a-1") OR ALARM("a-2")', 'ALARM("b")'])
    assert rule == '((ALARM("a-1") OR ALARM("a-2")) AND ALARM("b"))'
    assert named(rule) == {"a-1", "a-2", "b"}


def test_alarms_read_whole_series() -> None:
    """Each metric has all its dimensions with a value; with one less it is another metric."""
    known = {(m.namespace, m.name): {*m.dimensions, *m.splits} for m in CATALOGUE.values()}
    for node in watching(graph("prod")):
        queries = [query.get("metric") for query in node.inputs.get("metricQueries", [])]
        plain = [node.inputs] if "metricName" in node.inputs else []
        for read in (*plain, *(query for query in queries if query)):
            assert set(read["dimensions"]) == known[read["namespace"], read["metricName"]]
            assert all(read["dimensions"].values())
    budget = graph("prod").one(ALARM, "observability-errors-budget").inputs["dimensions"]
    assert budget == {"Stage": "prod", "SLO": "errors", "Window": "30d"}


def test_a_stack_that_stands_by_watches_its_replica() -> None:
    """A standby has no customers; its replica's lag is what a failover would lose."""
    names = [node.inputs["name"] for node in watching(graph("dr"))]
    assert sorted(names) == [
        "arca-dr-certificate-balancer",
        "arca-dr-copies-behind-1",
        "arca-dr-copies-behind-2",
        "arca-dr-database-replica-lag",
        "arca-dr-database-storage",
        "arca-dr-definition-unknown",
        "arca-dr-standby-no-healthy-tasks",
    ]
    assert graph("dr").of(DASHBOARD) == []
    active = graph("dr", {"recovery.phase": "active"})
    copies = [n for n in watching(graph("prod")) if "copies-failed" in n.name]
    assert len(copies) == 2
    assert len(watching(active)) == len(watching(graph("prod"))) - len(copies)


def test_alarms_on_copies_read_where_s3_publishes() -> None:
    """Failures in the source's region, and latency in that of the copy, which outlives it.

    Source: Amazon S3 User Guide, "Using S3 Replication metrics".
    """
    for stack, metric in (("prod", "OperationsFailedReplication"), ("dr", "ReplicationLatency")):
        declared = graph(stack)
        found = [n.inputs for n in declared.of(ALARM) if n.inputs.get("namespace") == "AWS/S3"]
        assert [one["metricName"] for one in found] == [metric] * 2
        of_prod = graph("prod").outputs["recovery"]
        recovery = of_prod if stack == "prod" else primary_recovery(ACCOUNT)
        for role in ("audit", "documents"):
            wanted = {
                "SourceBucket": recovery["source_buckets"][role],
                "DestinationBucket": recovery["replica_buckets"][role],
                "RuleId": "dr",
            }
            assert wanted in [one["dimensions"] for one in found], (stack, role)


def test_an_alarm_for_each_cache_node() -> None:
    """With three cache nodes there are three, with one there is one."""
    for stack, number in (("prod", 3), ("dev", 1)):
        changes = {"cache.nodes": number, "observability.alarms": True}
        declared = graph(stack, changes)
        nodes = [n for n in watching(declared) if "cache-memory" in n.name]
        ids = {n.inputs["dimensions"]["CacheClusterId"] for n in nodes}
        assert len(nodes) == len(ids) == number


def test_without_a_probe_nothing_reads_it() -> None:
    """Dev has no probe, so it lacks only the availability objective."""
    text = json.dumps([node.inputs for node in graph("dev").custom()])
    assert "CloudWatchSynthetics" not in text
    objectives = graph("dev").outputs["observability"]["objectives"]
    assert objectives == ["arca", "database", "errors", "latency"]
    assert graph("dev").of("aws:synthetics/canary:Canary") == []


def test_sessions_are_alarmed_at_a_share_of_what_the_class_takes() -> None:
    """db.r7g.large has 16 GiB: 1802 sessions, of which 80%."""
    large = graph("prod", {"database.instance_class": "db.r7g.large"})
    alarm = large.one(ALARM, "observability-database-sessions")
    assert alarm.inputs["threshold"] == 1802 * 80 // 100


def test_routes_go_where_settings_say() -> None:
    """Pages go to PagerDuty, tickets to e-mail, all of them to Slack; the key is a secret."""
    declared = graph("staging", ROUTES)
    topics = declared.outputs["observability"]["topics"]
    routes = {(n.inputs["protocol"], n.inputs["topic"]): n for n in declared.of(SUBSCRIPTION)}
    assert set(routes) == {
        ("https", topics["SEV1"]),
        ("https", topics["SEV2"]),
        ("email", topics["SEV3"]),
        ("email", topics["SEV4"]),
    }
    for (protocol, _), node in routes.items():
        assert ("endpoint" in node.secret_inputs) == (protocol == "https")
    slack = declared.one(SLACK)
    assert sorted(slack.inputs["snsTopicArns"]) == sorted(topics.values())
    plain = [n.inputs for n in declared.custom() if "endpoint" not in n.secret_inputs]
    assert "0123456789abcdef0123" not in json.dumps([plain, declared.outputs])


def test_nobody_is_told_where_no_route_is_set() -> None:
    """Without routes the topics have no subscription and no Slack channel."""
    for stack in STACKS:
        declared = graph(stack, NO_ROUTES)
        assert declared.of(SUBSCRIPTION, SLACK) == []
        assert len(declared.outputs["observability"]["topics"]) == 4


def test_topics_take_alarms_of_this_account_only() -> None:
    """CloudWatch may use the key of the topics."""
    account = settings_of("prod").owner.account_id
    policy = json.loads(
        graph("prod").one("aws:sns/topicPolicy:TopicPolicy", "alerting-sev1").inputs["policy"]
    )["Statement"][0]
    assert policy["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert policy["Condition"] == {"StringEquals": {"aws:SourceAccount": account}}
    key = json.loads(graph("prod").one("aws:kms/key:Key", "keys-alerts").inputs["policy"])
    principals = [s["Principal"] for s in key["Statement"]]
    assert {"Service": "cloudwatch.amazonaws.com"} in principals


def test_audit_records_reach_the_locked_bucket() -> None:
    """Metrics come from the service's encrypted log, a minute later at most."""
    prod = graph("prod")
    subscription = prod.one("aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter")
    stream = prod.one("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream")
    assert subscription.inputs["logGroup"] == "/arca-prod/api"
    assert subscription.inputs["filterPattern"] == "{ $.audit IS TRUE }"
    s3 = stream.inputs["extendedS3Configuration"]
    assert prod.outputs["buckets"]["audit"] in s3["bucketArn"]
    assert s3["bufferingInterval"] == 60
    for lock in prod.of("aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration"):
        assert lock.inputs["rule"]["defaultRetention"]["days"] == 365
    assert s3["cloudwatchLoggingOptions"]["logGroupName"] == "/arca-prod/audit-delivery"


def test_traces_keep_errors_and_slow_requests() -> None:
    """The collector decides at the end of a trace; X-Ray's own rules see no errors."""
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
    groups = {g.name for g in graph("prod").of(GROUP)}
    assert groups == {f"observability-{objective.name}" for objective in read_objectives()}


def test_xray_is_asked_for_a_stages_share_and_for_no_health_checks() -> None:
    """Rules depend on the stage; each group finds the requests that burn an objective's budget."""
    dev = graph("dev", {"service.collector.sample_percent": 50})
    for declared, share in ((dev, 0.5), (graph("prod"), 0.05)):
        rules = declared.of("aws:xray/samplingRule:SamplingRule")
        found = {
            r.inputs["urlPath"]: (r.inputs["fixedRate"], r.inputs["reservoirSize"]) for r in rules
        }
        assert found == {"/health/*": (0, 0), "*": (share, 1)}
    filters = {g.name: g.inputs["filterExpression"] for g in graph("prod").of(GROUP)}
    assert filters == {
        f"observability-{objective.name}": objective.trace_filter for objective in read_objectives()
    }


def test_logs_are_kept_for_ninety_days() -> None:
    """Every log group keeps 90 days; encryption is an invariant of every stack."""
    kept = {
        node.inputs["name"]: node.inputs["retentionInDays"]
        for node in graph("prod").of("aws:cloudwatch/logGroup:LogGroup")
    }
    logs = graph("prod").outputs["observability"]["log_groups"]
    assert set(logs) == {"api", "definition-watch", "events", "slo-publisher"}
    assert {kept[name] for name in logs.values()} == {90}


def test_budgets_are_published_once_an_hour() -> None:
    """The schedule runs after the hour's last minute has arrived, and retries a failure."""
    schedule = graph("prod").one("aws:scheduler/schedule:Schedule", "observability-publisher")
    assert schedule.inputs["scheduleExpression"] == "cron(5 * * * ? *)"
    assert schedule.inputs["target"]["retryPolicy"]["maximumRetryAttempts"] > 0


def test_events_of_ecs_are_kept_and_counted() -> None:
    """The rules match failed deployments, failed migrations and exited tasks."""
    for rule in graph("prod").of("aws:cloudwatch/eventRule:EventRule"):
        pattern = json.loads(rule.inputs["eventPattern"])
        if pattern["source"] != ["aws.backup"]:
            assert pattern["source"] == ["aws.ecs"]
            assert "arca-prod" in rule.inputs["eventPattern"]
        counted = {"RuleName": rule.inputs["name"]}
        alarms = [a for a in watching(graph("prod")) if a.inputs.get("dimensions") == counted]
        assert len(alarms) == 1
    assert len(graph("prod").of("aws:cloudwatch/eventTarget:EventTarget")) == 4
    assert len(graph("staging").of("aws:cloudwatch/eventTarget:EventTarget")) == 3


def test_a_task_that_a_deployment_stops_is_no_crash() -> None:
    """The rule matches tasks that exited by themselves or never started."""
    rule = graph("prod").one("aws:cloudwatch/eventRule:EventRule", "observability-crash-failed")
    assert json.loads(rule.inputs["eventPattern"])["detail"]["stopCode"] == [
        "EssentialContainerExited",
        "TaskFailedToStart",
    ]


def test_a_stack_without_alarms_keeps_those_of_deployments() -> None:
    """Nobody is notified, and a bad deployment still rolls back."""
    declared = graph("dev", {"observability.alarms": False})
    assert watching(declared) == []
    names = declared.one("aws:ecs/service:Service").inputs["alarms"]["alarmNames"]
    assert {node.inputs["name"] for node in declared.of(ALARM)} == set(names)
    assert declared.outputs["observability"]["alarm_names"] == {}
    assert declared.of(DASHBOARD), "dashboards are another setting"
