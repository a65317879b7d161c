"""Whether a standby can take over: facts in, a tree of checks out; nothing is asked here."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from arca.check import Check as NamedCheck
from arca.recovery import readiness_operations as operations
from arca.recovery.check_tree import Check, failed, group, judged, many, ok, skipped
from arca.recovery.facts import (
    Certificate,
    Facts,
    Image,
    Lever,
    NotAsked,
    Replica,
    Secret,
)
from arca.recovery.limits import Limits
from arca.recovery.timeline import duration

T = TypeVar("T")


LIMITS = Limits()


def readiness(facts: Facts, limits: Limits = LIMITS) -> Check:
    """Return the tree of all checks of a standby."""
    return group(
        f"{facts.stack} in {facts.region}",
        _phase(facts.phase),
        group(
            "data",
            _asked("replica", facts.replica, lambda one: _replica(one, limits)),
            _asked("newest restorable time", facts.newest_restorable, _restorable(facts, limits)),
            _asked("last copied backup", facts.last_copied_backup, _copied(facts, limits)),
            _asked(
                "copies of buckets",
                facts.replication_latency,
                lambda found: many(
                    "copies of buckets",
                    (_latency(name, found[name], limits) for name in sorted(found)),
                    "no bucket has a copy",
                ),
            ),
        ),
        group(
            "service",
            _asked("image", facts.image, _image),
            _asked("secrets", facts.secrets, _secrets),
            _asked(
                "keys",
                facts.keys,
                lambda found: many(
                    "keys", (_key(name, found[name]) for name in sorted(found)), "no key is known"
                ),
            ),
            _asked("quotas", facts.quotas, _quotas),
        ),
        group(
            "traffic",
            _asked("certificates", facts.certificates, _certificates(facts, limits)),
            _asked("lever", facts.lever, _lever),
            _asked("targets", facts.healthy_targets, _targets),
        ),
        group(
            "operations",
            _asked("states", facts.states, operations.states),
            _asked("recovery", facts.recovery, operations.recovery(facts.now)),
            _asked("drill", facts.drill, operations.drill),
            _asked("restore test", facts.restore_test, operations.restore_test),
            _asked("permissions", facts.permissions, operations.permissions),
        ),
    )


def _asked(name: str, fact: T | NotAsked, judge: Callable[[T], Check]) -> Check:
    """Judge a fact, or say why it is not known; the healthy region has to know it."""
    if not isinstance(fact, NotAsked):
        return judge(fact)
    if fact.do:
        return failed(name, fact.why, "an answer of the healthy region", fact.do)
    return skipped(name, fact.why)


def _phase(phase: str) -> Check:
    return judged(
        phase == "standby",
        "phase",
        phase,
        "standby",
        "a failover is under way or done: `arca status` says what serves; finish it first",
    )


def _replica(one: Replica, limits: Limits) -> Check:
    name = f"replica {one.identifier}"
    lag = one.lag_seconds
    status = judged(
        one.status == "available",
        "status",
        one.status,
        "available",
        f"look at its events: `aws rds describe-events --source-type db-instance "
        f"--source-identifier {one.identifier}`",
    )
    follows = judged(
        one.follows,
        "replication",
        "follows the primary" if one.follows else "follows nobody",
        "a replica of the primary",
        "it was promoted, or its source is gone: create it anew with `pulumi up`",
    )
    wanted = f"less than {duration(limits.rpo_seconds)}"
    if lag is None:
        do = "look at the primary and at the alarm of the replica's lag; a lost primary sends none"
        return group(name, status, follows, failed("lag", "no value", wanted, do))
    do = "find the long transaction or the heavy write on the primary, or accept the loss"
    good = lag < limits.rpo_seconds
    return group(name, status, follows, judged(good, "lag", duration(lag), wanted, do))


def _restorable(facts: Facts, limits: Limits) -> Callable[[datetime | None], Check]:
    return lambda moment: _age(
        "newest restorable time",
        moment,
        facts.now,
        timedelta(seconds=limits.restorable_seconds),
        "look at the replicated backups: `aws rds describe-db-instance-automated-backups`",
    )


def _copied(facts: Facts, limits: Limits) -> Callable[[datetime | None], Check]:
    return lambda moment: _age(
        "last copied backup",
        moment,
        facts.now,
        timedelta(hours=limits.backup_hours),
        "look at the copy jobs of the backup plan: `aws backup list-copy-jobs`",
    )


def _age(name: str, moment: datetime | None, now: datetime, limit: timedelta, do: str) -> Check:
    wanted = f"at most {duration(limit.total_seconds())} ago"
    if moment is None:
        return failed(name, "none", wanted, do)
    age = now - moment
    seen = f"{moment:%Y-%m-%d %H:%M:%S} UTC, {duration(max(0, age.total_seconds()))} ago"
    return judged(age <= limit, name, seen, wanted, do)


def _latency(bucket: str, seconds: float | None, limits: Limits) -> Check:
    wanted = f"at most {duration(limits.latency_seconds)} behind"
    do = "look at the bucket's replication metrics, and at objects whose replication failed"
    if seconds is None:
        # S3 sends a value only while it copies something.
        return skipped(bucket, "S3 has no value of the last minutes: nothing was copied")
    good = seconds <= limits.latency_seconds
    return judged(good, bucket, f"{duration(seconds)} behind", wanted, do)


def _image(one: Image) -> Check:
    return judged(
        one.present,
        "image",
        f"{one.reference} {'is' if one.present else 'is not'} in the region's registry",
        "the image of dr's own task definition; the primary's is not asked",
        "look at the registry's replication; push the image to the region's registry by hand",
    )


def _secrets(found: tuple[Secret, ...]) -> Check:
    return many("secrets", map(_secret, found), "the stack has no secret")


def _secret(one: Secret) -> Check:
    wanted = "a secret with a value; where the primary has it too, a copy of that"
    name = one.name
    if not one.present:
        do = "run `pulumi up` of this stack, and of its primary where the secret is a copy"
        return failed(name, "is not in the region", wanted, do)
    if not one.has_value:
        do = f"put a value in: `aws secretsmanager put-secret-value --secret-id {name}`"
        return failed(name, "has no value", wanted, do)
    if not one.in_step:
        do = f"look why: `aws secretsmanager describe-secret --secret-id {name}`"
        return failed(name, "the copy failed", wanted, do)
    if one.detached:
        do = "put its value into the primary's, whose next update replicates again (ADR 0029)"
        return failed(name, "is no copy of the primary's any more", wanted, do)
    return ok(name, "has a value, which was not read", wanted)


def _key(name: str, state: str) -> Check:
    do = "cancel its deletion or enable it: `aws kms describe-key` says which"
    return judged(state == "Enabled", name, state, "Enabled", do)


def _quotas(found: tuple[NamedCheck, ...]) -> Check:
    return many("quotas", map(_quota, found), "no quota was checked")


def _quota(one: NamedCheck) -> Check:
    if one.verdict == "FAILED":
        do = "ask AWS for more before it is needed: `arca verify --quotas` has the command"
        return failed(one.name, one.detail, "as much as dr needs while it serves", do)
    return Check(one.name, one.verdict, one.detail)


def _certificates(facts: Facts, limits: Limits) -> Callable[[tuple[Certificate, ...]], Check]:
    return lambda found: many(
        "certificates",
        (_certificate(one, facts.now, limits) for one in found),
        "the stack has no certificate",
    )


def _certificate(one: Certificate, now: datetime, limits: Limits) -> Check:
    wanted = f"ISSUED, for at least {limits.certificate_days:g} days more"
    do = "look at its validation record in DNS; ACM renews what it can validate"
    if one.status != "ISSUED" or one.expires is None:
        return failed(one.name, one.status, wanted, do)
    left = (one.expires - now) / timedelta(days=1)
    seen = f"{one.status}, until {one.expires:%Y-%m-%d}"
    return judged(left >= limits.certificate_days, one.name, seen, wanted, do)


def _lever(one: Lever) -> Check:
    wanted = "a lever that nobody has pulled"
    if not one.exists:
        do = "create it with `pulumi up`, or correct the stack's exports"
        return failed("lever", f"Route 53 has no health check {one.id}", wanted, do)
    if one.pulled:
        do = "customers are sent to the standby: find out who pulled it, and why (ADR 0021)"
        return failed("lever", "is pulled", wanted, do)
    return ok("lever", "is there, and nobody has pulled it", wanted)


def _targets(healthy: int) -> Check:
    # A task on standby answers /health/ready with 503, but it lives (docs/service-contract.md).
    return judged(
        healthy > 0,
        "targets",
        f"{healthy} healthy",
        "at least one task that lives",
        "`arca status --stack dr` and `arca why --stack dr` say why no task runs",
    )
