"""What every OpenSLO document has: names, durations, descriptions, and no unknown key."""

from collections.abc import Callable
from typing import Annotated, Literal, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from arca.monitoring.slo.duration import seconds

ThresholdOperator = Literal["lte", "gte", "lt", "gt"]
DOCUMENT_NAME = r"^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$"
"""RFC 1123's labels (OpenSLO v1, "General Schema"), and capitals, which its examples use."""


def _duration(text: str) -> str:
    seconds(text)
    return text


Duration = Annotated[str, AfterValidator(_duration)]
"""OpenSLO's shorthand for a duration, such as `5m`."""


class OpenSloPart(BaseModel):
    """The base of every part of a document: frozen, and without unknown keys."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        populate_by_name=True,
        allow_inf_nan=False,
    )

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, content: object) -> object:
        """Drop keys without a value: the specification's own examples have them."""
        if not isinstance(content, dict):
            return content
        given = cast("dict[str, object]", content)
        return {key: value for key, value in given.items() if value is not None}


class Metadata(OpenSloPart):
    """A document's name, title, labels and annotations."""

    name: str = Field(pattern=DOCUMENT_NAME)
    display_name: str = ""
    labels: dict[str, str | list[str]] = {}
    annotations: dict[str, str] = {}


class Described(OpenSloPart):
    """A `spec` with a description of at most 1050 characters."""

    description: str = Field(default="", max_length=1050)


def written(reference: str) -> Callable[[object], str]:
    """Return what tells a part that is written in place from one that a key refers to.

    Without it, pydantic would report the faults of both.
    """

    def kind(content: object) -> str:
        referred = reference in content if isinstance(content, dict) else False
        return "Reference" if referred else "Inline"

    return kind
