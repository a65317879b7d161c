"""The container registry (ECR)."""

from collections.abc import Mapping

from arca.emulator.provider.resources.definition import (
    ONLY_ON_CHANGE,
    ApiCall,
    OutputTemplates,
    Resource,
    arn_outputs,
    tags,
    take,
    take_outputs,
)

RESOURCES: Mapping[str, Resource] = {
    "aws:ecr/repository:Repository": Resource(
        arn_outputs(
            "ecr",
            "repository/{name}",
            repositoryUrl="{account}.dkr.ecr.{region}.amazonaws.com/{name}",
        ),
        calls=(
            ApiCall(
                "ecr",
                "create_repository",
                lambda s: {
                    "repositoryName": s["name"],
                    "imageTagMutability": s["imageTagMutability"],
                    "imageScanningConfiguration": s["imageScanningConfiguration"],
                    "encryptionConfiguration": s["encryptionConfigurations"][0],
                    "tags": tags(s),
                },
                take_outputs(
                    arn="repository.repositoryArn", repositoryUrl="repository.repositoryUri"
                ),
            ),
        ),
        not_sent={"forceDelete": ONLY_ON_CHANGE},
    ),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": Resource(
        OutputTemplates("{repository}"),
        calls=(
            ApiCall(
                "ecr",
                "put_lifecycle_policy",
                take(repositoryName="repository", lifecyclePolicyText="policy"),
            ),
        ),
    ),
    "aws:ecr/replicationConfiguration:ReplicationConfiguration": Resource(
        OutputTemplates("{account}"),
        calls=(
            ApiCall(
                "ecr",
                "put_replication_configuration",
                take("replicationConfiguration"),
            ),
        ),
    ),
}
