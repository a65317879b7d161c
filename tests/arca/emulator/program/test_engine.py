"""Tests of the engine that runs the program: what it refuses, and how it fails."""

import pulumi
import pulumi_random as random
import pytest

from arca.emulator.program.engine import ProgramError
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


def test_a_failing_program_fails_as_itself() -> None:
    """The cause comes out, not Pulumi's wrapping."""

    def program() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        declare(program=program)
