"""Rules between the files of several stacks."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_type_hints

from pydantic import TypeAdapter

from arca import checkout, stackfile
from arca.errors import ArcaError
from arca.stackfile import PREFIX, KeyPath, did_you_mean
from settings.model import Settings
from settings.problem import Problem
from settings.secrecy import misplaced

SAME_OWNER: Mapping[str, str] = {
    "account_id": "a stack reads keys, secrets and the database only in its own account",
    "domain": "its names and its certificate are below the primary's domain",
    "cloudflare_account_id": "both stacks use one zone",
    "cloudflare_zone_id": "customers reach both stacks through one zone",
}
"""The owner's values that a secondary shares with its primary, and why."""


@dataclass(frozen=True)
class Other:
    """Another stack's settings, as far as they are valid."""

    stack: str
    settings: Settings
    valid: Collection[str]
    """The sections that are valid on their own; no other section of the settings is read."""
    encrypted: Collection[KeyPath] = ()
    """The paths of encrypted values, of which only a stand-in is known."""

    @property
    def file(self) -> str:
        """The name of the stack's file."""
        return stackfile.path_of(self.stack).name


@dataclass(frozen=True)
class PairRule:
    """A check of a secondary against its primary, over the sections that it needs of both."""

    needs: tuple[str, ...]
    check: Callable[[Settings, Other], Iterator[Problem]]


def problems_between(
    stack: str, s: Settings, valid: Collection[str], encrypted: Collection[KeyPath]
) -> Iterator[Problem]:
    """Yield what does not go with the files of the other stacks; `valid` names valid sections.

    An encrypted value is not compared, because the other file's can be read only with its key.
    What is wrong inside another file is that file's own problem.
    """
    if not {"network", "recovery"} <= set(valid):
        return
    others = {name: _read(name) for name in checkout.stack_names() if name != stack}
    named = s.recovery.primary_stack
    if s.secondary and named is not None:
        if named not in others:
            wanted = f"the name of another stack{did_you_mean(named, list(others))}"
            yield Problem("recovery.primary_stack", named, wanted)
        else:
            primary = others[named]
            for rule in PAIR_RULES:
                if set(rule.needs) <= set(valid) & set(primary.valid):
                    yield from (
                        problem
                        for problem in rule.check(s, primary)
                        if tuple(problem.path.split(".")) not in {*encrypted, *primary.encrypted}
                    )
    for other in others.values():
        if "network" in other.valid:
            yield from apart(s, other)
        readable = ("owner", "cloudflare_zone_id") not in {*encrypted, *other.encrypted}
        if readable and {"owner", "edge", "recovery"} <= set(other.valid) & set(valid):
            yield from one_zone_owner(s, other)


def apart(s: Settings, other: Other) -> Iterator[Problem]:
    """No two stacks' ranges overlap; that the secondary names its primary's is another rule."""
    cidr = other.settings.network.cidr
    if s.network.cidr.overlaps(cidr) and s.recovery.primary_cidr != cidr:
        wanted = f"a range that does not overlap {cidr}, that of {other.file}"
        yield Problem("network.cidr", str(s.network.cidr), wanted)


def one_zone_owner(s: Settings, other: Other) -> Iterator[Problem]:
    """What exists once in a Cloudflare zone is declared by one stack; a secondary declares none."""
    theirs = other.settings
    both = all(
        one.edge.owns_zone
        and not one.secondary
        and "cloudflare_zone_id" not in one.owner.placeholders()
        for one in (s, theirs)
    )
    if both and s.owner.cloudflare_zone_id == theirs.owner.cloudflare_zone_id:
        wanted = (
            "a zone of its own, or edge.owns_zone: false in one of both files, because "
            f"{other.file} owns this zone"
        )
        yield Problem("owner.cloudflare_zone_id", s.owner.cloudflare_zone_id, wanted)


def primary_range(s: Settings, primary: Other) -> Iterator[Problem]:
    """The secondary knows the primary's range."""
    cidr = primary.settings.network.cidr
    if s.recovery.primary_cidr not in (None, cidr):
        wanted = f"network.cidr of {primary.file}, {cidr}"
        yield Problem("recovery.primary_cidr", str(s.recovery.primary_cidr), wanted)


def copies(s: Settings, primary: Other) -> Iterator[Problem]:
    """The primary copies its keys, secrets, documents and images to the secondary's region."""
    region = primary.settings.recovery.replica_region
    if region is None:
        wanted = f"a stack with recovery.replica_region: {s.region}, which {primary.file} lacks"
        yield Problem("recovery.primary_stack", s.recovery.primary_stack, wanted)
    elif region != s.region:
        wanted = f"recovery.replica_region of {primary.file}, {region}"
        yield Problem("region", s.region, wanted)


def same_stage(s: Settings, primary: Other) -> Iterator[Problem]:
    """The secondary serves the primary's customers, so the same rules protect them."""
    if s.stage != primary.settings.stage:
        yield Problem("stage", s.stage, f"stage of {primary.file}, {primary.settings.stage}")


def same_owner(s: Settings, primary: Other) -> Iterator[Problem]:
    """Both stacks have one account and one zone; placeholders are a problem of their own."""
    theirs = primary.settings.owner
    unfilled = {*s.owner.placeholders(), *theirs.placeholders()}
    for key, reason in SAME_OWNER.items():
        mine, other = getattr(s.owner, key), getattr(theirs, key)
        if mine != other and key not in unfilled:
            wanted = f"owner.{key} of {primary.file}, {other}: {reason}"
            yield Problem(f"owner.{key}", mine, wanted)


def both_fail_over(s: Settings, primary: Other) -> Iterator[Problem]:
    """Route 53 refuses a failover record beside a plain one of the same name.

    Source: Amazon Route 53 API, ResourceRecordSet, Failover.
    """
    if s.dns.failover and not primary.settings.dns.failover:
        wanted = f"a stack with dns.failover: true, which {primary.file} lacks"
        yield Problem("recovery.primary_stack", s.recovery.primary_stack, wanted)


def big_enough(s: Settings, primary: Other) -> Iterator[Problem]:
    """A promoted replica carries the primary's whole load, and its data as they grow.

    The program names no storage for a replica, which then takes its source's; so `storage_gib` is
    not compared. Later it grows up to its own `storage_max_gib`, and stops to follow when it is
    full. Source: Amazon RDS API, CreateDBInstanceReadReplica, AllocatedStorage and
    MaxAllocatedStorage.
    """
    mine, theirs = s.database, primary.settings.database
    if mine.memory_gib < theirs.memory_gib or mine.vcpus < theirs.vcpus:
        wanted = (
            f"a class with at least {theirs.vcpus} vCPUs and {theirs.memory_gib} GiB, such as "
            f"{theirs.instance_class} of {primary.file}, whose load it takes over"
        )
        yield Problem("database.instance_class", mine.instance_class, wanted)
    if mine.storage_max_gib < theirs.storage_max_gib:
        wanted = f"at least database.storage_max_gib of {primary.file}, {theirs.storage_max_gib}"
        yield Problem("database.storage_max_gib", mine.storage_max_gib, wanted)


def cache_capacity(s: Settings, primary: Other) -> Iterator[Problem]:
    """The secondary's cache begins empty, and then holds as much as the primary's."""
    mine, theirs = s.cache, primary.settings.cache
    if mine.memory_gib < theirs.memory_gib:
        wanted = (
            f"a node type with at least {theirs.memory_gib} GiB, such as {theirs.node_type} of "
            f"{primary.file}, whose load it takes over"
        )
        yield Problem("cache.node_type", mine.node_type, wanted)


def same_application(s: Settings, primary: Other) -> Iterator[Problem]:
    """The pipeline that releases to the primary also releases to the secondary."""
    mine = s.delivery.application_repository
    theirs = primary.settings.delivery.application_repository
    unfilled = {*s.delivery.placeholders(), *primary.settings.delivery.placeholders()}
    if mine != theirs and "application_repository" not in unfilled:
        wanted = f"delivery.application_repository of {primary.file}, {theirs}"
        yield Problem("delivery.application_repository", mine, wanted)


def service_capacity(s: Settings, primary: Other) -> Iterator[Problem]:
    """An active secondary serves all of the primary's load, with tasks of at least that size."""
    mine, theirs = s.service, primary.settings.service
    pairs = {
        "cpu": (mine.cpu, theirs.cpu),
        "memory_mib": (mine.memory_mib, theirs.memory_mib),
        "scaling.max_tasks": (mine.scaling.max_tasks, theirs.scaling.max_tasks),
    }
    for key, (own, least) in pairs.items():
        if own < least:
            wanted = f"at least service.{key} of {primary.file}, {least}, whose load it takes over"
            yield Problem(f"service.{key}", own, wanted)


def same_major(s: Settings, primary: Other) -> Iterator[Problem]:
    """A replica has the major version of its source, until it is promoted.

    Source: Amazon RDS User Guide, "Choosing a major version for an RDS for PostgreSQL upgrade",
    by which RDS upgrades a source's replicas together with it.
    """
    mine, theirs = s.database.engine_version, primary.settings.database.engine_version
    major = theirs.split(".")[0]
    if s.following and mine.split(".")[0] != major:
        wanted = f"a version {major}, the major version of {primary.file}, which it replicates"
        yield Problem("database.engine_version", mine, wanted)


PAIR_RULES = (
    PairRule(("network",), primary_range),
    PairRule(("recovery", "region"), copies),
    PairRule(("stage",), same_stage),
    PairRule(("owner",), same_owner),
    PairRule(("dns",), both_fail_over),
    PairRule(("database",), big_enough),
    PairRule(("cache",), cache_capacity),
    PairRule(("delivery",), same_application),
    PairRule(("database",), same_major),
    PairRule(("service",), service_capacity),
)


def _read(stack: str) -> Other:
    """Return the settings of another stack's file; without any if it cannot be read."""
    try:
        file = stackfile.read(stackfile.path_of(stack))
    except ArcaError:
        return Other(stack, Settings.model_construct(), ())
    annotations = get_type_hints(Settings, include_extras=True)
    values: dict[str, Any] = {}
    for name, field in Settings.model_fields.items():
        text = file.config.get(f"{PREFIX}{name}")
        if text is None:
            if not field.is_required():
                values[name] = field.get_default()
            continue
        if misplaced(name, file, secret=False):
            continue
        try:
            given = json.loads(text) if text[:1] in "{[" else text
            values[name] = TypeAdapter[Any](annotations[name]).validate_python(given)
        except ValueError:
            # pydantic's ValidationError is a ValueError too.
            continue
    return Other(stack, Settings.model_construct(**values), values.keys(), file.encrypted)
