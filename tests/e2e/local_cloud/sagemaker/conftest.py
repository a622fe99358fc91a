import contextlib
import json
import os
import shutil
import socket
import time
import uuid
from pathlib import Path

import boto3
import pytest
from botocore.config import Config

from local_cloud.launcher import LocalCloud
from local_cloud.sagemaker.images import Image, ImageStore
from local_cloud.settings import Settings

ACCOUNT = "123456789012"
TOY_IMAGE = f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/toy:1"
BUCKET = "toy-bucket"


@pytest.fixture(scope="session")
def cloud(tmp_path_factory):
    """Run a local cloud of our own; SAGEMAKER_TESTS_PORT names one that runs already, with its HEADRACE_STATE."""
    if port := os.environ.get("SAGEMAKER_TESTS_PORT"):
        cloud = LocalCloud(Settings(int(port), Path(os.environ["HEADRACE_STATE"])))
        lay_out_toy_image(cloud.settings.state_dir)
        yield cloud
        return
    cloud = LocalCloud(Settings(_free_port(), tmp_path_factory.mktemp("cloud")))
    cloud.start()
    lay_out_toy_image(cloud.settings.state_dir)
    yield cloud
    cloud.stop()


def lay_out_toy_image(state_dir):
    store = ImageStore(state_dir / "images")
    root = store.folder_of("toy", "1") / "root"
    (root / "program").mkdir(parents=True, exist_ok=True)
    shutil.copy(Path(__file__).parent / "toy_program.py", root / "program" / "toy.py")
    store.save("toy", "1", Image(root, "/program", ("python", "toy.py"), {"FROM_IMAGE": "yes"}))


@pytest.fixture(scope="session")
def client(cloud):
    """Make a client of the local cloud, as the account's root."""
    made = {}

    def client(service):
        if service not in made:
            variables = cloud.environment()
            made[service] = boto3.client(
                service,
                endpoint_url=variables["AWS_ENDPOINT_URL"],
                region_name="us-east-1",
                aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
                config=Config(retries={"max_attempts": 0}),
            )
        return made[service]

    return client


@pytest.fixture(scope="session")
def sagemaker(client):
    return client("sagemaker")


@pytest.fixture(scope="session")
def make_role(client):
    """Make a role that SageMaker may take on, with these S3 actions."""

    def make_role(*actions, service="sagemaker.amazonaws.com", resource="*"):
        iam, name = client("iam"), f"toy-{uuid.uuid4().hex[:8]}"
        trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=_document(trust))["Role"]["Arn"]
        if actions:
            allowed = {"Effect": "Allow", "Action": list(actions), "Resource": resource}
            iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=_document(allowed))
        return arn

    return make_role


def _document(statement):
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture(scope="session")
def role(make_role):
    return make_role("s3:*")


@pytest.fixture(scope="session")
def bucket(client):
    with contextlib.suppress(client("s3").exceptions.BucketAlreadyOwnedByYou):
        client("s3").create_bucket(Bucket=BUCKET)
    client("s3").put_object(Bucket=BUCKET, Key="in/rows.csv", Body=b"1,2\n")
    client("s3").put_object(Bucket=BUCKET, Key="in/more/rows.csv", Body=b"3,4\n")
    return BUCKET


@pytest.fixture
def name():
    return f"toy-{uuid.uuid4().hex[:10]}"


@pytest.fixture(scope="session")
def training_request(bucket, role):
    """Return what CreateTrainingJob takes; keywords are hyperparameters."""

    def request(name, **hyperparameters):
        source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/in/"}
        return {
            "TrainingJobName": name,
            "AlgorithmSpecification": {
                "TrainingImage": TOY_IMAGE,
                "TrainingInputMode": "File",
                "MetricDefinitions": [{"Name": "validation:rmse", "Regex": "validation:rmse=(.*?);"}],
            },
            "RoleArn": role,
            "InputDataConfig": [{"ChannelName": "train", "DataSource": {"S3DataSource": source}}],
            "OutputDataConfig": {"S3OutputPath": f"s3://{bucket}/out"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 60},
            "HyperParameters": {key: str(value) for key, value in hyperparameters.items()},
        }

    return request


@pytest.fixture(scope="session")
def train(sagemaker, training_request):
    """Run a training job to its end and return its description."""

    def train(name, **hyperparameters):
        sagemaker.create_training_job(**training_request(name, **hyperparameters))
        return ended(lambda: sagemaker.describe_training_job(TrainingJobName=name), "TrainingJobStatus")

    return train


@pytest.fixture(scope="session")
def model_data(train, sagemaker):
    """Return the URL of a model that answers with this text."""
    made = {}

    def model_data(text):
        if text not in made:
            made[text] = train(f"model-{uuid.uuid4().hex[:8]}", text=text)["ModelArtifacts"][
                "S3ModelArtifacts"
            ]
        return made[text]

    return model_data


@pytest.fixture(scope="session")
def host(sagemaker, role, model_data):
    """Make a model and a configuration of one name; return the name."""

    def host(name, text="hello", serverless=None, variant="main", **settings):
        environment, capture = settings.get("environment", {}), settings.get("capture")
        sagemaker.create_model(
            ModelName=name,
            ExecutionRoleArn=role,
            PrimaryContainer={
                "Image": TOY_IMAGE,
                "ModelDataUrl": model_data(text),
                "Environment": environment,
            },
        )
        size = {"ServerlessConfig": serverless} if serverless else _INSTANCE
        sagemaker.create_endpoint_config(
            EndpointConfigName=name,
            ProductionVariants=[{"VariantName": variant, "ModelName": name, **size}],
            **({"DataCaptureConfig": capture} if capture else {}),
        )
        return name

    return host


_INSTANCE = {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}


@pytest.fixture(scope="session")
def serve(sagemaker, host):
    """Bring an endpoint up, and return its description when it has settled."""
    names = []

    def serve(name, **settings):
        config = host(name, **settings)
        sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
        names.append(name)
        return ended(lambda: sagemaker.describe_endpoint(EndpointName=name), "EndpointStatus")

    yield serve
    for name in names:
        with contextlib.suppress(sagemaker.exceptions.ClientError):
            sagemaker.delete_endpoint(EndpointName=name)


@pytest.fixture(scope="session")
def invoke(client):
    def invoke(name, body, **parameters):
        answer = client("sagemaker-runtime").invoke_endpoint(EndpointName=name, Body=body, **parameters)
        return answer["Body"].read()

    return invoke


def ended(describe, status, among=("InProgress", "Stopping", "Creating", "Updating", "Deleting")):
    """Poll until the status is final."""
    return eventually(describe, lambda found: found[status] not in among)


def eventually(look, fits, within_s=30):
    """Poll until what is seen fits; the last sight is in the failure."""
    deadline = time.monotonic() + within_s
    while True:
        found = look()
        if fits(found):
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.05)


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
