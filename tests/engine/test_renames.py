"""Renames judged by the real engine: with an alias nothing is replaced, without one it is."""

from dataclasses import dataclass

from tests.engine.project import ENGINE, Project

pytestmark = ENGINE

OLD_STORAGE = "pulumi.ResourceOptions(aliases=[pulumi.Alias(name='storage')])"


@dataclass(frozen=True)
class Rename:
    """A renamed resource: two edits of the program, each a text and its replacement."""

    path: str
    name: tuple[str, str]
    """The new logical name, without an alias."""
    alias: tuple[str, str]
    """The alias to the old name."""
    lost: str
    """The old name of a resource that the first edit alone would delete."""


RENAMES = (
    Rename(
        "__main__.py",
        ('Storage("storage", s.storage, here, ', 'Storage("buckets", s.storage, here, '),
        (
            'key=keys["documents"], primary=primary)',
            'key=keys["documents"], primary=primary, opts=RENAMED)',
        ),
        # The component's alias reaches its children, among them a durable one.
        "aws:s3/bucket:Bucket::storage-documents",
    ),
    Rename(
        "components/dns.py",
        ("HealthCheck(\n            name,", 'HealthCheck(\n            f"{name}-health",'),
        (
            "measure_latency=True,\n            opts=self.child(),",
            "measure_latency=True, opts=self.child(aliases=[pulumi.Alias(name=name)]),",
        ),
        "aws:route53/healthCheck:HealthCheck::origin",
    ),
    Rename(
        "components/registry.py",
        (
            "ecr.Repository(\n            logical,",
            'ecr.Repository(\n            f"{logical}-images",',
        ),
        ("opts=self.durable(),", "opts=self.durable(aliases=[pulumi.Alias(name=logical)]),"),
        "aws:ecr/repository:Repository::registry",
    ),
)


def test_an_alias_keeps_what_is_renamed(project: Project) -> None:
    """A component, a child and a durable child each need their alias, and lose nothing with it."""
    project.init("dev")
    project.up("dev")
    before = project.resources("dev")
    for rename in RENAMES:
        project.edit(rename.path, *rename.name)
    assert {rename.lost for rename in RENAMES} <= set(project.replaced("dev"))
    for rename in RENAMES:
        project.edit(rename.path, *rename.alias)
    project.edit("__main__.py", "s = load()\n", f"s = load()\nRENAMED = {OLD_STORAGE}\n")
    assert project.replaced("dev") == []
    project.up("dev")
    after = project.resources("dev")
    assert {rename.lost for rename in RENAMES}.isdisjoint(after)
    ids = [sorted(str(one.get("id")) for one in found.values()) for found in (before, after)]
    assert ids[0] == ids[1]
