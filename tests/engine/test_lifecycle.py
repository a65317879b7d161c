"""Whole lifecycles with the real engine, a file backend and the provider double."""

from tests.engine.project import ENGINE, PAGER, Project

pytestmark = ENGINE
TASK_DEFINITION = "aws:ecs/taskDefinition:TaskDefinition"
SERVICE = "aws:ecs/service:Service::service"
RULE = "aws:lb/listenerRule:ListenerRule::load-balancer-{}"


def test_the_life_of_dev(project: Project) -> None:
    """Dev goes up, previews no changes, refreshes, changes without a loss, and is destroyed."""
    project.init("dev")
    code, said = project.policy("dev")
    assert code == 6
    assert "create delivery-infra: the pipeline does not change its own roles" in said
    project.up("dev")
    assert project.policy("dev") == (0, "")
    before = project.state("dev")
    assert len(before) > 15
    project.pulumi("preview", "--expect-no-changes", "--stack", "dev")
    summary = project.up("dev").partition("Resources:")[2].split("Duration")[0].split()
    assert summary[1:] == ["unchanged"], summary
    project.pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes", "--stack", "dev")

    project.change("dev", "owner", {"team": "another-team"})
    assert project.replaced("dev") == []
    project.change("dev", "network", {"zones": ["a", "b", "c"]})
    assert project.replaced("dev") == []
    project.up("dev")
    assert project.state("dev") == before

    project.change("dev", "service", {"fargate": {"on_demand_base": 1, "spot_weight": 0}})
    assert project.replaced("dev") == []
    project.change("dev", "service", {"memory_mib": 1024})
    assert {name.partition("::")[0] for name in project.replaced("dev")} == {TASK_DEFINITION}
    project.pulumi("destroy", "--yes", "--skip-preview", "--stack", "dev")
    assert project.state("dev") == {}


def test_prod_then_dr(project: Project) -> None:
    """Dr reads prod and is promoted in place; neither stack can be destroyed."""
    project.init("prod")
    project.init("dr")
    assert "alerting.pagerduty_key" in project.pulumi("preview", "--stack", "prod", ok=False)
    project.page("prod")
    project.up("prod")
    assert PAGER not in project.pulumi("stack", "export", "--stack", "prod")
    project.pulumi("preview", "--expect-no-changes", "--stack", "prod")
    project.page("dr")
    project.up("dr")
    project.pulumi("preview", "--expect-no-changes", "--stack", "dr")
    database = {urn: i for urn, i in project.state("dr").items() if "rds/instance" in urn}
    assert len(database) == 1

    project.change("dr", "recovery", {"phase": "promoting"})
    assert project.replaced("dr") == []
    project.up("dr")
    project.change("dr", "recovery", {"phase": "active"})
    # The tasks learn of the cache: a new revision, which is what replacing means here. Nothing is
    # followed any more, and nothing stands by, so the alarms of a standby go.
    assert set(project.replaced("dr")) == {
        f"{TASK_DEFINITION}::service",
        f"{TASK_DEFINITION}::service-migrations",
        "aws:cloudwatch/metricAlarm:MetricAlarm::observability-copies-behind-1",
        "aws:cloudwatch/metricAlarm:MetricAlarm::observability-copies-behind-2",
        "aws:cloudwatch/metricAlarm:MetricAlarm::observability-database-replica-lag",
        "aws:cloudwatch/metricAlarm:MetricAlarm::observability-standby-no-healthy-tasks",
    }
    project.up("dr")
    assert database.items() <= project.state("dr").items()

    for stack in ("dr", "prod"):
        before = project.protected(stack)
        assert len(before) > 5
        refused = project.pulumi("destroy", "--yes", "--skip-preview", "--stack", stack, ok=False)
        assert "protect" in refused
        assert project.protected(stack) == before


def test_dr_is_destroyed_and_made_again(project: Project) -> None:
    """What the standby leaves behind is in nobody's way: no name, no snapshot, no secret."""
    for stack in ("prod", "dr"):
        project.init(stack)
        project.page(stack)
        project.up(stack)
    declared = project.state("dr").keys()
    for _ in range(2):
        project.put("dr", "protected", value=False)
        assert project.replaced("dr") == []
        project.up("dr")
        project.pulumi("destroy", "--yes", "--skip-preview", "--stack", "dr")
        assert project.state("dr") == {}
        project.put("dr", "protected", value=True)
        project.up("dr")
        assert project.state("dr").keys() == declared
    project.pulumi("preview", "--expect-no-changes", "--stack", "prod")
    project.put("prod", "protected", value=False)
    assert "arca-api:protected" in project.pulumi("preview", "--stack", "prod", ok=False)


def test_an_up_after_a_release_reverts_nothing(project: Project) -> None:
    """An update keeps what a release moved; a changed template waits for the next release."""
    project.init("prod")
    project.page("prod")
    project.up("prod")
    resources = project.resources("prod")
    released = resources[SERVICE]["inputs"]["taskDefinition"].rpartition(":")[0] + ":2"
    project.drift[SERVICE] = {"taskDefinition": released, "desiredCount": 7}
    for rule in ("production", "test"):
        found = resources[RULE.format(rule)]["inputs"]["actions"]
        for group, weight in zip(found[0]["forward"]["targetGroups"], (0, 100), strict=True):
            group["weight"] = weight
        project.drift[RULE.format(rule)] = {"actions": found}

    project.pulumi("preview", "--expect-no-changes", "--stack", "prod")
    project.pulumi("refresh", "--yes", "--skip-preview", "--stack", "prod")
    assert project.resources("prod")[SERVICE]["inputs"]["taskDefinition"] == released
    project.pulumi("preview", "--expect-no-changes", "--stack", "prod")
    project.change("prod", "service", {"memory_mib": 4096})
    steps = project.steps("prod")
    assert "replace" in steps[f"{TASK_DEFINITION}::service"]
    assert not {SERVICE, RULE.format("production"), RULE.format("test")} & steps.keys()
    project.up("prod")
    after = project.resources("prod")
    assert {key: after[SERVICE]["inputs"][key] for key in project.drift[SERVICE]} == project.drift[
        SERVICE
    ]
    for rule in ("production", "test"):
        name = RULE.format(rule)
        assert after[name]["inputs"]["actions"] == project.drift[name]["actions"]


def test_placeholders_are_refused(project: Project) -> None:
    """A real run names every placeholder, before all else, and changes nothing."""
    project.init("dev")
    project.change("dev", "owner", {"domain": "arca-dev.example"})
    refused = project.pulumi("preview", "--stack", "dev", ok=False)
    assert 'arca-api:owner.domain is "arca-dev.example"' in refused
    assert "Traceback" not in refused
    first = refused.partition("Diagnostics:\n")[2].splitlines()[1]
    assert first.strip() == "error: Pulumi.dev.yaml: 1 setting is wrong. Nothing was changed."
