"""What every OpenSLO document shares."""

from typing import Literal, cast

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

Operator = Literal["lte", "gte", "lt", "gt"]
NAME = r"^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$"
"""RFC 1123's labels (OpenSLO v1, "General Schema"), and capitals, which its examples use."""


class Part(BaseModel):
    """What every part of a document shares."""

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
        """A key without a value is a key that is not there, as in the specification's examples."""
        if not isinstance(content, dict):
            return content
        given = cast("dict[str, object]", content)
        return {key: value for key, value in given.items() if value is not None}


class Metadata(Part):
    """Who a document is."""

    name: str = Field(pattern=NAME)
    display_name: str = ""
    labels: dict[str, str | list[str]] = {}
    annotations: dict[str, str] = {}


class Described(Part):
    """A body with a description, of at most 1050 characters."""

    description: str = Field(default="", max_length=1050)
