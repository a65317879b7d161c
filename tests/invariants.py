"""Rules that every graph satisfies, whatever the settings."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from arca.ci.plan_policy import DURABLE_TYPES
from arca.emulator.program.engine import Registration
from tests.graph import Graph

DURABLE = DURABLE_TYPES
BUCKET, INSTANCE = "aws:s3/bucket:Bucket", "aws:rds/instance:Instance"
NEEDS_KEY = {
    "aws:backup/vault:Vault": "kmsKeyArn",
    "aws:cloudwatch/logGroup:LogGroup": "kmsKeyId",
    "aws:elasticache/replicationGroup:ReplicationGroup": "kmsKeyId",
    "aws:rds/instance:Instance": "kmsKeyId",
    "aws:secretsmanager/secret:Secret": "kmsKeyId",
    "aws:sns/topic:Topic": "kmsMasterKeyId",
}
SECRET_INPUTS = {
    "aws:elasticache/replicationGroup:ReplicationGroup": "authToken",
    "aws:secretsmanager/secretVersion:SecretVersion": "secretString",
    "cloudflare:index/authenticatedOriginPullsCertificate:AuthenticatedOriginPullsCertificate": (
        "privateKey"
    ),
    "aws:rds/instance:Instance": "passwordWo",
    "tls:index/locallySignedCert:LocallySignedCert": "caPrivateKeyPem",
}
MUST: Mapping[str, Mapping[str, Any]] = {
    "aws:ecr/repository:Repository": {
        "imageTagMutability": "IMMUTABLE",
        "imageScanningConfiguration": {"scanOnPush": True},
    },
    "aws:elasticache/replicationGroup:ReplicationGroup": {
        "atRestEncryptionEnabled": True,
        "transitEncryptionEnabled": True,
        "transitEncryptionMode": "required",
    },
    "aws:kms/key:Key": {"enableKeyRotation": True},
    "aws:lb/loadBalancer:LoadBalancer": {"dropInvalidHeaderFields": True},
    "aws:rds/instance:Instance": {
        "deleteAutomatedBackups": False,
        "publiclyAccessible": False,
        "storageEncrypted": True,
    },
    "aws:rds/proxy:Proxy": {"requireTls": True},
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": {
        "blockPublicAcls": True,
        "blockPublicPolicy": True,
        "ignorePublicAcls": True,
        "restrictPublicBuckets": True,
    },
    "aws:s3/bucketVersioning:BucketVersioning": {"versioningConfiguration": {"status": "Enabled"}},
}
"""Inputs that have the same value whatever the settings."""
STAMP = {"Name", "component", "data-class"}
DEFAULTS = {"project", "stack", "stage", "owner", "cost-center", "managed-by"}


def broken(graph: Graph, *, protected: bool) -> list[str]:
    """Return every violation, one line each."""
    found = [*_providers(graph), *_ingress(graph), *_buckets(graph), *_transport(graph)]
    for node in graph.custom():
        found += [f"{node.name}: {problem}" for problem in _node(node, protected=protected)]
    return found


def _node(node: Registration, *, protected: bool) -> Iterator[str]:
    if not node.provider:
        yield "has no provider of ours"
    if not node.component:
        yield "belongs to no component"
    if node.type in DURABLE:
        yield from _durable(node, protected=protected)
    key = NEEDS_KEY.get(node.type)
    if key and not str(node.inputs.get(key, "")).startswith("arn:aws:kms:"):
        yield f"{key} is {node.inputs.get(key)}"
    if "tags" in node.inputs and not set(node.inputs["tags"]) >= STAMP:
        yield f"tags {node.inputs['tags']}"
    secret = SECRET_INPUTS.get(node.type)
    if secret in node.inputs and secret not in node.secret_inputs:
        yield f"{secret} is not marked secret"
    if node.inputs.get("mapPublicIpOnLaunch"):
        yield "is public"
    for name, value in MUST.get(node.type, {}).items():
        if node.inputs.get(name) != value:
            yield f"{name} is {node.inputs.get(name)}, not {value}"
    yield from _documents(node)


def _durable(node: Registration, *, protected: bool) -> Iterator[str]:
    # A bucket stays behind unless it is deleted with its objects; flow logs may go elsewhere.
    stays = node.type == BUCKET and not node.inputs.get("forceDestroy")
    held = protected and node.name != "flow-logs"
    if (node.protect, node.retain) != (held, held or stays):
        yield f"protect {node.protect}, retain {node.retain}"
    if node.type == INSTANCE:
        # RDS takes no final snapshot of a replica, and of anything else it takes one.
        skips, wanted = node.inputs["skipFinalSnapshot"], "replicateSourceDb" in node.inputs
        if skips != wanted:
            yield f"skipFinalSnapshot is {skips}, not {wanted}"


def _documents(node: Registration) -> Iterator[str]:
    for text in ("policy", "assumeRolePolicy", "policyDocument"):
        if isinstance(node.inputs.get(text), str):
            yield from _policy(node, json.loads(node.inputs[text]))
    if node.type == "aws:ecs/taskDefinition:TaskDefinition":
        yield from _containers(json.loads(node.inputs["containerDefinitions"]))


def _policy(node: Registration, policy: Mapping[str, Any]) -> Iterator[str]:
    for statement in policy.get("Statement", []):
        principal = statement.get("Principal")
        if statement["Effect"] == "Allow" and principal in ("*", {"AWS": "*"}):
            yield f"lets everybody {statement['Action']}"
        actions = statement["Action"]
        wide = actions == "*" or any(action.endswith(":*") for action in _list(actions))
        if statement["Effect"] == "Allow" and wide:
            yield f"allows {actions}"
        unconditioned = (
            statement["Effect"] == "Allow"
            and "Condition" not in statement
            and node.type == "aws:iam/rolePolicy:RolePolicy"
        )
        if unconditioned and "*" in _list(statement.get("Resource", [])):
            unscoped = {a for a in _list(actions) if not a.startswith(UNSCOPED)}
            if unscoped:
                yield f"allows {sorted(unscoped)} on everything"


UNSCOPED = (
    "cloudwatch:GetMetricData",
    "ecr:GetAuthorizationToken",
    "ecs:DescribeTaskDefinition",
    "ecs:ListTaskDefinitions",
    "ssmmessages:",
    "xray:",
)
"""Actions whose API takes no resource (Service Authorization Reference)."""


def _containers(containers: list[Mapping[str, Any]]) -> Iterator[str]:
    for container in containers:
        if not container["readonlyRootFilesystem"]:
            yield f"container {container['name']} has a writable root"
        if container["environment"]:
            yield f"container {container['name']} has plain variables"
        for secret in container.get("secrets", []):
            if not secret["valueFrom"].startswith("arn:aws:"):
                yield f"secret {secret['name']} is not an ARN"


def _providers(graph: Graph) -> Iterator[str]:
    for provider in graph.of("pulumi:providers:aws"):
        tags = json.loads(provider.inputs["defaultTags"])["tags"]
        if set(tags) != DEFAULTS:
            yield f"default tags are {sorted(tags)}"
        if not provider.inputs.get("allowedAccountIds"):
            yield "the provider takes any account's credentials"


def _ingress(graph: Graph) -> Iterator[str]:
    ours = {f"{graph.states[eip.urn]['publicIp']}/32" for eip in graph.of("aws:ec2/eip:Eip")}
    for rule in graph.of("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"):
        from_nat = rule.inputs["fromPort"] == 8443 and rule.inputs.get("cidrIpv4") in ours
        if "cidrIpv6" in rule.inputs or ("cidrIpv4" in rule.inputs and not from_nat):
            yield f"{rule.name} lets addresses in"
        if "prefixListId" in rule.inputs and rule.inputs["toPort"] != 443:
            yield f"{rule.name} lets Cloudflare in on {rule.inputs['toPort']}"
    for group in graph.of("aws:ec2/securityGroup:SecurityGroup"):
        if "ingress" in group.inputs or "egress" in group.inputs:
            yield f"{group.name} has rules of its own"


def _buckets(graph: Graph) -> Iterator[str]:
    closing = (
        "aws:s3/bucketVersioning:BucketVersioning",
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        "aws:s3/bucketPolicy:BucketPolicy",
        "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
    )
    buckets = {node.name for node in graph.of("aws:s3/bucket:Bucket")}
    for kind in closing:
        missing = buckets - {node.name for node in graph.of(kind)}
        if missing:
            yield f"{sorted(missing)} without {kind}"


def _transport(graph: Graph) -> Iterator[str]:
    for policy in graph.of("aws:s3/bucketPolicy:BucketPolicy"):
        denied = [
            s for s in json.loads(policy.inputs["policy"])["Statement"] if s["Effect"] == "Deny"
        ]
        if [s["Condition"] for s in denied] != [{"Bool": {"aws:SecureTransport": "false"}}]:
            yield f"{policy.name} lets plain HTTP in"
    for group in graph.of("aws:rds/parameterGroup:ParameterGroup"):
        if ("rds.force_ssl", "1") not in [
            (p["name"], p["value"]) for p in group.inputs["parameters"]
        ]:
            yield f"{group.name} does not force TLS"
    for listener in graph.of("aws:lb/listener:Listener"):
        kind = listener.inputs["defaultActions"][0]["type"]
        if listener.inputs["protocol"] == "HTTP" and kind != "redirect":
            yield f"{listener.name} answers plain HTTP"
        if "TLS13" not in listener.inputs.get("sslPolicy", "TLS13"):
            yield f"{listener.name} offers no TLS 1.3"


def _list(value: str | list[str]) -> list[str]:
    return value if isinstance(value, list) else [value]
