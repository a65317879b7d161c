"""What runs, and therefore how a release ended: by revision, never by a command's own hope."""

from dataclasses import dataclass
from typing import Any

from ops.release.service import Deployment, Service, short
from ops.release.verdict import Verdict


@dataclass(frozen=True)
class Serving:
    """The task definitions that take production traffic, and those whose tasks run."""

    traffic: frozenset[str]
    running: frozenset[str]

    def only(self, task_definition: str | None) -> bool:
        """Whether that one takes all of the traffic, and no other runs."""
        return self.traffic == frozenset([task_definition]) == self.running

    def __str__(self) -> str:
        """For a person."""
        return " and ".join(map(short, sorted(self.traffic))) or "nothing"


def serving(service: Service) -> Serving:
    """Ask ECS for the revisions that serve and for the tasks that run, which must agree."""
    described = service.describe()
    revisions: list[Any] = described.get("currentServiceRevisions", [])
    taking = [
        one["arn"]
        for one in revisions
        if one.get("runningTaskCount") and one.get("requestedProductionTrafficWeight", 100) > 0
    ]
    return Serving(
        frozenset(map(service.task_definition, taking)),
        frozenset(task["taskDefinitionArn"] for task in service.tasks()),
    )


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
