"""Training jobs of the local cloud that have several hosts, or lose their instances: our own program in them."""

import io
import json
import shutil
import sys
import tarfile
from pathlib import Path

import pytest

from headrace.cli.local_training import train_here
from local_cloud.sagemaker.images import Image
from sagemaker_jobs.entry import run
from tests.integration.sagemaker_jobs.opt_ml import OptMl, rows
from tests.unit.local_cloud.sagemaker.training_cloud import TrainingCloud

REPOSITORY = Path(__file__).parents[3]
PROGRAM = f"""
os.environ["OMP_NUM_THREADS"] = "1"
sys.path.insert(0, {str(REPOSITORY)!r})
from sagemaker_jobs.entry import run
sys.exit(run(sys.argv[1:], os.environ))
"""
XGBOOST = {"estimator": "xgboost", "hyperparameters": {"n_estimators": 120, "max_depth": 3}}
TORCH = {
    "estimator": "torch",
    "hyperparameters": {"epochs": 60, "patience": 60, "hidden_units": 32, "hidden_layers": 1},
}
SPOT = {
    "EnableManagedSpotTraining": True,
    "StoppingCondition": {"MaxRuntimeInSeconds": 600, "MaxWaitTimeInSeconds": 900},
    "CheckpointConfig": {"S3Uri": "s3://bucket/checkpoints/run"},
}


class ScaledCloud(TrainingCloud):
    """A local cloud whose image trains as ours does."""

    def __init__(self, folder, **settings):
        super().__init__(folder, PROGRAM, **settings)
        root = self.engine.images.folder_of("toy", "1") / "root"
        image = Image(root, "/", (sys.executable, "program.py"), {})
        self.engine.images.save("toy", "1", image)

    def drop(self, folder, **training):
        """Put the channels of a training where its job finds them; return the same training, which runs in this process."""
        job = OptMl(folder, "regression", **training)
        job.spec["pipeline"]["evaluation"] = {"learning_curve": False}
        job.lay_out(rows(600), rows(300, 1))
        for path in (folder / "input" / "data").rglob("*.*"):
            self.objects[f"in/{path.relative_to(folder / 'input' / 'data')}"] = path.read_bytes()
        return job

    def run(self, name, instances=1, **more):
        channels = [
            {
                "ChannelName": channel,
                "DataSource": {
                    "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://bucket/in/{channel}"}
                },
            }
            for channel in ("train", "validation", "spec")
        ]
        cluster = {"InstanceType": "ml.m5.large", "InstanceCount": instances, "VolumeSizeInGB": 1}
        limits = {"StoppingCondition": {"MaxRuntimeInSeconds": 600}}
        request = {"InputDataConfig": channels, "ResourceConfig": cluster, **limits, **more}
        job = self.train(name, **request)
        assert job["TrainingJobStatus"] == "Completed", (job.get("FailureReason"), self.around.logs[-30:])
        return job

    def model_files(self, name):
        """Return the bytes of a model's files by name."""
        archive = io.BytesIO(self.objects[f"out/{name}/output/model.tar.gz"])
        with tarfile.open(fileobj=archive) as tar:
            return {m.name.lstrip("./"): tar.extractfile(m).read() for m in tar.getmembers() if m.isfile()}


def rmse(files):
    return json.loads(files["metrics.json"])["validation"]["rmse"]


def statuses(job):
    return [step["Status"] for step in job["SecondaryStatusTransitions"]]


def test_two_hosts_train_one_model_of_the_quality_of_one_host_and_the_same_each_time(tmp_path):
    pytest.importorskip("xgboost")
    cloud = ScaledCloud(tmp_path / "cloud")
    alone = cloud.drop(tmp_path / "alone", **XGBOOST)
    shutil.copytree(alone.base / "input", tmp_path / "again" / "input")

    cloud.run("both", instances=2)
    again = train_here(tmp_path / "again", XGBOOST["hyperparameters"], instances=2)
    assert run(["train"], alone.environ) == 0

    told = {stream for stream, line in cloud.around.logs if "validation:rmse" in line}
    both = cloud.model_files("both")
    assert [stream.startswith("both/algo-1") for stream in told] == [True]
    assert again == both
    assert rmse(both) == pytest.approx(rmse(alone.files()), rel=0.05)


def test_an_interrupted_training_of_xgboost_ends_with_the_bytes_of_one_that_was_not(tmp_path):
    pytest.importorskip("xgboost")
    cloud = ScaledCloud(tmp_path / "cloud", spot_interruption="checkpoint")
    hyperparameters = {"n_estimators": 1500, "early_stopping_rounds": 1500, "max_depth": 3}
    whole = cloud.drop(tmp_path / "whole", estimator="xgboost", hyperparameters=hyperparameters)

    job = cloud.run("spot", **SPOT)
    assert run(["train"], whole.environ) == 0

    spot, files = cloud.model_files("spot"), whole.files()
    assert statuses(job).count("Interrupted") == 1
    for name in ("model.onnx", "model.skops", "metrics.json", "sample.json"):
        assert spot[name] == files[name], name


def test_two_hosts_that_train_a_network_lose_their_instances_and_go_on(tmp_path):
    pytest.importorskip("torch")
    cloud = ScaledCloud(tmp_path / "cloud", spot_interruption="checkpoint")
    alone = cloud.drop(tmp_path / "alone", **TORCH)

    job = cloud.run("spot", instances=2, **SPOT)
    assert run(["train"], alone.environ) == 0

    lines = [line for _, line in cloud.around.logs if "validation:rmse" in line]
    assert statuses(job).count("Interrupted") == 1
    # An epoch whose checkpoint was not kept yet is learned again, and the model's own line comes at the end; begun anew, the first
    # epoch would be told twice.
    assert len(lines) > TORCH["hyperparameters"]["epochs"]
    assert lines.count(lines[0]) == 1
    assert rmse(cloud.model_files("spot")) == pytest.approx(rmse(alone.files()), rel=0.25)
