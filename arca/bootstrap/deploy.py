"""The deployment of the bootstrap: create, import, update, nothing to do, or a refusal."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from arca.bootstrap.account import (
    AccountResources,
    find_resources,
    has_budget,
    require_account,
)
from arca.bootstrap.stack import (
    BootstrapStack,
    ChangeSet,
    ChangeSetRequest,
    ResourceChange,
    create_change_set,
    delete_change_set,
    delete_stack_command,
    execute_change_set,
    read_stack,
)
from arca.bootstrap.template import (
    BUDGET_NAME,
    NO_BUDGET,
    STACK_NAME,
    import_template,
    resource_names,
    template,
    template_text,
    template_version,
)
from arca.clients import Account
from arca.clock import Clock
from arca.errors import Refused

Outcome = Literal[
    "already there",
    "created",
    "imported",
    "updated",
    "removed",
    "not made",
    "would create",
    "would import",
    "would update",
    "would remove",
]
DONE: Mapping[str, Outcome] = {
    "Add": "created",
    "Import": "imported",
    "Modify": "updated",
    "Dynamic": "updated",
    "Remove": "removed",
}
PLANNED: Mapping[str, Outcome] = {
    "Add": "would create",
    "Import": "would import",
    "Modify": "would update",
    "Dynamic": "would update",
    "Remove": "would remove",
}
STATE = ("StateBucket", "StateKey")


@dataclass(frozen=True)
class ResourceOutcome:
    """What happened, or would happen, to one resource of the template."""

    name: str
    outcome: Outcome
    changes: list[str]
    """The properties that change, as far as CloudFormation names them."""


@dataclass(frozen=True)
class MonthlyBudget:
    """The account's budget in US dollars a month, and the email address that is warned."""

    dollars: int
    contact: str


@dataclass(frozen=True)
class Deployer:
    """What a deployment needs of its caller."""

    clock: Clock
    agree: Callable[[Sequence[ResourceOutcome]], None]
    """Return when the caller agrees to the plan; an exception ends the deployment."""
    progress: Callable[[str], None]


def deploy_bootstrap(
    account: Account, budget: MonthlyBudget | None, deployer: Deployer, *, dry_run: bool
) -> list[ResourceOutcome]:
    """Bring an account to the template and return the outcome of each resource.

    An account without the stack gets it. Where resources of an earlier bootstrap exist, a first
    change set imports them, and a second one brings them to the template. Without a `budget` the
    account's budget stays as it is. Raises Refused, before anything is changed, where the account
    is another one and where a resource would be replaced or lost.
    """
    require_account(account)
    stack = read_stack(account)
    _refuse_newer_stack(account, stack)
    found = find_resources(account, stack.physical_ids.get("StateKey") if stack else None)
    parameters = _parameters(stack, found, budget)
    _refuse_other_budget(account, stack, parameters)
    done: list[ResourceChange] = []
    if stack is None:
        request = _first_request(account, found, parameters)
        plan = _outcomes(account, parameters, _first_changes(parameters, found), None, PLANNED)
        if dry_run:
            return plan
        done += _apply(account, request, found, deployer, lambda _: plan, dry_run=False)
        stack = read_stack(account)
        if request.kind == "CREATE":
            return _outcomes(account, parameters, done, stack, DONE)
    before = stack
    done += _apply(
        account,
        ChangeSetRequest("UPDATE", template_text(), parameters, {}),
        found,
        deployer,
        lambda changes: _outcomes(account, parameters, changes, before, PLANNED),
        dry_run=dry_run,
    )
    if dry_run:
        return _outcomes(account, parameters, done, before, PLANNED)
    after = read_stack(account)
    done += _unlisted(before, after, done)
    return _outcomes(account, parameters, done, after, DONE)


def _unlisted(
    before: BootstrapStack | None, after: BootstrapStack | None, listed: Sequence[ResourceChange]
) -> list[ResourceChange]:
    """Return what the stack has more than before although no change set listed it.

    Moto lists no change that only a parameter makes.
    """
    known = {change.logical_id for change in listed} | set(before.physical_ids if before else ())
    return [
        ResourceChange(logical_id, "Add", "", ())
        for logical_id in (after.physical_ids if after else ())
        if logical_id not in known
    ]


def _apply(
    account: Account,
    request: ChangeSetRequest,
    found: AccountResources,
    deployer: Deployer,
    plan: Callable[[Sequence[ResourceChange]], list[ResourceOutcome]],
    *,
    dry_run: bool,
) -> Sequence[ResourceChange]:
    """Create a change set and return its changes; execute it unless this is a dry run."""
    change_set = create_change_set(account, request, deployer.clock)
    if change_set is None:
        return ()
    agreed = False
    try:
        _refuse_losses(account, change_set, found)
        if dry_run:
            return change_set.changes
        deployer.agree(plan(change_set.changes))
        agreed = True
    finally:
        if not agreed:
            delete_change_set(account, change_set)
    execute_change_set(account, change_set, deployer.clock, deployer.progress)
    return change_set.changes


def _parameters(
    stack: BootstrapStack | None, found: AccountResources, budget: MonthlyBudget | None
) -> dict[str, str]:
    """Return the template's parameters: the defaults, what the stack has, what is asked for."""
    defaults = {name: one["Default"] for name, one in template()["Parameters"].items()}
    current = {k: v for k, v in stack.parameters.items() if k in defaults} if stack else {}
    ours = stack is not None and "IdentityProvider" in stack.physical_ids
    create = ours or not found.has_identity_provider
    return {
        **defaults,
        **current,
        "GitHubProvider": "create" if create else "existing",
        **({"MonthlyBudget": str(budget.dollars), "Contact": budget.contact} if budget else {}),
    }


def _first_request(
    account: Account, found: AccountResources, parameters: Mapping[str, str]
) -> ChangeSetRequest:
    """Return the change set that makes the stack: an import where there is something to import."""
    if not found.identifiers:
        return ChangeSetRequest("CREATE", template_text(), parameters, {})
    if account.endpoint is not None:
        names = resource_names(account.account_id)
        raise Refused(
            "Resources of an earlier bootstrap exist: "
            + ", ".join(names[logical_id] for logical_id in found.identifiers),
            where=account.where,
            wanted="an empty account: the emulated AWS would create them again, not import them",
            do="end the emulated AWS and start it again: make down && make up",
        )
    return ChangeSetRequest("IMPORT", import_template(found.identifiers), {}, found.identifiers)


def _first_changes(parameters: Mapping[str, str], found: AccountResources) -> list[ResourceChange]:
    """Return the changes to an account without the stack."""
    return [
        ResourceChange(logical_id, "Import" if logical_id in found.identifiers else "Add", "", ())
        for logical_id in _declared(parameters)
    ]


def _declared(parameters: Mapping[str, str]) -> list[str]:
    """Return the logical ids of the resources that the stack has with these parameters."""
    left_out = set[str]()
    if parameters["GitHubProvider"] == "existing":
        left_out.add("IdentityProvider")
    if parameters["MonthlyBudget"] == NO_BUDGET:
        left_out.add("Budget")
    return [logical_id for logical_id in template()["Resources"] if logical_id not in left_out]


def _outcomes(
    account: Account,
    parameters: Mapping[str, str],
    changes: Iterable[ResourceChange],
    stack: BootstrapStack | None,
    labels: Mapping[str, Outcome],
) -> list[ResourceOutcome]:
    """Return each resource's outcome; a resource that the stack does not list was not made."""
    declared = _declared(parameters)
    there = set(stack.physical_ids) if stack else set[str]()
    by_id: dict[str, list[ResourceChange]] = {}
    for change in changes:
        by_id.setdefault(change.logical_id, []).append(change)
    outcomes: list[ResourceOutcome] = []
    for logical_id, name in resource_names(account.account_id).items():
        own = by_id.get(logical_id, [])
        removed = any(change.action == "Remove" for change in own)
        outcome: Outcome = "already there"
        if logical_id in declared:
            if logical_id not in there:
                planned = labels.get(own[0].action if own else "Add", "not made")
                outcome = "not made" if labels is DONE else planned
            elif own:
                outcome = labels.get(own[0].action, "already there")
        elif removed:
            outcome = labels["Remove"]
        elif logical_id != "IdentityProvider":
            continue
        properties = dict.fromkeys(prop for change in own for prop in change.properties)
        outcomes.append(ResourceOutcome(name, outcome, list(properties)))
    return outcomes


def _refuse_newer_stack(account: Account, stack: BootstrapStack | None) -> None:
    ours = template_version()
    if stack is not None and stack.version is not None and stack.version > ours:
        raise Refused(
            f"The stack {STACK_NAME} has template version {stack.version}, newer than {ours}.",
            where=f"stack {STACK_NAME}, {account.where}",
            wanted=f"template version {ours} or older: this `arca` would undo the newer one",
            do="install the newest `arca`, then run this again",
        )


def _refuse_other_budget(
    account: Account, stack: BootstrapStack | None, parameters: Mapping[str, str]
) -> None:
    """Refuse a budget that stands outside of the stack: CloudFormation cannot import it."""
    if "Budget" not in _declared(parameters) or (stack and "Budget" in stack.physical_ids):
        return
    if has_budget(account):
        raise Refused(
            f"The budget {BUDGET_NAME} exists outside of the stack {STACK_NAME}.",
            where=account.where,
            wanted="no budget of this name, which the stack then creates",
            do=f"aws budgets delete-budget --account-id {account.account_id} "
            f"--budget-name {BUDGET_NAME}, then run this again; the count of what was spent is "
            "AWS's own and stays",
        )


def _refuse_losses(account: Account, change_set: ChangeSet, found: AccountResources) -> None:
    """Refuse a change set that replaces or removes a resource, or creates one that exists."""
    names = resource_names(account.account_id)
    for change in change_set.changes:
        name = names.get(change.logical_id, change.logical_id)
        replaced = change.replacement == "True" or (
            change.replacement == "Conditional" and change.logical_id in STATE
        )
        if replaced and change.logical_id == "Budget":
            raise _refused_contact(account)
        if replaced or (change.action == "Remove" and change.logical_id != "Budget"):
            verb = "replace" if replaced else "remove"
            properties = ", ".join(change.properties) or "none that CloudFormation names"
            raise Refused(
                f"The update would {verb} the {name}.",
                where=f"stack {STACK_NAME}, {account.where}",
                wanted=f"an update that keeps it; properties that change: {properties}",
                do="set these properties back to what the template says (`arca bootstrap "
                "--template`), then run this again; nothing was changed",
            )
        if (
            change_set.kind == "UPDATE"
            and change.action == "Add"
            and change.logical_id in found.identifiers
        ):
            raise Refused(
                f"The {name} exists outside of the stack {STACK_NAME}.",
                where=f"stack {STACK_NAME}, {account.where}",
                wanted="either no such resource, or one that the stack has",
                do=f"{delete_stack_command(account.region)}; this keeps all resources but the "
                "budget. Then run this again, which imports them",
            )


def _refused_contact(account: Account) -> Refused:
    named = f"--stack-name {STACK_NAME} --region {account.region}"
    return Refused(
        f"The contact of the budget {BUDGET_NAME} cannot be changed in place.",
        where=f"stack {STACK_NAME}, {account.where}",
        wanted="the contact that the stack has, or no budget, which the stack then creates",
        do=f"aws cloudformation update-stack {named} --use-previous-template "
        "--capabilities CAPABILITY_NAMED_IAM --parameters "
        f"ParameterKey=MonthlyBudget,ParameterValue={NO_BUDGET} "
        "ParameterKey=GitHubProvider,UsePreviousValue=true "
        "ParameterKey=Contact,UsePreviousValue=true && "
        f"aws cloudformation wait stack-update-complete {named}, then run this again; the count "
        "of what was spent is AWS's own and stays",
    )
