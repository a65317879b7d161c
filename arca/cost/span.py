"""A figure that is known only within bounds: low, expected and high."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Span(BaseModel):
    """A figure with its bounds; none is negative, and they ascend."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    low: float = Field(ge=0, strict=True, allow_inf_nan=False, description="Lower bound.")
    expected: float = Field(ge=0, strict=True, allow_inf_nan=False, description="Expected figure.")
    high: float = Field(ge=0, strict=True, allow_inf_nan=False, description="Upper bound.")

    @model_validator(mode="after")
    def _ascend(self) -> Self:
        if not self.low <= self.expected <= self.high:
            # pydantic makes an error of the settings of it.
            raise ValueError("low, expected and high in ascending order")
        return self

    def __add__(self, other: "Span") -> "Span":
        return Span(
            low=self.low + other.low,
            expected=self.expected + other.expected,
            high=self.high + other.high,
        )

    def __mul__(self, factor: "Span | float") -> "Span":
        by = factor if isinstance(factor, Span) else exactly(factor)
        return Span(
            low=self.low * by.low, expected=self.expected * by.expected, high=self.high * by.high
        )

    def at_most(self, limit: float) -> "Span":
        """Return the figure, where no bound is above a limit."""
        return Span(
            low=min(self.low, limit), expected=min(self.expected, limit), high=min(self.high, limit)
        )

    def at_least(self, other: "Span") -> "Span":
        """Return the greater of both figures, bound by bound."""
        return Span(
            low=max(self.low, other.low),
            expected=max(self.expected, other.expected),
            high=max(self.high, other.high),
        )


def exactly(figure: float) -> Span:
    """Return a figure that is known exactly."""
    return Span(low=figure, expected=figure, high=figure)


def between(low: float, expected: float, high: float) -> Span:
    """Return a figure from its bounds."""
    return Span(low=low, expected=expected, high=high)


NOTHING = exactly(0)
