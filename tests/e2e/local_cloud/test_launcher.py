"""The life of a local cloud: started, ended in any way, started again, emptied."""

import io
import json
import os
import signal
import socket
import tarfile

import psutil
import pytest

from local_cloud.launcher import LocalCloudError
from tests.e2e.cloud import Cloud, code_archive, eventually, running
from tests.e2e.local_cloud.sagemaker.conftest import TOY_IMAGE, lay_out_toy_image

FUNCTION_CODE = """
def main(event, context):
    for change in event.get("Records", []):
        print("changed:", change["dynamodb"]["Keys"]["id"]["S"])
    return {"twice": 2 * event.get("number", 0)}
"""
STACK = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "of-a-stack"}}}}


def test_it_tells_whether_it_runs(new_cloud):
    cloud = new_cloud()
    before = cloud.status()
    with running(cloud):
        during = cloud.status()

    assert (before.running, before.pid) == (False, None)
    assert during.running
    assert during.endpoint == f"http://localhost:{cloud.settings.port}"
    assert not cloud.status().running
    assert not psutil.pid_exists(during.pid)


def test_a_second_start_changes_nothing(cloud):
    pid = cloud.status().pid

    cloud.start()

    assert cloud.status().pid == pid


def test_a_second_stop_does_nothing(new_cloud):
    cloud = new_cloud()
    with running(cloud):
        pass

    assert cloud.stop() is False


def test_a_port_that_another_program_has_is_named_in_one_line(new_cloud):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(LocalCloudError) as refusal:
            new_cloud(port).start()

    assert str(refusal.value).startswith(f"port {port} is taken by another program")
    assert "\n" not in str(refusal.value)


def test_a_port_that_another_local_cloud_has_is_taken_too(cloud, new_cloud):
    with pytest.raises(LocalCloudError, match="is taken by another program"):
        new_cloud(cloud.settings.port).start()


def test_it_listens_on_one_port_of_the_loopback(new_cloud):
    cloud = new_cloud()
    with running(cloud):
        cloud.client("s3").list_buckets()
        listening = _listening(cloud.status().pid)

    assert listening == [("127.0.0.1", cloud.settings.port)]


def test_its_children_listen_on_the_loopback_only(reborn):
    reborn.client("lambda").invoke(FunctionName="doubles", Payload=b'{"number": 1}')

    children = psutil.Process(reborn.status().pid).children(recursive=True)
    addresses = {address for child in children for address, _ in _listening(child.pid)}
    assert addresses <= {"127.0.0.1"}


def test_a_reset_forgets_everything(new_cloud):
    cloud = new_cloud()
    with running(cloud):
        cloud.client("s3").create_bucket(Bucket="forgotten")
        cloud.reset()
        assert not cloud.status().running
        cloud.start()

        assert cloud.client("s3").list_buckets()["Buckets"] == []


def test_its_log_can_be_read(new_cloud):
    cloud = new_cloud()
    assert cloud.logs() == ""
    with running(cloud):
        cloud.client("s3").list_buckets()

    assert "Traceback" not in cloud.logs()


# --- what a restart keeps


def _stop(cloud):
    cloud.stop()


def _kill(cloud):
    os.kill(cloud.status().pid, signal.SIGKILL)
    eventually(lambda: not cloud.status().running)


@pytest.fixture(scope="module", params=[_stop, _kill], ids=["a_stop", "a_kill"])
def reborn(request, tmp_path_factory):
    """A cloud that was filled, ended and started again."""
    with running(Cloud(tmp_path_factory.mktemp("reborn"))) as cloud:
        _fill(cloud)
        eventually(lambda: _is_saved(cloud))
        children = psutil.Process(cloud.status().pid).children(recursive=True)
        request.param(cloud)
        cloud.children_of_its_first_life = children
        cloud.start()
        yield cloud


def test_objects_survive(reborn):
    body = reborn.client("s3").get_object(Bucket="kept", Key="in/rows.csv")["Body"].read()

    assert body == b"1,2\n"


def test_the_versions_of_an_object_survive(reborn):
    versions = reborn.client("s3").list_object_versions(Bucket="kept", Prefix="versioned")["Versions"]

    bodies = [
        reborn.client("s3").get_object(Bucket="kept", Key="versioned", VersionId=version["VersionId"])["Body"]
        for version in versions
    ]
    assert [body.read() for body in bodies] == [b"second", b"first"]


def test_stacks_survive(reborn):
    [stack] = reborn.client("cloudformation").describe_stacks(StackName="kept")["Stacks"]
    topics = reborn.client("sns").list_topics()["Topics"]

    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert any(topic["TopicArn"].endswith(":of-a-stack") for topic in topics)


def test_functions_can_be_called(reborn):
    answer = reborn.client("lambda").invoke(FunctionName="doubles", Payload=b'{"number": 21}')

    assert json.loads(answer["Payload"].read()) == {"twice": 42}


def test_endpoints_come_back_into_service_and_answer(reborn):
    eventually(lambda: _endpoint(reborn)["EndpointStatus"], lambda status: status == "InService")

    answer = reborn.client("sagemaker-runtime").invoke_endpoint(EndpointName="kept", Body=b"rows")
    assert answer["Body"].read() == b"good day:rows"


def test_a_job_that_was_running_has_failed(reborn):
    def describe():
        return reborn.client("sagemaker").describe_training_job(TrainingJobName="interrupted")

    job = eventually(describe, lambda job: job["TrainingJobStatus"] != "InProgress")

    assert job["TrainingJobStatus"] == job["SecondaryStatus"] == "Failed"
    assert job["FailureReason"].startswith("InternalServerError")
    assert job["SecondaryStatusTransitions"][-1]["Status"] == "Failed"


def test_alarms_keep_their_state(reborn):
    [alarm] = reborn.client("cloudwatch").describe_alarms(AlarmNames=["kept"])["MetricAlarms"]

    assert (alarm["StateValue"], alarm["StateReason"]) == ("ALARM", "drill")


def test_metrics_survive(reborn):
    metrics = reborn.client("cloudwatch").list_metrics(Namespace="Kept")["Metrics"]

    assert [metric["MetricName"] for metric in metrics] == ["rows"]


def test_tables_survive(reborn):
    item = reborn.client("dynamodb").get_item(TableName="kept", Key={"id": {"S": "a"}})["Item"]

    assert item["rows"] == {"N": "3"}


def test_functions_hear_of_every_change_of_a_table_once(reborn):
    reborn.client("dynamodb").put_item(TableName="kept", Item={"id": {"S": "b"}})

    eventually(lambda: _heard(reborn), lambda heard: heard == ["a", "b"])


def test_logs_survive(reborn):
    events = reborn.client("logs").filter_log_events(logGroupName="/kept")["events"]

    assert [event["message"] for event in events] == ["a line"]


def test_permissions_survive(reborn):
    arn = reborn.client("iam").get_role(RoleName=reborn.role_name)["Role"]["Arn"]

    assert arn.endswith(reborn.role_name)


def test_no_child_outlives_its_parent(reborn):
    children = reborn.children_of_its_first_life

    assert len(children) >= 3  # a function, an endpoint, a job
    eventually(lambda: [child for child in children if _lives(child)], lambda living: not living)


def _fill(cloud):
    bucket = cloud.client("s3")
    bucket.create_bucket(Bucket="kept")
    bucket.put_bucket_versioning(Bucket="kept", VersioningConfiguration={"Status": "Enabled"})
    bucket.put_object(Bucket="kept", Key="in/rows.csv", Body=b"1,2\n")
    for body in (b"first", b"second"):
        bucket.put_object(Bucket="kept", Key="versioned", Body=body)
    cloud.client("cloudformation").create_stack(StackName="kept", TemplateBody=json.dumps(STACK))
    _fill_table_and_logs(cloud)
    _fill_cloudwatch(cloud)
    _fill_lambda(cloud)
    _fill_sagemaker(cloud)


def _fill_table_and_logs(cloud):
    table = cloud.client("dynamodb")
    cloud.stream = table.create_table(
        TableName="kept",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
    )["TableDescription"]["LatestStreamArn"]
    table.put_item(TableName="kept", Item={"id": {"S": "a"}, "rows": {"N": "3"}})
    logs = cloud.client("logs")
    logs.create_log_group(logGroupName="/kept")
    logs.create_log_stream(logGroupName="/kept", logStreamName="s")
    event = {"timestamp": 1_790_000_000_000, "message": "a line"}
    logs.put_log_events(logGroupName="/kept", logStreamName="s", logEvents=[event])


def _fill_cloudwatch(cloud):
    cloudwatch = cloud.client("cloudwatch")
    cloudwatch.put_metric_data(Namespace="Kept", MetricData=[{"MetricName": "rows", "Value": 3}])
    cloudwatch.put_metric_alarm(
        AlarmName="kept",
        Namespace="Kept",
        MetricName="errors",
        Statistic="Sum",
        Period=3600,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="ignore",
    )
    cloudwatch.set_alarm_state(AlarmName="kept", StateValue="ALARM", StateReason="drill")


def _fill_lambda(cloud):
    role = cloud.role({"Action": "dynamodb:*", "Resource": "*"}, principal="lambda")
    cloud.role_name = role.rpartition("/")[2]
    cloud.client("lambda").create_function(
        FunctionName="doubles",
        Runtime="python3.14",
        Handler="main.main",
        Role=role,
        Code={"ZipFile": code_archive(FUNCTION_CODE)},
    )
    cloud.client("logs").create_log_group(logGroupName="/aws/lambda/doubles")
    cloud.client("lambda").create_event_source_mapping(
        FunctionName="doubles", EventSourceArn=cloud.stream, StartingPosition="TRIM_HORIZON"
    )
    eventually(lambda: _heard(cloud))


def _heard(cloud):
    """Return what the function was told that has changed."""
    events = cloud.client("logs").filter_log_events(
        logGroupName="/aws/lambda/doubles", filterPattern="changed"
    )["events"]
    return [event["message"].split()[-1] for event in events if "changed:" in event["message"]]


def _fill_sagemaker(cloud):
    lay_out_toy_image(cloud.settings.state_dir)
    role = cloud.role({"Action": "s3:*", "Resource": "*"}, principal="sagemaker")
    cloud.client("s3").put_object(Bucket="kept", Key="model.tar.gz", Body=_model("good day"))
    sagemaker = cloud.client("sagemaker")
    container = {"Image": TOY_IMAGE, "ModelDataUrl": "s3://kept/model.tar.gz"}
    sagemaker.create_model(ModelName="kept", ExecutionRoleArn=role, PrimaryContainer=container)
    variant = {"VariantName": "main", "ModelName": "kept"}
    sagemaker.create_endpoint_config(
        EndpointConfigName="kept",
        ProductionVariants=[variant | {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}],
    )
    sagemaker.create_endpoint(EndpointName="kept", EndpointConfigName="kept")
    sagemaker.create_training_job(
        TrainingJobName="interrupted",
        RoleArn=role,
        AlgorithmSpecification={"TrainingImage": TOY_IMAGE, "TrainingInputMode": "File"},
        OutputDataConfig={"S3OutputPath": "s3://kept/out"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 600},
        HyperParameters={"sleep_s": "600"},
    )
    eventually(lambda: _endpoint(cloud)["EndpointStatus"], lambda status: status == "InService")


def _model(text):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        member = tarfile.TarInfo("model.txt")
        member.size = len(text)
        archive.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()


def _endpoint(cloud):
    return cloud.client("sagemaker").describe_endpoint(EndpointName="kept")


def _is_saved(cloud):
    """Whether the endpoint, the last thing that was made, is in the saved state as in service, and the change of the table."""
    wanted = {"sagemaker.json": "InService", "table_streams.json": "NewImage"}
    saved = {cloud.settings.state_dir / "services" / name: text for name, text in wanted.items()}
    return all(path.exists() and text in path.read_text() for path, text in saved.items())


def _listening(pid):
    connections = psutil.Process(pid).net_connections("all")
    return [tuple(one.laddr) for one in connections if one.status == psutil.CONN_LISTEN]


def _lives(process):
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
