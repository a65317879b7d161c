"""The repositories that may change a stack from GitHub."""

from typing import Self

from pydantic import Field, field_validator, model_validator

from components.spec import Spec

REPOSITORY = r"^[A-Za-z0-9][A-Za-z0-9-]{0,38}(@[0-9]+)?/[A-Za-z0-9._-]{1,100}(@[0-9]+)?$"
IDS = 2
"""GitHub puts the ids of both owner and repository into a login's subject, or neither."""
PLACEHOLDER = "your-org/"


class DeliverySpec(Spec):
    """The repositories whose workflows may work on the stack; without them there are no roles."""

    infra_repository: str | None = Field(
        default=None,
        pattern=REPOSITORY,
        description="This repository, as the subject of its logins names it: `acme/arca-infra`, or "
        "`acme@123/arca-infra@456` with GitHub's ids. Placeholder: begins with `your-org/`.",
    )
    application_repository: str | None = Field(
        default=None,
        pattern=REPOSITORY,
        description="The repository that releases images, named in the same way. "
        "Placeholder: begins with `your-org/`.",
    )
    review_stacks: bool = Field(
        default=False,
        description="Labelled pull requests may create review stacks in this account; only in dev.",
    )

    @field_validator("infra_repository", "application_repository")
    @classmethod
    def _both_ids_or_none(cls, value: str | None) -> str | None:
        if value is not None and value.count("@") not in (0, IDS):
            message = "give both ids or none: owner@<id>/name@<id>"
            raise ValueError(message)
        return value

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.infra_repository is None) != (self.application_repository is None):
            message = "infra_repository and application_repository go together"
            raise ValueError(message)
        if self.review_stacks and self.infra_repository is None:
            message = "review_stacks needs infra_repository"
            raise ValueError(message)
        return self

    def placeholders(self) -> list[str]:
        """Return the names of the fields that still hold a placeholder."""
        fields = ("infra_repository", "application_repository")
        return [name for name in fields if str(getattr(self, name)).startswith(PLACEHOLDER)]
