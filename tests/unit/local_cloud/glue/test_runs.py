"""Runs of Glue's jobs, with scripts that need no Spark and an S3 that is a folder."""

import shutil

import pytest

from local_cloud.glue import spark
from local_cloud.glue.errors import GlueError, RunError
from local_cloud.glue.rules import check_job, check_start, new_run, script_arguments
from local_cloud.glue.runs import Runs
from local_cloud.glue.spark import installed

JOB = {"Name": "clean", "Role": "glue", "Command": {"Name": "glueetl", "ScriptLocation": "s3://code/main.py"}}


class Folder:
    """S3, a role session and the logs in one."""

    def __init__(self, folder, script):
        self.folder, self.log = folder, {}
        (folder / "main.py").write_text(script)

    def role_session(self, role):
        return self

    def client(self, service):
        return self

    def environment(self):
        return {"AWS_ACCESS_KEY_ID": "of the role"}

    def download_file(self, bucket, key, path):
        shutil.copy(self.folder / key, path)

    def put_log(self, group, stream, lines):
        self.log.setdefault(group, []).extend(lines)


def run(tmp_path, script, minute_s=60.0, **job):
    around = Folder(tmp_path, script)
    runs = Runs(around, tmp_path / "cache", minute_s=minute_s)
    record = runs.start({**JOB, **job}, {})
    runs.wait(record["Id"])
    return record, around.log


needs_spark = pytest.mark.skipif(not installed(), reason="Spark is not installed here: make spark")


@needs_spark
def test_a_script_has_its_arguments_its_role_and_a_log(tmp_path):
    script = "import os, sys\nprint(sys.argv[1:], os.environ['AWS_ACCESS_KEY_ID'])\n"

    record, log = run(tmp_path, script, DefaultArguments={"--level": "1"})

    assert (record["JobRunState"], "ErrorMessage" in record) == ("SUCCEEDED", False)
    (line,) = log["/aws-glue/jobs/output"]
    assert line == f"['--JOB_NAME', 'clean', '--JOB_RUN_ID', '{record['Id']}', '--level', '1'] of the role"


@needs_spark
def test_a_script_imports_what_glue_has_and_nothing_of_the_project(tmp_path):
    script = "import pyspark, boto3, pyarrow, pandas, awsglue.utils\nimport headrace\n"

    record, _ = run(tmp_path, script)

    assert record["ErrorMessage"] == "ModuleNotFoundError: No module named 'headrace'"


@needs_spark
def test_a_run_that_takes_longer_than_its_timeout_is_ended(tmp_path):
    record, _ = run(tmp_path, "import time\ntime.sleep(60)\n", minute_s=0.1, Timeout=1)

    assert record["JobRunState"] == "TIMEOUT"


def test_without_spark_a_run_fails_and_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr("local_cloud.glue.spark._spark_home", _not_installed)

    record, log = run(tmp_path, "print('never')")

    assert record["JobRunState"] == "FAILED"
    assert "make spark" in record["ErrorMessage"]
    assert log == {}


def _not_installed():
    raise RunError(spark._MISSING)


def test_a_job_without_a_script_is_refused():
    with pytest.raises(GlueError, match="ScriptLocation is missing"):
        check_job({"Name": "clean", "Role": "glue", "Command": {"Name": "glueetl"}})


def test_as_many_runs_as_the_job_allows_go_on_at_the_same_time():
    job = {**JOB, "ExecutionProperty": {"MaxConcurrentRuns": 2}}

    check_start(job, {}, 1)
    with pytest.raises(GlueError) as refused:
        check_start(job, {}, 2)
    assert refused.value.code == "ConcurrentRunsExceededException"


def test_the_capacity_of_a_run_is_that_of_its_workers():
    record = new_run({**JOB, "WorkerType": "G.2X", "NumberOfWorkers": 5}, {}, "jr_1", 0.0)

    assert (record["MaxCapacity"], record["Timeout"], record["JobRunState"]) == (10.0, 480, "STARTING")


def test_arguments_that_may_not_be_overridden_stay():
    job = {**JOB, "NonOverridableArguments": {"--to": "here"}}

    assert script_arguments(job, {"Arguments": {"--to": "there"}}, "jr_1")["--to"] == "here"
