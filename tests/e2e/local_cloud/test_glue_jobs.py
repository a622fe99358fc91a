"""Glue's jobs run their scripts for real: arguments, roles, logs, states, and Step Functions' ``.sync``."""

import io
import json
import zipfile

import pytest

from local_cloud.glue.spark import installed
from tests.e2e.cloud import ACCOUNT, REGION, eventually, new_name

pytestmark = pytest.mark.skipif(not installed(), reason="Spark is not installed here: make spark")

SPARK_SCRIPT = """
import sys

import boto3
from awsglue.utils import getResolvedOptions
from pyspark.sql import SparkSession

from helper import double

arguments = getResolvedOptions(sys.argv, ["bucket", "factor"])
spark = SparkSession.builder.getOrCreate()
total = spark.sparkContext.parallelize(range(5), 2).map(double).sum()
body = f"{arguments['JOB_NAME']} {int(arguments['factor']) * total} {spark.version[:3]}"
boto3.client("s3").put_object(Bucket=arguments["bucket"], Key="out/answer", Body=body.encode())
print("the answer is written")
"""
HELPER = "def double(number):\n    return 2 * number\n"
FAILING_SCRIPT = "raise ValueError('the file has no rows')\n"
SLEEPING_SCRIPT = "import time\nprint('asleep', flush=True)\ntime.sleep(600)\n"
FORBIDDEN_SCRIPT = """
import sys
import boto3
boto3.client("s3").put_object(Bucket=sys.argv[sys.argv.index("--bucket") + 1], Key="elsewhere", Body=b"")
"""
ENDED = ("SUCCEEDED", "FAILED", "STOPPED", "TIMEOUT")


@pytest.fixture(scope="module")
def bucket(client):
    name = new_name("glue")
    s3 = client("s3")
    s3.create_bucket(Bucket=name)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as bundle:
        bundle.writestr("helper.py", HELPER)
    s3.put_object(Bucket=name, Key="code/helper.zip", Body=archive.getvalue())
    return name


@pytest.fixture(scope="module")
def job(cloud, bucket):
    """Make a job of a script, whose role may read the code and write below ``out/``."""

    def job(script, **members):
        name = new_name("job")
        cloud.client("s3").put_object(Bucket=bucket, Key=f"code/{name}.py", Body=script.encode())
        role = cloud.role(
            {"Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/code/*"},
            {"Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/out/*"},
            principal="glue",
        )
        cloud.client("glue").create_job(
            Name=name,
            Role=role,
            Command={
                "Name": "glueetl",
                "ScriptLocation": f"s3://{bucket}/code/{name}.py",
                "PythonVersion": "3",
            },
            GlueVersion="5.0",
            WorkerType="G.1X",
            NumberOfWorkers=2,
            DefaultArguments={"--bucket": bucket, "--extra-py-files": f"s3://{bucket}/code/helper.zip"},
            **members,
        )
        return name

    return job


@pytest.fixture(scope="module")
def run(client):
    """Run a job and return the run when it has ended."""

    def run(name, **members):
        identity = client("glue").start_job_run(JobName=name, **members)["JobRunId"]
        return _ended(client, name, identity)

    return run


def test_a_step_function_waits_for_a_spark_job_that_reads_its_arguments(cloud, job, bucket):
    name = job(SPARK_SCRIPT)
    machine = _machine(
        cloud, name, {"--factor": "3"}, "StartJobRun", "GetJobRun", "GetJobRuns", "BatchStopJobRun"
    )

    execution = _executed(cloud, machine)

    assert execution["status"] == "SUCCEEDED", execution
    answer = json.loads(execution["output"])
    assert (answer["JobName"], answer["JobRunState"]) == (name, "SUCCEEDED")
    written = cloud.client("s3").get_object(Bucket=bucket, Key="out/answer")["Body"].read()
    assert written.decode() == f"{name} 60 3.5"
    assert "the answer is written" in _log(cloud, "/aws-glue/jobs/output", answer["Id"])


def test_a_state_machine_that_may_not_watch_a_run_fails(cloud, job):
    machine = _machine(cloud, job(FAILING_SCRIPT), {}, "StartJobRun")

    execution = _executed(cloud, machine)

    assert execution["error"] == "Glue.AWSGlueException"
    assert "glue:GetJobRun" in execution["cause"]


def test_an_exception_is_the_error_message_of_the_run(job, run):
    ended = run(job(FAILING_SCRIPT))

    assert ended["JobRunState"] == "FAILED"
    assert "ValueError: the file has no rows" in ended["ErrorMessage"]


def test_a_script_may_do_what_its_role_allows_and_nothing_else(job, run):
    ended = run(job(FORBIDDEN_SCRIPT))

    assert ended["JobRunState"] == "FAILED"
    assert "AccessDenied" in ended["ErrorMessage"]


def test_a_second_run_is_refused_while_the_first_goes_on_and_the_first_can_be_stopped(client, job):
    glue, name = client("glue"), job(SLEEPING_SCRIPT)
    identity = glue.start_job_run(JobName=name)["JobRunId"]

    with pytest.raises(glue.exceptions.ConcurrentRunsExceededException):
        glue.start_job_run(JobName=name)
    stopped = glue.batch_stop_job_run(JobName=name, JobRunIds=[identity, "jr_unknown"])

    assert [entry["JobRunId"] for entry in stopped["SuccessfulSubmissions"]] == [identity]
    assert stopped["Errors"][0]["ErrorDetail"]["ErrorCode"] == "EntityNotFoundException"
    assert _ended(client, name, identity)["JobRunState"] == "STOPPED"


def test_a_script_that_is_not_there_fails_the_run(client, job, run, bucket):
    name = job(FAILING_SCRIPT)
    client("s3").delete_object(Bucket=bucket, Key=f"code/{name}.py")

    ended = run(name)

    assert ended["JobRunState"] == "FAILED"
    assert f"s3://{bucket}/code/{name}.py" in ended["ErrorMessage"]


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ({"NumberOfWorkers": 1, "WorkerType": "G.1X"}, "at least 2"),
        ({"MaxCapacity": 2.0, "NumberOfWorkers": 2, "WorkerType": "G.1X"}, "do not set Max Capacity"),
        ({"NumberOfWorkers": 2}, "must be set together"),
        ({"Timeout": 10081}, "from 1 to 10080"),
        ({"Arguments": {"--custom-logGroup-prefix": "a:b"}}, "neither ':' nor '*'"),
    ],
)
def test_members_that_aws_refuses_are_refused(client, job, members, says):
    glue, name = client("glue"), job(FAILING_SCRIPT)

    with pytest.raises(glue.exceptions.InvalidInputException, match=says):
        glue.start_job_run(JobName=name, **members)


def _machine(cloud, job, arguments, *actions):
    """Make a state machine that runs a job, with a role that may do these actions of Glue."""
    definition = {
        "QueryLanguage": "JSONata",
        "StartAt": "Run",
        "States": {
            "Run": {
                "Type": "Task",
                "Resource": "arn:aws:states:::glue:startJobRun.sync",
                "Arguments": {"JobName": job, "Arguments": arguments},
                "End": True,
            }
        },
    }
    role = cloud.role(
        {
            "Action": [f"glue:{action}" for action in actions],
            "Resource": f"arn:aws:glue:{REGION}:{ACCOUNT}:job/{job}",
        },
        principal="states",
    )
    made = cloud.client("stepfunctions").create_state_machine(
        name=new_name("glue"), definition=json.dumps(definition), roleArn=role
    )
    return made["stateMachineArn"]


def _executed(cloud, machine):
    states = cloud.client("stepfunctions")
    arn = states.start_execution(stateMachineArn=machine)["executionArn"]
    return eventually(
        lambda: states.describe_execution(executionArn=arn), lambda found: found["status"] != "RUNNING", 90
    )


def _ended(client, name, identity):
    return eventually(
        lambda: client("glue").get_job_run(JobName=name, RunId=identity)["JobRun"],
        lambda found: found["JobRunState"] in ENDED,
        90,
    )


def _log(cloud, group, stream):
    events = cloud.client("logs").filter_log_events(logGroupName=group, logStreamNamePrefix=stream)["events"]
    return [event["message"] for event in events]
