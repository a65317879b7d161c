"""Tests of the engine that runs the program: what it refuses, and how it fails."""

import inspect
from typing import Any, cast

import pulumi
import pulumi_random as random
import pytest

from arca.checkout import ProgramFailed
from arca.emulator.program.engine import ProgramError
from arca.errors import Refused
from tests.graph import declare


def test_duplicate_names_are_refused() -> None:
    """Two resources of one type and name would share a state entry."""

    def program() -> None:
        random.RandomPassword("twice", length=8)
        random.RandomPassword("twice", length=8)

    with pytest.raises(ProgramError, match="declares a resource twice"):
        declare(program=program)


def test_look_ups_are_refused() -> None:
    """A preview asks nothing of AWS."""

    def program() -> None:
        pulumi.runtime.invoke("aws:index/getRegion:getRegion", {})

    with pytest.raises(ProgramError, match="looks something up: aws:index/getRegion"):
        declare(program=program)


def divide() -> None:
    """Raise an exception in this line."""
    raise ZeroDivisionError


HERE = f"tests/arca/emulator/program/test_engine.py:{inspect.getsourcelines(divide)[1] + 2}"


def test_a_failing_program_is_an_error_with_its_line() -> None:
    """The exception of the program is the cause, not Pulumi's wrapping."""
    with pytest.raises(ProgramFailed) as raised:
        declare(program=divide)
    assert raised.value.what == "The program failed for the stack dev: ZeroDivisionError"
    assert raised.value.where == HERE
    assert isinstance(raised.value.__cause__, ZeroDivisionError)
    assert raised.value.details.startswith("Traceback (most recent call last):\n")
    assert raised.value.details.endswith("\nZeroDivisionError\n")


def test_a_failure_in_an_output_has_its_line() -> None:
    """The function that Pulumi calls later is the program's too."""

    def program() -> None:
        pulumi.export("x", pulumi.Output.from_input("").apply(lambda _: divide()))

    with pytest.raises(ProgramFailed) as raised:
        declare(program=program)
    assert raised.value.where == HERE


def test_a_value_that_pulumi_cannot_send() -> None:
    """No line of the program is known any more; the text names the resource and the input."""

    def program() -> None:
        random.RandomPassword("wrong", length=cast("Any", object()))

    with pytest.raises(ProgramFailed, match=r"'wrong'.* 'length'") as raised:
        declare(program=program)
    assert raised.value.where.startswith("a value that the program passed to Pulumi")
    assert "\n" not in raised.value.what


def test_an_error_that_explains_itself_stays() -> None:
    """A message of the program's own is not wrapped into another one."""
    error = Refused("What.", where="here", wanted="this", do="that")

    def program() -> None:
        raise error

    with pytest.raises(Refused) as raised:
        declare(program=program)
    assert raised.value is error
