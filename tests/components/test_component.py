"""What every component has: tags, the caller's options, and aliases for a rename."""

import importlib
import inspect
import json
import pkgutil
from collections.abc import Iterator

import pulumi
import pulumi_random as random
import pytest

import components
from arca.emulator.program.engine import Registration
from components.component import Component, Place, after
from settings import Settings
from tests.components.alone import alone
from tests.stacks import graph

RANDOM = "random:index/randomPassword:RandomPassword"
INSTANCE = "aws:rds/instance:Instance"


class Sample(Component):
    """A component with a child and a durable child."""

    def __init__(
        self,
        name: str,
        place: Place,
        *,
        aliases: list[pulumi.Alias] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("arca:sample:Sample", name, place, data_class="internal", opts=opts)
        random.RandomPassword(f"{name}-child", length=8, opts=self.child(aliases=aliases))
        random.RandomPassword(f"{name}-durable", length=8, opts=self.durable(aliases=aliases))


def sample(**arguments: object) -> dict[str, Registration]:
    """Return what a sample on a protected stack registers, by logical name."""

    def build(_settings: Settings, place: Place) -> None:
        Sample("sample", place, **arguments)  # pyright: ignore[reportArgumentType] - a test's own

    declared = alone(build, "prod")
    return {node.name: node for node in declared.of("arca:sample:Sample", RANDOM)}


def classes() -> Iterator[type[Component]]:
    """Yield every component of the platform."""
    for module in pkgutil.walk_packages(components.__path__, "components."):
        for _, found in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if issubclass(found, Component) and found.__module__ == module.name:
                yield found


@pytest.mark.parametrize("component", sorted(set(classes()) - {Component}, key=str))
def test_every_component_takes_options(component: type[Component]) -> None:
    """A caller can rename any component, move it below another, or make it wait."""
    assert inspect.signature(component).parameters["opts"].default is None


def test_the_callers_options_are_merged_with_the_components() -> None:
    """The caller's alias and protection are added; the component's tags and providers stay."""
    opts = pulumi.ResourceOptions(aliases=[pulumi.Alias(name="old")], protect=True)
    found = sample(opts=opts)
    assert found["sample"].aliases == ("old",)
    assert found["sample"].protect
    assert found["sample-child"].provider == sample()["sample-child"].provider != ""


def test_an_alias_reaches_the_registration() -> None:
    """Children and durable children pass their aliases to the engine."""
    found = sample(aliases=[pulumi.Alias(name="old")])
    assert found["sample-child"].aliases == found["sample-durable"].aliases == ("old",)
    assert sample()["sample-child"].aliases == sample()["sample-durable"].aliases == ()


def test_only_durable_children_are_protected_and_kept() -> None:
    """On a protected stack, as prod is."""
    found = sample()
    assert (found["sample-durable"].protect, found["sample-durable"].retain) == (True, True)
    assert (found["sample-child"].protect, found["sample-child"].retain) == (False, False)


def test_a_value_waits_for_other_resources() -> None:
    """Whoever uses the value depends on every resource that it waits for."""

    def build(_settings: Settings, place: Place) -> None:
        opts = pulumi.ResourceOptions(provider=place.providers[2])
        first, second = (random.RandomPassword(n, length=8, opts=opts) for n in ("one", "two"))
        value = after(first.result, second.id)
        random.RandomPassword("user", length=8, keepers={"value": value}, opts=opts)

    declared = alone(build)
    needed = {urn.rpartition("::")[2] for urn in declared.one(RANDOM, "user").dependencies}
    assert needed == {"one", "two"}


def test_ask_8_tags_reach_everything() -> None:
    """Each resource has its component and data class; the provider adds the stack's tags."""
    tags = graph("prod").one(INSTANCE).inputs["tags"]
    assert tags == {
        "Name": "arca-prod-database",
        "backup": "daily",
        "component": "database",
        "data-class": "confidential",
    }
    provider = graph("prod").one("pulumi:providers:aws").inputs["defaultTags"]
    assert json.loads(provider)["tags"]["stack"] == "prod"
