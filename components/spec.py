"""The base of every settings class: frozen, refuses unknown keys, describes each field."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

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

Port = Annotated[int, Field(ge=1, le=65535)]
Percent = Annotated[int, Field(ge=1, le=100)]
Minutes = Annotated[int, Field(ge=0, le=1440)]


class Spec(BaseModel):
    """Settings of one component, as the YAML file of a stack gives them."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=False)
