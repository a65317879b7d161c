"""What the shell completes: stacks, places, deployments and revisions.

Stacks come from files, and places from arca/reach. Deployments and revisions come from the emulated
cloud while it answers, and never from AWS: a key press must not wait for a login or a network. What
cannot be read completes nothing, because an error message would break the line that is typed.
"""

import socket
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import click

CONNECT_SECONDS = 0.2
"""How long a key press waits for the emulated cloud."""


def complete_stack(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
    """Complete a stack of the checkout's files or of the emulated cloud."""
    from arca import checkout
    from arca.errors import ArcaError
    from arca.stack import emulated_stacks

    names = set[str]()
    for read in (checkout.stack_names, emulated_stacks):
        with suppress(ArcaError):
            names |= {*read()}
    return _beginning(names, incomplete)


def complete_source(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
    """Complete a place that opens connections."""
    from arca.reach.places import SOURCES

    return _beginning(set(SOURCES), incomplete)


def complete_target(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
    """Complete a place to which connections are opened."""
    from arca.reach.places import TARGETS

    return _beginning(set(TARGETS), incomplete)


def complete_deployment(context: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Complete the id of a past deployment, or a revision."""
    found = [name for _, *names in _deployments(context) for name in names]
    return _beginning(found, incomplete)


def complete_live_revision(
    context: click.Context, _: click.Parameter, incomplete: str
) -> list[str]:
    """Complete a revision that was live."""
    found = [revision for status, _, revision in _deployments(context) if status == "SUCCESSFUL"]
    return _beginning(found, incomplete)


def _deployments(context: click.Context) -> Iterator[tuple[str, str, str]]:
    """Yield status, id and revision of each deployment of the emulated stack, if it answers."""
    from botocore.exceptions import BotoCoreError, ClientError

    from arca.errors import ArcaError
    from arca.release.service import EcsService, short
    from arca.stack import find_emulated

    if context.params.get("target") == "aws":
        return
    with suppress(ArcaError, BotoCoreError, ClientError, OSError):
        stack = find_emulated(context.params.get("stack_name"))
        if stack is None or stack.endpoint is None:
            return
        address = urlsplit(stack.endpoint)
        socket.create_connection(
            (address.hostname or "", address.port or 80), CONNECT_SECONDS
        ).close()
        service = EcsService(stack)
        deployments = service.deployments()
        revisions: Sequence[Any] = service.ecs.describe_service_revisions(
            serviceRevisionArns=[one.target.arn for one in deployments]
        )["serviceRevisions"]
        definitions = {one["serviceRevisionArn"]: one["taskDefinition"] for one in revisions}
        for one in deployments:
            yield one.status, short(one.arn), short(definitions[one.target.arn])


def _beginning(names: Sequence[str] | set[str], incomplete: str) -> list[str]:
    return sorted({name for name in names if name.startswith(incomplete)})
