"""The repositories that may change a stack from GitHub."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from components.spec import Format, Spec, WrongKey

Repository = Annotated[
    str,
    Format(
        r"^[A-Za-z0-9][A-Za-z0-9-]{0,38}(@[0-9]+)?/[A-Za-z0-9._-]{1,100}(@[0-9]+)?$",
        "owner/name, such as acme/arca-infra, or with both ids, acme@123/arca-infra@456",
        # GitHub puts the ids of both owner and repository into a login's subject, or neither.
        lambda text: text.count("@") in (0, 2),
    ),
]
PLACEHOLDER = "your-org/"


class DeliverySpec(Spec):
    """The repositories whose workflows may work on the stack; without them there are no roles."""

    infra_repository: Repository | None = Field(
        default=None,
        description="This repository, as the subject of its logins names it: `acme/arca-infra`, or "
        "`acme@123/arca-infra@456` with GitHub's ids. Placeholder: begins with `your-org/`.",
    )
    application_repository: Repository | None = Field(
        default=None,
        description="The repository that releases images, named in the same way. "
        "Placeholder: begins with `your-org/`.",
    )
    review_stacks: bool = Field(
        default=False,
        description="Labelled pull requests may create review stacks in this account; only in dev.",
    )

    def wrong_keys(self) -> Iterator[WrongKey]:
        """Require both repositories or none."""
        if self.infra_repository is None and self.application_repository is not None:
            yield WrongKey("infra_repository", "a value, because application_repository has one")
        if self.application_repository is None and self.infra_repository is not None:
            yield WrongKey("application_repository", "a value, because infra_repository has one")
        if self.review_stacks and self.infra_repository is None:
            yield WrongKey("review_stacks", "false without infra_repository")

    def placeholders(self) -> list[str]:
        """Return the names of the fields that still hold a placeholder."""
        fields = ("infra_repository", "application_repository")
        return [name for name in fields if str(getattr(self, name)).startswith(PLACEHOLDER)]
