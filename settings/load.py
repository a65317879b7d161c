"""Read a stack's settings once, and report every problem in one message."""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any, get_type_hints

import pulumi
from pulumi.runtime import config as runtime_config
from pydantic import TypeAdapter, ValidationError

from arca import stackfile
from arca.errors import ArcaError, Explained
from arca.stackfile import PREFIX, PULUMI_PROJECT, KeyPath, StackFile, did_you_mean
from components.access import CloudflareRanges
from settings.between import problems_between
from settings.explain import explain
from settings.model import Settings
from settings.problem import NO_VALUE, Problem, report
from settings.rules import RULES
from settings.secrecy import misplaced, plain_secrets, secret_texts, without_secret

UNVERIFIED_RANGES = """\
components/cloudflare_ranges.json: nobody has asked Cloudflare for these ranges yet.
Nothing was changed.
  wanted: the ranges that Cloudflare publishes, which the load balancer lets in, with their day
Run `arca ranges refresh`, commit the file, and run this again."""


def load() -> Settings:
    """Return the settings of the current stack.

    Raises pulumi.RunError before any resource is declared. The message names the file and, for
    every problem, the line, the key's path, its value and the accepted values.
    """
    stack = pulumi.get_stack()
    try:
        file = stackfile.read(stackfile.path_of(stack))
    except ArcaError:
        # A review stack's settings may come from elsewhere; then no line is known.
        file = None
    raw = _read()
    secret = [name for name in raw if runtime_config.is_config_secret(f"{PREFIX}{name}")]
    values, problems = _validate(stack, raw, file, secret)
    if stackfile.runs_emulated.get():
        problems = _refused_everywhere(problems)
    if problems:
        raise pulumi.RunError(report(f"Pulumi.{stack}.yaml", problems))
    if not stackfile.runs_emulated.get() and CloudflareRanges.committed().taken_on is None:
        raise pulumi.RunError(UNVERIFIED_RANGES)
    return Settings.model_construct(**values)


def parse(file: StackFile, *, emulated: bool) -> Settings:
    """Return the settings in a stack's file, without a Pulumi run; `emulated` takes placeholders.

    Raises ArcaError with the message of `load`.
    """
    values, problems = _checked(file)
    if emulated:
        problems = _refused_everywhere(problems)
    if problems:
        raise Explained(report(file.name, problems))
    return Settings.model_construct(**values)


def problems_of(file: StackFile) -> list[Problem]:
    """Return everything that is wrong in a stack's file; what only AWS refuses is marked so."""
    return _checked(file)[1]


def _refused_everywhere(problems: list[Problem]) -> list[Problem]:
    return [problem for problem in problems if not problem.only_aws]


def _checked(file: StackFile) -> tuple[dict[str, Any], list[Problem]]:
    raw = {key.removeprefix(PREFIX): _plain(value) for key, value in file.config.items()}
    values, problems = _validate(file.stack, raw, file, ())
    said = {problem.path for problem in problems}
    return values, [*problems, *(one for one in plain_secrets(file) if one.path not in said)]


def _read() -> dict[str, Any]:
    """Return every key of the project, including those that no section has.

    `pulumi.Config` cannot list keys, so this reads the names from the source that it uses.
    """
    config = pulumi.Config(PULUMI_PROJECT)
    known = {**runtime_config.get_config_env(), **runtime_config.CONFIG.get()}
    own = [key.split(":", 1)[1] for key in known if key.startswith(PREFIX)]
    return {key: _plain(config.require(key)) for key in own}


def _plain(text: str) -> object:
    """Parse an object or a list, which arrives as JSON; return any other value as text."""
    if text[:1] not in "{[":
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _validate(
    stack: str, raw: Mapping[str, object], file: StackFile | None, secret: Collection[str]
) -> tuple[dict[str, Any], list[Problem]]:
    values: dict[str, Any] = {}
    annotations = get_type_hints(Settings, include_extras=True)
    problems = _in_file(file) if file else []
    for key in raw:
        if key not in Settings.model_fields:
            wanted = f"no such section{did_you_mean(key, list(Settings.model_fields))}"
            problems.append(Problem(key, NO_VALUE, wanted, file.line((key,)) if file else None))
    for name, field in Settings.model_fields.items():
        if name not in raw:
            if field.is_required():
                problems.append(Problem(name, None, f"a value: {field.description}"))
            else:
                values[name] = field.get_default()
            continue
        found = misplaced(name, file, secret=name in secret)
        found = found or secret_texts(name, raw[name], file)
        if found:
            # No other message about this section may show the secret.
            problems.extend(found)
            continue
        annotation = annotations[name]
        try:
            values[name] = TypeAdapter[Any](annotation).validate_python(raw[name])
        except ValidationError as error:
            unread = {problem.path for problem in problems}
            explained = explain(name, annotation, error, file)
            problems.extend(one for one in explained if one.path not in unread)
    settings = Settings.model_construct(**values)
    for rule in RULES:
        if all(section in values for section in rule.needs):
            problems.extend(
                replace(_placed(problem, file), only_aws=rule.only_aws)
                for problem in rule.check(settings)
            )
    problems.extend(_placed(problem, file) for problem in _stage_of_its_name(stack, values))
    encrypted = file.encrypted if file else frozenset[KeyPath]()
    between = problems_between(stack, settings, values.keys(), encrypted)
    problems.extend(_placed(problem, file) for problem in between)
    return values, [without_secret(problem, file, secret) for problem in problems]


def _stage_of_its_name(stack: str, values: Mapping[str, Any]) -> Iterator[Problem]:
    """Another stage would switch off every rule of production."""
    stage = values.get("stage", stack)
    if stack == "prod" and stage != stack:
        yield Problem("stage", stage, "prod, because the stack is named prod")


def _in_file(file: StackFile) -> list[Problem]:
    return [
        Problem(
            ".".join(found.path),
            NO_VALUE,
            found.wanted,
            found.line,
            "" if found.foreign else PREFIX,
        )
        for found in file.problems
    ]


def _placed(problem: Problem, file: StackFile | None) -> Problem:
    line = file.line(tuple(problem.path.split("."))) if file else None
    return replace(problem, line=line)
