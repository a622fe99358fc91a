import io
import json
import tarfile

import pytest
from botocore.exceptions import ClientError

from tests.e2e.cloud import ACCOUNT, eventually, new_name
from tests.e2e.local_cloud.sagemaker.conftest import ended


def test_a_job_runs_its_container_and_stores_what_it_leaves(train, client, bucket, name):
    job = train(name, text="good day", depth=3)

    assert job["TrainingJobStatus"] == "Completed"
    url = f"s3://{bucket}/out/{name}/output/model.tar.gz"
    assert job["ModelArtifacts"]["S3ModelArtifacts"] == url
    assert model_file(client, url, "model.txt") == b"good day"


def test_statuses_move_in_the_order_of_sagemaker(train, name):
    history = train(name)["SecondaryStatusTransitions"]

    assert [step["Status"] for step in history] == [
        "Starting",
        "Downloading",
        "Training",
        "Uploading",
        "Completed",
    ]
    assert all(step["EndTime"] >= step["StartTime"] for step in history)


def test_the_container_finds_what_the_contract_promises(train, client, name):
    job = train(name, depth=3)

    report = json.loads(model_file(client, job["ModelArtifacts"]["S3ModelArtifacts"], "report.json"))
    environment = report["environment"]
    assert report["files"] == {"train/rows.csv": "1,2\n", "train/more/rows.csv": "3,4\n"}
    assert report["config"]["hyperparameters.json"] == {"depth": "3"}
    assert report["config"]["resourceconfig.json"]["hosts"] == ["algo-1"]
    assert report["config"]["inputdataconfig.json"]["train"]["TrainingInputMode"] == "File"
    assert environment["TRAINING_JOB_NAME"] == name
    assert environment["SM_CHANNEL_TRAIN"].endswith("/input/data/train")
    assert environment["FROM_IMAGE"] == "yes"
    assert "HEADRACE_STATE" not in environment


def test_the_container_has_the_permissions_of_the_jobs_role(train, client, name):
    job = train(name)

    report = json.loads(model_file(client, job["ModelArtifacts"]["S3ModelArtifacts"], "report.json"))
    assert report["environment"]["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    assert report["environment"]["AWS_SESSION_TOKEN"]


def test_the_failure_file_becomes_the_reason(train, name):
    job = train(name, failure="ValueError: no rows")

    assert job["TrainingJobStatus"] == job["SecondaryStatus"] == "Failed"
    assert job["FailureReason"] == "AlgorithmError: ValueError: no rows, exit code: 3"


def test_a_role_that_may_not_read_fails_the_download(training_request, sagemaker, make_role, name):
    sagemaker.create_training_job(**training_request(name) | {"RoleArn": make_role("s3:PutObject")})

    job = ended(lambda: sagemaker.describe_training_job(TrainingJobName=name), "TrainingJobStatus")
    assert job["FailureReason"].startswith("ClientError: Data download failed")
    assert "not authorized" in job["FailureReason"]


def test_a_role_that_may_not_write_fails_the_upload(training_request, sagemaker, make_role, name):
    role = make_role("s3:GetObject", "s3:ListBucket")
    sagemaker.create_training_job(**training_request(name) | {"RoleArn": role})

    job = ended(lambda: sagemaker.describe_training_job(TrainingJobName=name), "TrainingJobStatus")
    assert job["TrainingJobStatus"] == "Failed"
    assert "upload" in job["FailureReason"]


def test_a_role_that_does_not_trust_sagemaker_is_refused(training_request, sagemaker, make_role, name):
    role = make_role("s3:*", service="lambda")

    with pytest.raises(ClientError, match=r"Could not assume role .* allows principal 'sagemaker"):
        sagemaker.create_training_job(**training_request(name) | {"RoleArn": role})
    with pytest.raises(ClientError, match="Requested resource not found"):
        sagemaker.describe_training_job(TrainingJobName=name)


def test_a_caller_must_be_allowed_to_pass_the_role(cloud, training_request, role, name):
    create = {"Action": "sagemaker:CreateTrainingJob", "Resource": "*"}
    to_sagemaker = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
    pass_role = {"Action": "iam:PassRole", "Resource": role, "Condition": to_sagemaker}

    with pytest.raises(
        ClientError, match=f"not authorized to perform: iam:PassRole on resource: {role}"
    ) as refusal:
        cloud.as_role(create)("sagemaker").create_training_job(**training_request(name))
    assert refusal.value.response["Error"]["Code"] == "AccessDeniedException"
    allowed = cloud.as_role(create, pass_role)("sagemaker")
    assert allowed.create_training_job(**training_request(name))["TrainingJobArn"].endswith(name)


def test_a_missing_prefix_is_named(training_request, sagemaker, bucket, name):
    request = training_request(name)
    request["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"] = f"s3://{bucket}/nowhere/"
    sagemaker.create_training_job(**request)

    job = ended(lambda: sagemaker.describe_training_job(TrainingJobName=name), "TrainingJobStatus")
    assert f'No S3 objects found under S3 URL "s3://{bucket}/nowhere/"' in job["FailureReason"]


def test_a_job_that_takes_too_long_is_stopped(training_request, sagemaker, name):
    request = training_request(name, sleep_s=60)
    sagemaker.create_training_job(**request | {"StoppingCondition": {"MaxRuntimeInSeconds": 1}})

    job = ended(lambda: sagemaker.describe_training_job(TrainingJobName=name), "TrainingJobStatus")
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")


def test_a_job_can_be_stopped_once(training_request, sagemaker, name):
    def describe():
        return sagemaker.describe_training_job(TrainingJobName=name)

    sagemaker.create_training_job(**training_request(name, sleep_s=60))
    eventually(describe, lambda job: job["SecondaryStatus"] == "Training")
    sagemaker.stop_training_job(TrainingJobName=name)

    job = ended(describe, "TrainingJobStatus")
    assert job["TrainingJobStatus"] == job["SecondaryStatus"] == "Stopped"
    with pytest.raises(ClientError, match="the training job is in status Stopped"):
        sagemaker.stop_training_job(TrainingJobName=name)


def test_a_name_is_given_once(train, training_request, sagemaker, name):
    train(name)

    with pytest.raises(sagemaker.exceptions.ResourceInUse, match="must be unique within an AWS account"):
        sagemaker.create_training_job(**training_request(name))


def test_metrics_are_read_from_the_log(train, client, name):
    job = train(name)

    final = {metric["MetricName"]: metric["Value"] for metric in job["FinalMetricDataList"]}
    assert final == {"validation:rmse": 0.5}
    dimensions = [{"Name": "Host", "Value": "algo-1"}, {"Name": "TrainingJobName", "Value": name}]
    found = eventually(
        lambda: client("cloudwatch").list_metrics(
            Namespace="/aws/sagemaker/TrainingJobs", Dimensions=dimensions[1:]
        )["Metrics"],
        bool,
    )
    assert found[0]["MetricName"] == "validation:rmse"


def test_the_output_is_in_the_log_group_of_training_jobs(train, client, name):
    train(name)

    streams = client("logs").describe_log_streams(
        logGroupName="/aws/sagemaker/TrainingJobs", logStreamNamePrefix=f"{name}/algo-1-"
    )["logStreams"]
    events = client("logs").get_log_events(
        logGroupName="/aws/sagemaker/TrainingJobs", logStreamName=streams[0]["logStreamName"]
    )["events"]
    assert [event["message"] for event in events] == ["validation:rmse=1.5;", "validation:rmse=0.5; and more"]


def test_an_image_that_is_not_there_is_named(training_request, sagemaker, name):
    request = training_request(name)
    request["AlgorithmSpecification"]["TrainingImage"] = "123456789012.dkr.ecr.us-east-1.amazonaws.com/none:1"
    sagemaker.create_training_job(**request)

    job = ended(lambda: sagemaker.describe_training_job(TrainingJobName=name), "TrainingJobStatus")
    assert job["FailureReason"].startswith("ClientError:")
    assert "amazonaws.com/none:1" in job["FailureReason"]


def test_jobs_are_listed_by_name_and_status_in_pages(train, sagemaker, name):
    for number in (1, 2, 3):
        train(f"{name}-{number}", **({"exit": 1} if number == 2 else {}))

    listed = [
        job["TrainingJobName"]
        for page in sagemaker.get_paginator("list_training_jobs").paginate(
            NameContains=name, StatusEquals="Completed", SortBy="Name", SortOrder="Ascending", MaxResults=1
        )
        for job in page["TrainingJobSummaries"]
    ]
    assert listed == [f"{name}-1", f"{name}-3"]


def model_file(client, url, member):
    bucket, _, key = url.removeprefix("s3://").partition("/")
    body = client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as archive:
        return archive.extractfile(member).read()


@pytest.fixture
def tuning_request(training_request, name):
    request = training_request(name)
    definition = {key: request[key] for key in request if key not in ("TrainingJobName", "HyperParameters")}
    return {
        "HyperParameterTuningJobName": name,
        "HyperParameterTuningJobConfig": {
            "Strategy": "Grid",
            "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "validation:rmse"},
            "ResourceLimits": {"MaxParallelTrainingJobs": 2},
            "ParameterRanges": {"CategoricalParameterRanges": [{"Name": "rmse", "Values": ["1.5", "2.5"]}]},
        },
        "TrainingJobDefinition": definition,
        "Tags": [{"Key": "team", "Value": "one"}],
    }


def tune_in_a_state_machine(cloud, request, *statements):
    role = cloud.role(*statements, principal="states")
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sagemaker:createHyperParameterTuningJob.sync",
        "Arguments": request,
        "End": True,
    }
    definition = {"QueryLanguage": "JSONata", "StartAt": "Tune", "States": {"Tune": task}}
    states = cloud.client("stepfunctions")
    machine = states.create_state_machine(name=new_name(), definition=json.dumps(definition), roleArn=role)[
        "stateMachineArn"
    ]
    execution = states.start_execution(stateMachineArn=machine)["executionArn"]
    return eventually(
        lambda: states.describe_execution(executionArn=execution), lambda found: found["status"] != "RUNNING"
    )


def test_a_state_machine_waits_for_a_tuning_job_with_the_permissions_that_aws_documents(
    cloud, sagemaker, tuning_request, role, name
):
    arn = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:hyper-parameter-tuning-job/{name}"
    rule = f"arn:aws:events:us-east-1:{ACCOUNT}:rule/StepFunctionsGetEventsForSageMakerTuningJobsRule"
    verbs = [f"sagemaker:{verb}HyperParameterTuningJob" for verb in ("Create", "Describe", "Stop")]
    job = {"Action": [*verbs, "sagemaker:AddTags"], "Resource": arn}
    # AWS does not say in whose name the trials get the tags: here it is the caller's (docs/fidelity.md).
    trials = {
        "Action": "sagemaker:AddTags",
        "Resource": f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:training-job/{name}-*",
    }
    watch = {
        "Action": [f"events:{verb}" for verb in ("PutRule", "PutTargets", "DescribeRule")],
        "Resource": rule,
    }
    to_sagemaker = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
    pass_role = {"Action": "iam:PassRole", "Resource": role, "Condition": to_sagemaker}

    refused = tune_in_a_state_machine(cloud, tuning_request, job, trials, watch)
    done = tune_in_a_state_machine(cloud, tuning_request, job, trials, watch, pass_role)

    assert "iam:PassRole" in refused["cause"]
    assert done["status"] == "SUCCEEDED"
    output = json.loads(done["output"])
    assert output["TrainingJobStatusCounters"]["Completed"] == 2
    best = sagemaker.describe_training_job(TrainingJobName=output["BestTrainingJob"]["TrainingJobName"])
    assert best["TuningJobArn"] == arn
    assert sagemaker.list_tags(ResourceArn=best["TrainingJobArn"])["Tags"] == [
        {"Key": "team", "Value": "one"}
    ]


def test_a_caller_of_a_tuning_job_must_be_allowed_to_pass_the_role_of_its_training_jobs(
    cloud, tuning_request, role
):
    create = {"Action": "sagemaker:CreateHyperParameterTuningJob", "Resource": "*"}

    with pytest.raises(ClientError, match=f"not authorized to perform: iam:PassRole on resource: {role}"):
        cloud.as_role(create)("sagemaker").create_hyper_parameter_tuning_job(**tuning_request)
