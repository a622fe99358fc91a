"""Models, endpoint configurations, endpoints: how they come, change and go."""

import json
import threading

import pytest
from botocore.exceptions import ClientError

from tests.e2e.cloud import ACCOUNT, REGION, eventually
from tests.e2e.local_cloud.sagemaker.conftest import TOY_IMAGE, ended

PREFIX = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}"
SERVERLESS = {"MemorySizeInMB": 1024, "MaxConcurrency": 1}


@pytest.fixture(scope="module")
def describe(sagemaker):
    return lambda name: sagemaker.describe_endpoint(EndpointName=name)


@pytest.fixture(scope="module")
def settled(describe):
    return lambda name: ended(lambda: describe(name), "EndpointStatus")


def test_an_endpoint_comes_into_service(serve, name):
    endpoint = serve(name)

    assert endpoint["EndpointStatus"] == "InService"
    assert endpoint["EndpointArn"] == f"{PREFIX}:endpoint/{name}"
    [variant] = endpoint["ProductionVariants"]
    assert (variant["VariantName"], variant["CurrentWeight"], variant["CurrentInstanceCount"]) == (
        "main",
        1.0,
        1,
    )


def test_the_container_writes_to_the_log_group_of_its_endpoint(serve, client, name):
    serve(name)

    def messages():
        events = client("logs").filter_log_events(logGroupName=f"/aws/sagemaker/Endpoints/{name}")["events"]
        return [event["message"] for event in events]

    assert eventually(messages) == ["serving"]


def test_a_container_that_is_not_healthy_fails_the_endpoint(serve, name):
    endpoint = serve(name, environment={"BROKEN": "yes"})

    assert endpoint["EndpointStatus"] == "Failed"
    assert "did not pass the ping health check" in endpoint["FailureReason"]


def test_model_data_that_goes_missing_fails_the_endpoint(sagemaker, host, client, settled, bucket, name):
    url = f"s3://{bucket}/{name}/model.tar.gz"
    client("s3").put_object(Bucket=bucket, Key=f"{name}/model.tar.gz", Body=b"a model")
    host(name, model_data_url=url)
    client("s3").delete_object(Bucket=bucket, Key=f"{name}/model.tar.gz")
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)

    endpoint = settled(name)
    assert endpoint["EndpointStatus"] == "Failed"
    assert f"Could not find model data at {url}" in endpoint["FailureReason"]
    sagemaker.delete_endpoint(EndpointName=name)


def test_an_update_exchanges_the_model_without_a_gap(serve, host, sagemaker, invoke, settled, name):
    serve(name, text="old")
    new = host(f"{name}-new", text="new")
    answers, done = [], threading.Event()

    def ask():
        while not done.is_set():
            answers.append(invoke(name, b"x"))

    asking = threading.Thread(target=ask)
    asking.start()
    sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=new)
    endpoint = settled(name)
    done.set()
    asking.join()

    assert endpoint["EndpointConfigName"] == new
    assert set(answers) <= {b"old:x", b"new:x"}
    assert invoke(name, b"x") == b"new:x"


def test_an_update_to_a_broken_model_is_rolled_back(serve, host, sagemaker, invoke, settled, name):
    serve(name, text="old")
    broken = host(f"{name}-broken", environment={"BROKEN": "yes"})
    sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=broken)

    endpoint = settled(name)
    assert endpoint["EndpointStatus"] == "InService"
    assert endpoint["EndpointConfigName"] == name
    assert "did not pass the ping health check" in endpoint["FailureReason"]
    assert invoke(name, b"x") == b"old:x"


@pytest.fixture
def guarded(sagemaker, client):
    """Update an endpoint all at once, and bake it for twenty minutes of AWS's under an alarm of its name."""

    def guarded(name, config):
        client("cloudwatch").put_metric_alarm(
            AlarmName=name,
            Namespace="AWS/SageMaker",
            MetricName="Invocation5XXErrors",
            Dimensions=[
                {"Name": "EndpointName", "Value": name},
                {"Name": "VariantName", "Value": "main"},
            ],
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="GreaterThanOrEqualToThreshold",
        )
        routing = {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}
        policy = {"TrafficRoutingConfiguration": routing, "TerminationWaitInSeconds": 1200}
        rollback = {"Alarms": [{"AlarmName": name}]}
        deployment = {"BlueGreenUpdatePolicy": policy, "AutoRollbackConfiguration": rollback}
        sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=config, DeploymentConfig=deployment)

    return guarded


def test_an_alarm_moves_requests_back_to_the_old_model(
    serve, host, guarded, make_role, invoke, settled, name
):
    role = make_role("s3:*", "cloudwatch:DescribeAlarms")
    serve(name, text="old", role=role)
    guarded(name, host(f"{name}-new", text="new", role=role))
    eventually(lambda: invoke(name, b"x"), lambda answer: answer == b"new:x")

    with pytest.raises(ClientError):
        invoke(name, b"status 500")
    endpoint = settled(name)

    assert (endpoint["EndpointStatus"], endpoint["EndpointConfigName"]) == ("InService", name)
    assert f"{name} went into ALARM state" in endpoint["FailureReason"]
    assert invoke(name, b"x") == b"old:x"


def test_guardrails_need_a_role_that_may_read_the_alarms(serve, host, guarded, name):
    serve(name)

    with pytest.raises(ClientError, match=r"could not be read.*cloudwatch:DescribeAlarms"):
        guarded(name, host(f"{name}-new"))


@pytest.mark.parametrize("operation", ["create_endpoint", "update_endpoint"])
def test_who_points_an_endpoint_at_a_configuration_needs_both(cloud, host, operation, name):
    arn = f"{PREFIX}:endpoint/{name}"
    client = cloud.as_role({"Action": "sagemaker:*Endpoint", "Resource": arn})("sagemaker")

    with pytest.raises(ClientError, match=f"not authorized.*{PREFIX}:endpoint-config/{name}"):
        getattr(client, operation)(EndpointName=name, EndpointConfigName=host(name))


def test_an_endpoint_that_is_being_changed_cannot_be_changed(serve, host, sagemaker, settled, name):
    serve(name)
    slow = host(f"{name}-slow", environment={"SLOW_S": "1"})
    sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=slow)

    with pytest.raises(ClientError, match=f'Cannot update in-progress endpoint "{PREFIX}:endpoint/{name}"'):
        sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=name)
    with pytest.raises(ClientError, match="Cannot delete in-progress endpoint"):
        sagemaker.delete_endpoint(EndpointName=name)
    settled(name)


def test_a_deleted_endpoint_is_gone(serve, sagemaker, invoke, describe, name):
    serve(name)
    sagemaker.delete_endpoint(EndpointName=name)

    with pytest.raises(ClientError, match="Could not find endpoint") as refusal:
        eventually(lambda: describe(name), lambda _: False)
    assert refusal.value.response["Error"]["Code"] == "ValidationException"
    with pytest.raises(ClientError, match=f"Endpoint {name} of account {ACCOUNT} not found"):
        invoke(name, b"x")


def test_weights_and_capacities_can_be_changed(serve, sagemaker, settled, invoke, name):
    serve(name)
    one = {invoke(name, b"pid") for _ in range(5)}
    wanted = {"VariantName": "main", "DesiredWeight": 0.5, "DesiredInstanceCount": 2}
    sagemaker.update_endpoint_weights_and_capacities(EndpointName=name, DesiredWeightsAndCapacities=[wanted])

    [variant] = settled(name)["ProductionVariants"]
    assert (variant["CurrentWeight"], variant["CurrentInstanceCount"]) == (0.5, 2)
    assert len(one) == 1
    assert len({invoke(name, b"pid") for _ in range(30)}) == 2


def test_a_serverless_endpoint_shows_its_configuration(serve, name):
    [variant] = serve(name, serverless=SERVERLESS)["ProductionVariants"]

    assert variant["CurrentServerlessConfig"] == SERVERLESS


def test_a_configuration_is_described_as_it_was_made(host, sagemaker, name):
    config = sagemaker.describe_endpoint_config(EndpointConfigName=host(name))

    assert config["EndpointConfigArn"] == f"{PREFIX}:endpoint-config/{name}"
    [variant] = config["ProductionVariants"]
    assert (variant["ModelName"], variant["InstanceType"]) == (name, "ml.m5.large")


def test_a_configuration_needs_its_model(sagemaker, name):
    variant = {
        "VariantName": "v",
        "ModelName": "none",
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
    }

    with pytest.raises(ClientError, match=f'Could not find model "{PREFIX}:model/none"'):
        sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])


def test_an_endpoint_needs_its_configuration(sagemaker, name):
    with pytest.raises(
        ClientError, match=f'Could not find endpoint configuration "{PREFIX}:endpoint-config/none"'
    ):
        sagemaker.create_endpoint(EndpointName=name, EndpointConfigName="none")


def test_names_are_given_once(serve, host, sagemaker, name):
    serve(name)

    with pytest.raises(
        ClientError, match=f'Cannot create already existing endpoint "{PREFIX}:endpoint/{name}"'
    ):
        sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    with pytest.raises(ClientError, match="Cannot create already existing model"):
        host(name)


def test_a_model_needs_a_role_that_trusts_sagemaker(sagemaker, host, make_role, name):
    container = sagemaker.describe_model(ModelName=host(name))["PrimaryContainer"]
    role = make_role("s3:*", service="lambda")

    with pytest.raises(ClientError, match="Could not assume role"):
        sagemaker.create_model(ModelName=f"{name}-2", ExecutionRoleArn=role, PrimaryContainer=container)


def test_a_model_needs_data_that_its_role_can_read(host, bucket, name):
    url = f"s3://{bucket}/nowhere/model.tar.gz"

    with pytest.raises(ClientError, match=f"Could not find model data at {url}."):
        host(name, model_data_url=url)


def test_a_request_is_checked_against_the_service_model(sagemaker, role):
    with pytest.raises(ClientError, match=r"1 validation error detected.*regular expression pattern"):
        sagemaker.create_model(ModelName="not_a_name", ExecutionRoleArn=role)


def test_what_is_deleted_is_not_found(host, sagemaker, name):
    host(name)
    sagemaker.delete_endpoint_config(EndpointConfigName=name)
    sagemaker.delete_model(ModelName=name)

    with pytest.raises(ClientError, match="Could not find endpoint configuration"):
        sagemaker.describe_endpoint_config(EndpointConfigName=name)
    with pytest.raises(ClientError, match="Could not find model"):
        sagemaker.describe_model(ModelName=name)
    with pytest.raises(ClientError, match="Could not find model"):
        sagemaker.delete_model(ModelName=name)


def test_an_endpoint_comes_from_a_template(client, sagemaker, settled, invoke, role, model_data, name):
    model = {"ModelName": name, "ExecutionRoleArn": role}
    container = {"Image": TOY_IMAGE, "ModelDataUrl": model_data("hello")}
    variant = {
        "VariantName": "v",
        "ModelName": name,
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
    }
    properties = {
        "Model": {**model, "PrimaryContainer": container},
        "EndpointConfig": {"EndpointConfigName": name, "ProductionVariants": [variant]},
        "Endpoint": {"EndpointName": name, "EndpointConfigName": name},
    }
    before = {"EndpointConfig": "Model", "Endpoint": "EndpointConfig"}
    resources = {
        noun: {"Type": f"AWS::SageMaker::{noun}", "Properties": found}
        | ({"DependsOn": before[noun]} if noun in before else {})
        for noun, found in properties.items()
    }
    stacks = client("cloudformation")
    stacks.create_stack(StackName=name, TemplateBody=json.dumps({"Resources": resources}))
    stacks.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})

    assert settled(name)["EndpointStatus"] == "InService"
    assert invoke(name, b"x") == b"hello:x"
    stacks.delete_stack(StackName=name)
    stacks.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    assert not sagemaker.list_models(NameContains=name)["Models"]
    assert not sagemaker.list_endpoints(NameContains=name)["Endpoints"]


def test_a_caller_needs_permission(cloud, host, name):
    host(name)
    allowed = {"Action": "sagemaker:DescribeModel", "Resource": f"{PREFIX}:model/{name}"}
    reader = cloud.as_role(allowed)("sagemaker")

    assert reader.describe_model(ModelName=name)["ModelName"] == name
    with pytest.raises(ClientError, match="not authorized to perform: sagemaker:DescribeModel"):
        reader.describe_model(ModelName="other")
    with pytest.raises(ClientError, match="not authorized to perform: sagemaker:DeleteModel"):
        reader.delete_model(ModelName=name)
