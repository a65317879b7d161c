"""What the emulated cloud says about a resource that its entries do not expect."""

import json

import botocore.session
import pytest
from botocore.validate import ParamValidator

from arca.clock import Clock
from arca.emulator.provider.api_parameters import to_api_parameters
from arca.emulator.provider.cloud import EmulatedCloud
from arca.emulator.provider.resources import CALLS
from arca.errors import ArcaError
from tests.registrations import registration

UNREACHABLE = "http://127.0.0.1:1"
VPC = "urn:pulumi:dev::arca-api::aws:ec2/vpc:Vpc::own"


def test_an_input_that_the_calls_need_is_named() -> None:
    """A missing input is one message about the resource, and no KeyError."""
    cloud = EmulatedCloud(
        UNREACHABLE,
        account="000000000000",
        clock=Clock(),
        exports=lambda _stack: {},
        on_progress=lambda _registration, _total: None,
    )
    vpc = registration(VPC, {"enableDnsSupport": True})
    with pytest.raises(ArcaError, match=r"^ec2\.create_vpc needs the input cidrBlock") as refused:
        cloud.create(vpc)
    assert vpc.urn in str(refused.value)


def test_a_worker_is_a_service_with_few_inputs() -> None:
    """A service without a load balancer and without deployment settings makes a valid call."""
    (call,) = CALLS["aws:ecs/service:Service"]
    inputs = {
        "name": "worker",
        "cluster": "arn:aws:ecs:sa-east-1:000000000000:cluster/arca-dev",
        "taskDefinition": "worker:1",
        "desiredCount": 1,
        "networkConfiguration": {"subnets": ["subnet-1"]},
    }
    model = botocore.session.get_session().get_service_model("ecs").operation_model("CreateService")
    shape = model.input_shape
    assert shape is not None
    params = to_api_parameters(dict(call.params(inputs)), shape)
    assert ParamValidator().validate(params, shape).generate_report() == ""
    assert json.dumps(params["networkConfiguration"]) == json.dumps(
        {"awsvpcConfiguration": {"subnets": ["subnet-1"], "assignPublicIp": "DISABLED"}}
    )
