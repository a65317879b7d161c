"""Changes of ECS, its autoscaling and the container registry (ECR)."""

from collections.abc import Mapping
from typing import Any

from arca.emulator.provider.changes import tags
from arca.emulator.provider.changes.definition import Changes, Update, again, replaced_by
from arca.emulator.provider.resources import CALLS
from arca.emulator.provider.resources.definition import ApiCall, ResourceState, digest, take

_CLUSTER = "aws:ecs/cluster:Cluster"
_PROVIDERS = "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders"
_SERVICE = "aws:ecs/service:Service"
_TARGET = "aws:appautoscaling/target:Target"
_POLICY = "aws:appautoscaling/policy:Policy"
_ACTION = "aws:appautoscaling/scheduledAction:ScheduledAction"
_LIFECYCLE = "aws:ecr/lifecyclePolicy:LifecyclePolicy"
_REPLICATION = "aws:ecr/replicationConfiguration:ReplicationConfiguration"
_SCALED = ("serviceNamespace", "scalableDimension", "resourceId")
_DEPLOYMENT = (
    "alarms",
    "deploymentCircuitBreaker",
    "deploymentConfiguration",
    "deploymentMaximumPercent",
    "deploymentMinimumHealthyPercent",
)
_UPDATED = {
    # The input, and the parameters of CreateService that UpdateService takes for it.
    "availabilityZoneRebalancing": "availabilityZoneRebalancing",
    "desiredCount": "desiredCount",
    "enableEcsManagedTags": "enableECSManagedTags",
    "enableExecuteCommand": "enableExecuteCommand",
    "healthCheckGracePeriodSeconds": "healthCheckGracePeriodSeconds",
    "loadBalancers": "loadBalancers",
    "networkConfiguration": "networkConfiguration",
    "propagateTags": "propagateTags",
    "taskDefinition": "taskDefinition",
    **dict.fromkeys(_DEPLOYMENT, "deploymentConfiguration"),
}


def _updated_service(s: ResourceState) -> dict[str, Any]:
    """Return the parameters of what differs, as the provider does.

    A task definition that is not passed stays as a release has set it.
    """
    old = s["_before"]
    names = {_UPDATED[name] for name in _UPDATED if s.get(name) != old.get(name)}
    params = CALLS[_SERVICE][0].params(s)
    return {
        "cluster": s["cluster"],
        "service": s["name"],
        **{name: params[name] for name in sorted(names) if name in params},
    }


def _target_arn(s: ResourceState) -> dict[str, str]:
    target = f"scalable-target/{digest(s['_urn'])}"
    return {"ResourceARN": f"arn:aws:application-autoscaling:{s['_region']}:000000000000:{target}"}


CHANGES: Mapping[str, Changes] = {
    _CLUSTER: Changes(
        replaces=replaced_by("name"),
        updates=(
            Update(
                ("settings",),
                (ApiCall("ecs", "update_cluster", take("settings", cluster="name")),),
            ),
            *tags.of_arn("ecs", "resourceArn", style="tag"),
        ),
        deletes=(ApiCall("ecs", "delete_cluster", take(cluster="name")),),
        name="name",
    ),
    _PROVIDERS: Changes(
        replaces=replaced_by("clusterName"),
        updates=again(_PROVIDERS, "capacityProviders", "defaultCapacityProviderStrategies"),
        deletes=(
            ApiCall(
                "ecs",
                "put_cluster_capacity_providers",
                lambda s: {
                    "cluster": s["clusterName"],
                    "capacityProviders": [],
                    "defaultCapacityProviderStrategy": [],
                },
            ),
        ),
    ),
    "aws:ecs/taskDefinition:TaskDefinition": Changes(
        replaces=replaced_by(
            "containerDefinitions",
            "cpu",
            "executionRoleArn",
            "family",
            "memory",
            "networkMode",
            "requiresCompatibilities",
            "runtimePlatform",
            "taskRoleArn",
            "volumes",
        ),
        updates=tags.of_arn("ecs", "resourceArn", style="tag"),
        deletes=(
            ApiCall(
                "ecs",
                "deregister_task_definition",
                take(taskDefinition="arn"),
                when=lambda s: not s.get("skipDestroy"),
            ),
        ),
    ),
    _SERVICE: Changes(
        replaces=replaced_by(
            "capacityProviderStrategies", "cluster", "deploymentController", "name"
        ),
        updates=(
            Update(tuple(_UPDATED), (ApiCall("ecs", "update_service", _updated_service),)),
            *tags.of_arn("ecs", "resourceArn", style="tag"),
        ),
        deletes=(
            ApiCall(
                "ecs",
                "delete_service",
                lambda s: {**take("cluster", service="name")(s), "force": True},
            ),
        ),
        name="name",
    ),
    _TARGET: Changes(
        replaces=replaced_by("resourceId", "scalableDimension", "serviceNamespace"),
        updates=(
            Update(
                ("minCapacity", "maxCapacity"),
                (
                    ApiCall(
                        "application-autoscaling",
                        "register_scalable_target",
                        # Tags are only for a new target (API Reference, RegisterScalableTarget).
                        take(*_SCALED, "minCapacity", "maxCapacity"),
                    ),
                    *CALLS[_TARGET][1:],
                ),
            ),
            *tags.by_calls(
                "application-autoscaling",
                "tag_resource",
                "untag_resource",
                _target_arn,
                pairs="Tags",
                only_validated="the emulator makes up the target's ARN",
            ),
        ),
        deletes=(ApiCall("application-autoscaling", "deregister_scalable_target", take(*_SCALED)),),
    ),
    _POLICY: Changes(
        replaces=replaced_by("name", *_SCALED),
        updates=again(_POLICY, "policyType", "targetTrackingScalingPolicyConfiguration"),
        deletes=(
            ApiCall(
                "application-autoscaling",
                "delete_scaling_policy",
                take(*_SCALED, PolicyName="name"),
            ),
        ),
        name="name",
    ),
    _ACTION: Changes(
        replaces=replaced_by("name", *_SCALED),
        updates=again(_ACTION, "scalableTargetAction", "schedule", "timezone"),
        deletes=(
            ApiCall(
                "application-autoscaling",
                "delete_scheduled_action",
                take(*_SCALED, ScheduledActionName="name"),
            ),
        ),
        name="name",
    ),
    "aws:ecr/repository:Repository": Changes(
        replaces=replaced_by("encryptionConfigurations", "name"),
        updates=(
            Update(
                ("imageTagMutability",),
                (
                    ApiCall(
                        "ecr",
                        "put_image_tag_mutability",
                        take("imageTagMutability", repositoryName="name"),
                    ),
                ),
            ),
            Update(
                ("imageScanningConfiguration",),
                (
                    ApiCall(
                        "ecr",
                        "put_image_scanning_configuration",
                        take("imageScanningConfiguration", repositoryName="name"),
                    ),
                ),
            ),
            *tags.by_calls(
                "ecr",
                "tag_resource",
                "untag_resource",
                lambda s: {"resourceArn": s["arn"]},
                pairs=("tags", "Key", "Value"),
                keys="tagKeys",
            ),
        ),
        deletes=(
            ApiCall(
                "ecr",
                "delete_repository",
                lambda s: {"repositoryName": s["name"], "force": s.get("forceDelete", False)},
            ),
        ),
        name="name",
    ),
    _LIFECYCLE: Changes(
        replaces=replaced_by("repository"),
        updates=again(_LIFECYCLE, "policy"),
        deletes=(ApiCall("ecr", "delete_lifecycle_policy", take(repositoryName="repository")),),
    ),
    _REPLICATION: Changes(
        updates=again(_REPLICATION, "replicationConfiguration"),
        deletes=(
            ApiCall(
                "ecr",
                "put_replication_configuration",
                lambda _: {"replicationConfiguration": {"rules": []}},
            ),
        ),
    ),
}
