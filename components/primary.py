"""What a secondary reads from its primary: one export, through one stack reference."""

from dataclasses import dataclass
from typing import cast

import pulumi

from components.bucket import Kept


@dataclass(frozen=True)
class Primary:
    """The primary's `recovery` export (arca/outputs.py, RecoveryOutputs), value by value."""

    recovery: pulumi.Output[dict[str, str | dict[str, str]]]

    @classmethod
    def of(cls, stack: str | None) -> "Primary | None":
        """Refer to a stack of the same project and organization; no stack, no primary."""
        if stack is None:
            return None
        name = f"{pulumi.get_organization()}/{pulumi.get_project()}/{stack}"
        return cls(pulumi.StackReference(name).require_output("recovery"))

    def text(self, key: str) -> pulumi.Output[str]:
        """One value."""
        return self.recovery.apply(lambda recovery: cast("str", recovery[key]))

    @property
    def documents(self) -> Kept:
        """The replica of the documents' bucket."""
        return Kept(self.text("documents_bucket"), self.text("documents_arn"))

    def key_arn(self, role: str) -> pulumi.Output[str]:
        """The replica of a key."""
        return self._arn("key_arns", role)

    def secret_arn(self, role: str) -> pulumi.Output[str]:
        """The replica of a secret."""
        return self._arn("secret_arns", role)

    def _arn(self, kind: str, role: str) -> pulumi.Output[str]:
        return self.recovery.apply(lambda recovery: cast("dict[str, str]", recovery[kind])[role])
