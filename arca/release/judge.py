"""What runs, and therefore how a release ended: by revision, never by a command's own hope."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from arca import traffic
from arca.release.service import Deployment, Service, short
from arca.release.verdict import Verdict


@dataclass(frozen=True)
class Serving:
    """The task definitions that take production traffic, and those whose tasks run."""

    traffic: frozenset[str]
    """With the address of each target that is no task of the service."""
    running: frozenset[str]

    def only(self, task_definition: str | None) -> bool:
        """Whether that one takes all of the traffic, and no other runs."""
        return self.alone == task_definition is not None and self.traffic == self.running

    @property
    def alone(self) -> str | None:
        """The one task definition that takes all of the traffic; None where there is no such."""
        return next(iter(self.traffic)) if len(self.traffic) == 1 else None

    def __str__(self) -> str:
        """For a person."""
        return " and ".join(map(short, sorted(self.traffic))) or "nothing"


def serving(service: Service) -> Serving:
    """Ask the load balancer for the targets that it sends to, and ECS whose tasks they are."""
    addresses = {str(found["Target"]["Id"]) for found in traffic.targets(service.stack)}
    tasks = service.tasks()
    owners = {
        address: str(task["taskDefinitionArn"]) for task in tasks for address in _addresses(task)
    }
    return Serving(
        frozenset({owners.get(address, address) for address in addresses}),
        frozenset(task["taskDefinitionArn"] for task in tasks),
    )


def _addresses(task: Mapping[str, Any]) -> Iterator[str]:
    """Private addresses of a task, IPv4 and IPv6 (Amazon ECS API Reference, Attachment)."""
    for attachment in task.get("attachments", []):
        for detail in attachment.get("details", []):
            if detail["name"] in ("privateIPv4Address", "ipv6Address"):
                yield detail["value"]


def judge(
    deployment: Deployment, found: Serving, *, target: str, source: str | None
) -> tuple[Verdict, str]:
    """The verdict on an ended deployment, and why; unknown where words and facts differ."""
    said = f"ECS says {deployment.status}, and {found} serves"
    why = f": {deployment.reason}" if deployment.reason else ""
    match deployment.status:
        case "SUCCESSFUL" if found.only(target):
            verdict = Verdict.LIVE
        case "ROLLBACK_SUCCESSFUL" if found.only(source):
            verdict = Verdict.ROLLED_BACK
        case "ROLLBACK_FAILED":
            verdict = Verdict.ROLLBACK_FAILED
        case "STOPPED" if source != target and found.only(source):
            verdict = Verdict.FAILED
        case _:
            verdict = Verdict.UNKNOWN
            said = f"{said}, in stage {deployment.stage}"
    return verdict, said + why
