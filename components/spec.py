"""The base of every settings class: frozen, refuses unknown keys, describes each field."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self, cast

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

Region = Literal["sa-east-1", "us-east-1"]
Zone = Literal["a", "b", "c", "d", "e", "f"]
SubnetTier = Literal["public", "private", "isolated"]
"""The purpose of a subnet; a tier's position in this list is its slot in the address plan."""

ZONES: dict[Region, str] = {"sa-east-1": "abc", "us-east-1": "abcdef"}
"""Zone letters by region (AWS global infrastructure, Regions and Availability Zones)."""

ShortRetention = Literal[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180]
LongRetention = Literal[365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653]
LogRetention = Literal[ShortRetention, LongRetention]
"""Days that CloudWatch Logs accepts as a retention (CloudWatch Logs API, PutRetentionPolicy)."""

NUMBERS: tuple[object, ...] = (int, float)


@dataclass(frozen=True)
class Format:
    """The format of a text, as a pattern for programs and in words for people."""

    pattern: str
    wanted: str
    """What a message says is wanted, such as "12 digits"."""
    accepts: Callable[[str], bool] = lambda _text: True
    """Checks what a pattern cannot express."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {**handler(schema), "pattern": self.pattern}

    def _checked(self, text: str) -> str:
        # In Python, $ also matches before a last line break; no format has one.
        if "\n" in text or re.search(self.pattern, text) is None or not self.accepts(text):
            raise PydanticCustomError("format", "{wanted}", {"wanted": self.wanted})
        return text


UrlPath = Annotated[
    str, Format(r'^/[^\s"\\?#]*$', "a path that begins with /, without spaces, quotes, ? and #")
]
Email = Annotated[
    str, Format(r"^[^@\s]+@[^@\s]+\.[a-z]{2,}$", "an e-mail address, such as oncall@acme.com")
]
Port = Annotated[int, Field(ge=1, le=65535)]
Percent = Annotated[int, Field(ge=1, le=100)]
Minutes = Annotated[int, Field(ge=0, le=1440)]


@dataclass(frozen=True)
class WrongKey:
    """A key whose value does not go with the other keys of its section."""

    key: str
    """The key, with dots where it stands deeper in the section."""
    wanted: str
    secret: bool = False
    """Whether no message may show the value."""


class Spec(BaseModel):
    """Settings of one component, as the YAML file of a stack gives them."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=False)

    def wrong_keys(self) -> Iterator[WrongKey]:
        """Yield the keys that do not go together; every value is valid on its own."""
        yield from ()

    @model_validator(mode="before")
    @classmethod
    def _true_is_no_number(cls, values: object) -> object:
        # Python takes True for 1, so that `nodes: true` would be one node.
        if isinstance(values, dict):
            given = cast("dict[str, object]", values)
            numbers = (name for name, one in cls.model_fields.items() if one.annotation in NUMBERS)
            bools = [name for name in numbers if isinstance(given.get(name), bool)]
            _refuse([WrongKey(name, "a number") for name in bools], given)
            return given
        return values

    @model_validator(mode="after")
    def _keys_go_together(self) -> Self:
        _refuse(list(self.wrong_keys()), self)
        return self


def _refuse(wrong: Sequence[WrongKey], section: object) -> None:
    if wrong:
        text = "; ".join(f"{one.key}: {one.wanted}" for one in wrong)
        context = {"text": text, "wrong": wrong, "section": section}
        raise PydanticCustomError("wrong_keys", "{text}", context)
