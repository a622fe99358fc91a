import contextlib
import shutil
import uuid
from pathlib import Path

import pytest

from local_cloud.sagemaker.images import Image, ImageStore
from tests.e2e.cloud import ACCOUNT, eventually

TOY_IMAGE = f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/toy:1"
BUCKET = "toy-bucket"


def lay_out_toy_image(state_dir):
    store = ImageStore(state_dir / "images")
    root = store.folder_of("toy", "1") / "root"
    (root / "program").mkdir(parents=True, exist_ok=True)
    shutil.copy(Path(__file__).parent / "toy_program.py", root / "program" / "toy.py")
    store.save("toy", "1", Image(root, "/program", ("python", "toy.py"), {"FROM_IMAGE": "yes"}))


@pytest.fixture(scope="session", autouse=True)
def toy_image(cloud):
    """The image of all these tests; no image is pushed in this cloud, so it is laid out by hand."""
    lay_out_toy_image(cloud.settings.state_dir)


@pytest.fixture(scope="session")
def sagemaker(client):
    return client("sagemaker")


@pytest.fixture(scope="session")
def make_role(cloud):
    """Make a role that SageMaker may take on, with these S3 actions."""

    def make_role(*actions, service="sagemaker", resource="*"):
        statements = [{"Action": list(actions), "Resource": resource}] if actions else []
        return cloud.role(*statements, principal=service)

    return make_role


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
            ExecutionRoleArn=settings.get("role", role),
            PrimaryContainer={
                "Image": TOY_IMAGE,
                "ModelDataUrl": settings.get("model_data_url") or model_data(text),
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
