"""The image registry: immutable tags, scanned and encrypted, replicated to the DR region."""

from __future__ import annotations

import json

import pulumi
import pulumi_aws as aws
from pydantic import Field

from arca.naming import physical
from arca.outputs import RegistryOutputs
from components.component import Component, Place
from components.spec import Spec
from components.wires import EncryptionKey, Primary


class RegistrySpec(Spec):
    """The ECR repository of the service's images."""

    keep_images: int = Field(
        default=100,
        ge=10,
        description="Images kept. Older ones are deleted, and nobody can roll back to them.",
    )
    untagged_days: int = Field(
        default=7, ge=1, description="Days after which an image without a tag is deleted."
    )


def lifecycle(spec: RegistrySpec) -> str:
    """Return the lifecycle policy (Amazon ECR User Guide, "Lifecycle policy properties")."""
    untagged = {
        "tagStatus": "untagged",
        "countType": "sinceImagePushed",
        "countUnit": "days",
        "countNumber": spec.untagged_days,
    }
    old = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": spec.keep_images}
    return json.dumps(
        {
            "rules": [
                {"rulePriority": priority, "selection": selection, "action": {"type": "expire"}}
                for priority, selection in enumerate((untagged, old), start=1)
            ]
        }
    )


class Registry(Component):
    """The repository.

    Produces: repository and lifecycle policy; for a primary with a DR region, also the repository
    of the copy there and the registry's replication into it. A secondary declares nothing,
    because the copy belongs to its primary (ADR 0003).
    """

    repository_url: pulumi.Output[str]
    repository_name: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        spec: RegistrySpec,
        place: Place,
        *,
        key: EncryptionKey,
        primary: Primary | None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("arca:registry:Registry", name, place, data_class="internal", opts=opts)
        host = f"{place.account_id}.dkr.ecr.{place.region}.amazonaws.com"
        if primary is not None:
            self.repository_name = primary.repository_name
            self.repository_url = pulumi.Output.concat(host, "/", primary.repository_name)
            self.register_outputs({})
            return

        repository_name = physical(place.prefix, "api", limit=256)
        repository = self._repository(name, repository_name, spec, key_arn=key.arn)
        if place.replica_region is not None and key.replica_arn is not None:
            # Replication into a repository that is missing makes one by a creation template,
            # whose role may have no path; the pipeline makes no role without one (ADR 0020).
            copy = self._repository(
                f"{name}-replica",
                repository_name,
                spec,
                key_arn=key.replica_arn,
                region=place.replica_region,
            )
            aws.ecr.ReplicationConfiguration(
                name,
                replication_configuration={
                    "rules": [
                        {
                            "destinations": [
                                {
                                    "region": place.replica_region,
                                    "registry_id": place.account_id,
                                }
                            ],
                            "repository_filters": [
                                {"filter": repository_name, "filter_type": "PREFIX_MATCH"}
                            ],
                        }
                    ]
                },
                opts=self.child(depends_on=[copy]),
            )
        self.repository_name = repository.name
        self.repository_url = repository.repository_url
        self.register_outputs({"repository_url": self.repository_url})

    def outputs(self) -> RegistryOutputs[pulumi.Output[str]]:
        """The registry's part of the stack's exports."""
        return RegistryOutputs[pulumi.Output[str]](
            repository_name=self.repository_name,
            repository_url=self.repository_url,
        )

    def _repository(
        self,
        logical: str,
        repository_name: str,
        spec: RegistrySpec,
        *,
        key_arn: pulumi.Input[str],
        region: str | None = None,
    ) -> aws.ecr.Repository:
        repository = aws.ecr.Repository(
            logical,
            name=repository_name,
            region=region,
            image_tag_mutability="IMMUTABLE",
            image_scanning_configuration={"scan_on_push": True},
            encryption_configurations=[{"encryption_type": "KMS", "kms_key": key_arn}],
            force_delete=not self.place.protect,
            opts=self.durable(),
        )
        aws.ecr.LifecyclePolicy(
            logical,
            repository=repository.name,
            region=region,
            policy=lifecycle(spec),
            opts=self.child(),
        )
        return repository
