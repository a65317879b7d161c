"""What a judge says about one property of a declared resource."""

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Finding:
    """A fault that a judge finds: which judge, in which resource and property, and what it says."""

    judge: str
    """The judge and the rule, for example `cfn-lint E3031`."""
    resource: str
    """The resource's URN."""
    property: str
    """The path of the property, in the words of the judge."""
    says: str

    def __str__(self) -> str:
        return f"{self.judge}: {self.resource.rpartition('::')[2]} {self.property}: {self.says}"
