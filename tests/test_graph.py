"""Tests of the recorder of resources, and of the guard against connections to the outside."""

import socket

import pulumi
import pulumi_random as random
import pytest

from arca.errors import ArcaError
from tests.graph import declare
from tests.stacks import graph


def test_a_secret_input_is_marked_and_stays_secret() -> None:
    """What was secret as an input is known as such."""

    def program() -> None:
        random.RandomPassword("secret", length=8, keepers={"a": pulumi.Output.secret("x")})

    node = declare(program=program).one("random:index/randomPassword:RandomPassword")
    assert node.secret_inputs == {"keepers"}
    assert node.inputs["keepers"] == {"a": "x"}


def test_an_unknown_type_is_refused() -> None:
    """Outputs that nobody described would be made up."""

    def program() -> None:
        random.RandomPet("pet")

    with pytest.raises(ArcaError, match="The emulator has no entry for the resource type"):
        declare(program=program)


def test_the_guard_refuses_the_outside() -> None:
    """No test reaches beyond this machine."""
    with pytest.raises(AssertionError, match="only loopback"), socket.socket() as outside:
        outside.connect(("192.0.2.1", 443))


def test_ask_22_tests_cannot_pass_silently() -> None:
    """Assertions run in the test's own function, because the graph is plain data, no `apply`."""
    with pytest.raises(AssertionError):
        graph("dev").one("aws:rds/proxy:Proxy")
