"""An invoice as the checks of a failover see it, and an authorization of the tax agency."""

from pydantic import BaseModel, ConfigDict, Field


class Series(BaseModel):
    """Invoices that are numbered together: without gaps or repeats, from 1 on.

    The tax agency numbers by point of sale and type (WSFEv1 manual for developers, FECAESolicitar:
    `PtoVta`, `CbteTipo`, `CbteDesde`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    point_of_sale: int = Field(ge=1, strict=True)
    kind: int = Field(ge=1, strict=True, description="The agency's code of the type; 6 is B.")

    def __str__(self) -> str:
        return f"point of sale {self.point_of_sale}, type {self.kind}"


class Invoice(Series):
    """An invoice as the service acknowledged it, or as it is stored."""

    id: str = Field(min_length=1)
    number: int = Field(ge=1, strict=True)
    cae: str = ""
    """The authorization code; empty while there is none."""

    @property
    def series(self) -> Series:
        """The series that the invoice is numbered in."""
        return Series(point_of_sale=self.point_of_sale, kind=self.kind)


class Authorized(Series):
    """An invoice that the tax agency authorized."""

    number: int = Field(ge=1, strict=True)
    cae: str = Field(min_length=1)
