"""A job's last moment, held still."""

import threading

from local_cloud.sagemaker import jobs
from local_cloud.sagemaker.errors import ApiError
from local_cloud.sagemaker.jobs import Jobs
from local_cloud.sagemaker.records import Records


class Surroundings:
    """Services that take everything."""

    def role_session(self, role_arn):
        return None

    def emit(self, detail_type, detail, resource):
        pass


class ShortJobs(Jobs):
    """Training jobs that do nothing until they are let go."""

    noun, log_group, event = "TrainingJob", "/jobs", "state change"

    def __init__(self, records):
        super().__init__(records, None, Surroundings())
        self.go_on = threading.Event()

    def run(self, run):
        self.go_on.wait(timeout=10)

    def began(self, record):
        pass

    def ended(self, record, status):
        pass


def test_a_job_that_shows_its_end_cannot_be_stopped_any_more(monkeypatch):
    records = Records("123456789012", "us-east-1")
    short = ShortJobs(records)
    answers = []

    def clear_away(folder, ignore_errors):
        try:
            answers.append(short.stop("one"))
        except ApiError as refused:
            answers.append(str(refused))

    monkeypatch.setattr(jobs.shutil, "rmtree", clear_away)
    short.create({"TrainingJobName": "one", "RoleArn": "arn:aws:iam::123456789012:role/job"})
    short.go_on.set()

    assert short.wait("one")["TrainingJobStatus"] == "Completed"
    (answer,) = answers
    assert "is in status Completed" in str(answer)
