"""Which judges see which resource type, for docs/architecture.md."""

from collections.abc import Iterator

from arca.emulator.judges.refusals import REFUSALS
from arca.emulator.provider.resources import CALLS, RESOURCES
from tests.judges import cloudflare_plans, cloudflare_types, metrics
from tests.judges.twins import ALSO, TWINS, WITHOUT_PROPERTY, WITHOUT_TWIN

OTHERS = {
    metrics.ALARM: "metrics",
    metrics.DASHBOARD: "metrics",
    "aws:iam/role:Role": "roles",
    "aws:iam/rolePolicy:RolePolicy": "roles",
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": "roles",
    "aws:ssm/parameter:Parameter": "collector",
    cloudflare_plans.HEALTHCHECK: "plan",
    cloudflare_plans.RULESET: "plan",
}
"""Judges of a few types."""
PROVIDERS = "pulumi:providers:"


def table() -> str:
    """Return the types with their judges, then what nobody judges, and why."""
    kinds = sorted(kind for kind in RESOURCES if not kind.startswith(PROVIDERS))
    judged = {kind: list(_judges(kind)) for kind in kinds}
    nobody = ", ".join(f"`{_short(kind)}`" for kind, judges in judged.items() if not judges)
    return "\n".join(
        [
            "| resource type | judges beside the emulation |",
            "| --- | --- |",
            *(
                f"| {_short(kind)} | {'; '.join(names)} |"
                for kind, names in judged.items()
                if names
            ),
            "",
            f"Judged by nobody, for no API takes them: {nobody}.",
            "",
            "CloudFormation has no word for these, so cfn-lint does not see them:",
            "",
            "| resource type | input | why |",
            "| --- | --- | --- |",
            *(f"| {_short(kind)} | all | {why} |" for kind, why in sorted(WITHOUT_TWIN.items())),
            *(
                f"| {_short(kind)} | `{name}` | {why} |"
                for kind, inputs in sorted(WITHOUT_PROPERTY.items())
                for name, why in sorted(inputs.items())
            ),
        ]
    )


def _judges(kind: str) -> Iterator[str]:
    twins = [twins[kind].type for twins in (TWINS, ALSO) if kind in twins]
    if twins:
        yield f"cfn-lint as {' and '.join(f'`{name}`' for name in twins)}"
    if kind in CALLS:
        yield "botocore"
        made = {f"{call.service}.{call.operation}" for call in CALLS[kind]}
        rules = sum(not made.isdisjoint(rule.operations) for rule in REFUSALS)
        if rules:
            yield f"refusals ({rules})"
    if kind in cloudflare_types.PARAMETERS:
        yield "cloudflare"
    if kind in OTHERS:
        yield OTHERS[kind]


def _short(kind: str) -> str:
    """Return a type as the page shows it: `ec2 Vpc`."""
    provider, module, name = kind.split(":")
    service = module.partition("/")[0]
    return f"{provider if service == 'index' else service} {name}"
