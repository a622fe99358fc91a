"""An engine that runs training jobs for real: tiny programs as containers, a dictionary as S3."""

import contextlib
import copy
import io
import json
import sys
import tarfile
import time
from pathlib import Path

from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from local_cloud.clock import Clock
from local_cloud.sagemaker.engine import Engine
from local_cloud.sagemaker.images import Image

ROLE = "arn:aws:iam::123456789012:role/training"
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/toy:1"
_MODEL = ServiceModel(Loader().load_service_model("sagemaker", "service-2"), "sagemaker")


class Bucket:
    """S3 that holds the objects of one bucket."""

    def __init__(self):
        self.objects = {}

    def get_paginator(self, _):
        return self

    def paginate(self, **asked):
        keys = sorted(key for key in copy.copy(self.objects) if key.startswith(asked["Prefix"]))
        return [{"Contents": [{"Key": key} for key in keys]}]

    def download_file(self, bucket, key, path):
        Path(path).write_bytes(self.objects[key])

    def upload_file(self, path, bucket, key, **more):
        self.objects[key] = Path(path).read_bytes()

    def put_object(self, **request):
        self.objects[request["Key"]] = request["Body"]


class Surroundings:
    """Services that take everything, and keep what they took."""

    account, region, endpoint = "123456789012", "us-east-1", "http://localhost:4566"

    def __init__(self, state_dir, **settings):
        self.state_dir, self.servers, self.clock = state_dir, 4, Clock(hurry=600)
        self.hosts, self.spot_interruption, self.spot_interruptions = 4, "", 1
        self.bucket, self.events, self.logs, self.metrics = Bucket(), [], [], []
        for name, value in settings.items():
            setattr(self, name, value)

    def role_session(self, role_arn):
        return self

    def client(self, service):
        return self.bucket

    def environment(self):
        return {}

    def emit(self, detail_type, detail, resource):
        self.events.append((detail_type, {**detail}))

    def put_metrics(self, namespace, data):
        self.metrics += data

    def put_log(self, group, stream, lines):
        self.logs += [(stream, line) for line in lines]


class TrainingCloud:
    """An account with one image, whose program is given as text."""

    def __init__(self, folder, program, **settings):
        self.around = Surroundings(folder, **settings)
        self.engine = Engine(self.around)
        root = self.engine.images.folder_of("toy", "1") / "root"
        root.mkdir(parents=True)
        (root / "program.py").write_text(_PROLOGUE + program)
        image = Image(root, "/", (sys.executable, "-S", "program.py"), {})
        self.engine.images.save("toy", "1", image)

    @property
    def objects(self):
        return self.around.bucket.objects

    def call(self, operation, **request):
        """Run an operation, whose answer must have what botocore's model of it has."""
        answer = self.engine.call(operation, request)
        if shape := _MODEL.operation_model(operation).output_shape:
            report = ParamValidator().validate(answer, shape)
            assert not report.has_errors(), report.generate_report()
        return answer

    def request(self, name, hyperparameters=None, **more):
        return {
            "TrainingJobName": name,
            "HyperParameters": {key: str(value) for key, value in (hyperparameters or {}).items()},
            **self.definition(),
            **more,
        }

    def definition(self, **more):
        return {
            "AlgorithmSpecification": {
                "TrainingImage": IMAGE,
                "TrainingInputMode": "File",
                "MetricDefinitions": [{"Name": "score", "Regex": "score=(.*?);"}],
            },
            "RoleArn": ROLE,
            "OutputDataConfig": {"S3OutputPath": "s3://bucket/out"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 60},
            **more,
        }

    def start(self, name, hyperparameters=None, **more):
        self.engine.call("CreateTrainingJob", self.request(name, hyperparameters, **more))

    def train(self, name, hyperparameters=None, **more):
        """Run a training job to its end."""
        self.start(name, hyperparameters, **more)
        self.engine.jobs["TrainingJob"].wait(name)
        return self.engine.call("DescribeTrainingJob", {"TrainingJobName": name})

    def tuning_request(self, name, ranges, strategy="Random", jobs=4, parallel=1, **more):
        limits = {"MaxParallelTrainingJobs": parallel, **({"MaxNumberOfTrainingJobs": jobs} if jobs else {})}
        request = {
            "HyperParameterTuningJobName": name,
            "HyperParameterTuningJobConfig": {
                "Strategy": strategy,
                "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "score"},
                "ResourceLimits": limits,
                "ParameterRanges": ranges,
                "RandomSeed": 7,
                **more.pop("config", {}),
            },
            "TrainingJobDefinition": self.definition(**more.pop("definition", {})),
        }
        return {**request, **more}

    def tune(self, name, ranges, **more):
        """Run a tuning job to its end."""
        self.call("CreateHyperParameterTuningJob", **self.tuning_request(name, ranges, **more))
        self.engine.jobs["HyperParameterTuningJob"].wait(name)
        return self.described(name)

    def described(self, name):
        return self.call("DescribeHyperParameterTuningJob", HyperParameterTuningJobName=name)

    def trials(self, name, **more):
        operation = "ListTrainingJobsForHyperParameterTuningJob"
        answer = self.call(operation, HyperParameterTuningJobName=name, MaxResults=100, **more)
        return answer["TrainingJobSummaries"]

    def model(self, name):
        """Return the files of a training job's model."""
        return self.unpacked(name, "model")

    def output(self, name, file):
        """Return a JSON file of a training job's output data."""
        return json.loads(self.unpacked(name, "output")[file])

    def unpacked(self, name, kind):
        """Return the files of an archive that a training job left."""
        with tarfile.open(fileobj=io.BytesIO(self.objects[f"out/{name}/output/{kind}.tar.gz"])) as archive:
            files = [member for member in archive.getmembers() if member.isfile()]
            return {member.name: archive.extractfile(member).read().decode() for member in files}


def numbers(name, low, high, kind="Continuous", **more):
    """Return ``ParameterRanges`` of one range of numbers."""
    item = {"Name": name, "MinValue": str(low), "MaxValue": str(high), **more}
    return {f"{kind}ParameterRanges": [item]}


def categories(**values):
    """Return ``ParameterRanges`` of categorical ranges."""
    items = [{"Name": name, "Values": list(texts)} for name, texts in values.items()]
    return {"CategoricalParameterRanges": items}


def eventually(claim, within_s=20):
    """Wait until something is true."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        with contextlib.suppress(KeyError, IndexError):
            if found := claim():
                return found
        time.sleep(0.02)
    raise AssertionError("it never came true")


_PROLOGUE = """
import json, os, signal, sys, time
from pathlib import Path
BASE = Path(os.environ["SAGEMAKER_BASE_DIR"])
GIVEN = json.loads((BASE / "input/config/hyperparameters.json").read_text())
def say(text):
    print(text, flush=True)
"""
