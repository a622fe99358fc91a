import gzip
import json
import re
import tarfile
from pathlib import Path

import aws_cdk as cdk
import pytest
from packaging.version import Version
from sagemaker.core import image_uris

from headrace.config.pipeline import Pipeline
from infra.code_bundle import source_archive
from infra.managed_image import VERSION, ManagedImage
from tests.infra.nag import findings
from tests.infra.pipeline_stacks import stacks, templates

MANAGED = json.dumps({"image": "managed", "training": {"hyperparameters": {"max_iter": 50}}})
REPO = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def training():
    return templates(MANAGED)[0].to_json()


def resources(template, kind):
    return [item["Properties"] for item in template["Resources"].values() if item["Type"] == kind]


def state(template, name):
    """Return a state's arguments; what CloudFormation fills in is put in angle brackets."""
    (machine,) = resources(template, "AWS::StepFunctions::StateMachine")
    parts = machine["DefinitionString"]["Fn::Join"][1]
    text = "".join(part if isinstance(part, str) else f"<{shown(part)}>" for part in parts)
    return json.loads(text)["States"][name]["Arguments"]


def shown(value):
    (kind, argument), *_ = value.items()
    return argument if kind == "Fn::Sub" else kind


def statements_of(template, role):
    return [
        statement
        for policy in resources(template, "AWS::IAM::Policy")
        if policy["Roles"][0]["Ref"].startswith(role)
        for statement in policy["PolicyDocument"]["Statement"]
    ]


@pytest.mark.parametrize(
    "region", ["us-east-1", "eu-central-1", "ap-northeast-3", "cn-north-1", "us-gov-west-1"]
)
def test_every_region_gets_the_image_that_the_sdk_names(training, region):
    name = "ScikitLearnRegistries"

    uri = image_uris.retrieve("sklearn", region, version=VERSION, py_version="py3", image_scope="inference")

    assert training["Mappings"][name][region] == {"uri": uri, "account": uri.split(".")[0]}
    lookup = {"Fn::FindInMap": [name, {"Ref": "AWS::Region"}, "uri"]}
    (machine,) = resources(training, "AWS::StepFunctions::StateMachine")
    assert lookup in machine["DefinitionString"]["Fn::Join"][1]


def test_the_version_is_the_newest_that_the_sdk_knows():
    known = image_uris.config_for_framework("sklearn")
    both = set(known["training"]["versions"]) & set(known["inference"]["versions"])

    newest = max(both, key=lambda version: Version(re.sub(r"-py\d+$", "", version).replace("-", ".")))

    assert newest == VERSION


def test_a_region_without_the_image_is_refused_and_the_way_out_is_named():
    stack = cdk.Stack(cdk.App(), "stack", env=cdk.Environment(region="ap-southeast-5"))
    pipeline = Pipeline(name="bike", problem="regression", target="cnt")

    with pytest.raises(ValueError, match=r"ap-southeast-5: .*`image: headrace` in pipelines/bike.yaml"):
        ManagedImage(stack, "ModelImage", pipeline=pipeline)


def test_nothing_is_built(training):
    kinds = {item["Type"] for item in training["Resources"].values()}

    assert not kinds & {"AWS::CodeBuild::Project", "AWS::ECR::Repository", "Custom::ModelImage"}


def test_a_training_is_told_the_script_and_where_its_code_is(training):
    given = state(training, "TrainModel")["HyperParameters"]

    assert given["max_iter"] == "50"
    assert json.loads(given["sagemaker_program"]) == "script.py"
    place = json.loads(given["sagemaker_submit_directory"])
    assert re.fullmatch(
        r"<s3://cdk-\w+-assets-\$\{AWS::AccountId\}-\$\{AWS::Region\}/[0-9a-f]{64}\.gz>", place
    )


def test_an_evaluation_unpacks_the_same_code_itself(training):
    arguments = state(training, "EvaluateModel")
    place = json.loads(state(training, "TrainModel")["HyperParameters"]["sagemaker_submit_directory"])

    *_, folder = arguments["AppSpecification"]["ContainerEntrypoint"]
    assert folder == "/opt/ml/processing/input/code"
    assert f"{{'S3Uri': '{place}', 'LocalPath': '{folder}'" in arguments["ProcessingInputs"]
    assert all(len(word) <= 256 for word in arguments["AppSpecification"]["ContainerEntrypoint"])


def test_a_server_takes_its_code_from_the_model(training):
    (container,) = state(training, "RegisterModel")["InferenceSpecification"]["Containers"]

    assert container["Environment"] == {
        "SAGEMAKER_PROGRAM": "script.py",
        "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
    }


def test_containers_that_install_packages_have_a_network(training):
    serving = templates(json.dumps({"image": "managed", "endpoint": {"kind": "realtime"}}))[1].to_json()

    assert state(training, "TrainModel")["EnableNetworkIsolation"] is False
    assert state(training, "EvaluateModel")["NetworkConfig"]["EnableNetworkIsolation"] is False
    assert "EnableNetworkIsolation" not in state(serving, "CreateModel")


@pytest.mark.parametrize("role", ["TrainingJobRole", "EvaluationJobRole"])
def test_a_job_may_pull_awss_image_and_fetch_its_code_and_no_other(training, role):
    found = statements_of(training, role)

    (pull,) = [s for s in found if "ecr:BatchGetImage" in s["Action"]]
    assert json.dumps(pull["Resource"]).endswith(':repository/sagemaker-scikit-learn"]]}')
    read = json.dumps([s["Resource"] for s in found if "s3:GetObject" in s["Action"]])
    assert re.search(r'-assets-\$\{AWS::AccountId\}-\$\{AWS::Region\}"\}, "/[0-9a-f]{64}\.gz"', read)


def test_nothing_is_found_that_nobody_gave_a_reason_for():
    for stack in stacks(MANAGED)[1:]:
        assert findings(stack) == []


def test_the_same_code_gives_the_same_archive_with_the_script_at_its_root():
    first, second = source_archive(), source_archive()

    assert first.read_bytes() == second.read_bytes()
    with gzip.open(first) as file, tarfile.open(fileobj=file) as tar:
        names = set(tar.getnames())
    assert {"script.py", "requirements.txt", "sagemaker_jobs/entry.py", "headrace/ml/rows.py"} <= names
    assert not {"Dockerfile", "headrace/aws", "headrace/cli", "setup.py"} & names


def test_what_the_container_installs_is_what_we_lock():
    lock = (REPO / "sagemaker_jobs" / "requirements.txt").read_text()
    lines = (REPO / "sagemaker_jobs" / "managed" / "requirements.txt").read_text().splitlines()

    for line in lines:
        assert line.startswith("#") or f"{line} \\\n" in lock
