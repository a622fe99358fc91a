"""What holds for all stacks of every kind of pipeline, as `cdk synth` writes them."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import aws_cdk as cdk
import cfnlint.api
import pytest
from aws_cdk import aws_s3 as s3

from headrace.config.pipeline import Pipeline
from infra.pipeline_app import add_stacks
from local_cloud.lambda_runtime.packages import RUNTIME, package_folder, public_layer
from tests.infra.nag import findings
from tests.infra.pipeline_stacks import CONTEXT

MINIMAL = {"name": "price", "problem": "regression", "target": "price"}
PIPELINES = {
    "minimal": MINIMAL,
    "everything": {
        **MINIMAL,
        "problem": "binary",
        "id": "id",
        "time": "at",
        "split": {"by": "time"},
        "approval": "manual",
        "endpoint": {"kind": "realtime", "instances": 2},
        "retraining": {"on": ["drift", "new_data", "schedule"]},
        "on_destroy": "retain",
        "notify": "ops@example.org",
    },
}
STACKS = ("data", "training", "serving", "monitoring")
KEPT_WITH_THE_DATA = {
    "AWS::S3::Bucket",
    "AWS::DynamoDB::Table",
    "AWS::KMS::Key",
    "AWS::Glue::Database",
    "AWS::SageMaker::ModelPackageGroup",
}
NEVER_NAMED = {
    "AWS::Lambda::Function": "FunctionName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::IAM::Role": "RoleName",
}
"""Kinds whose names are for CloudFormation to choose: a fixed one would be in the way of a replacement."""


class Synthesised:
    """An app, what it wrote, and where."""

    def __init__(self, fields, folder):
        self.fields = fields
        pipeline = Pipeline.model_validate(fields)
        self.app = cdk.App(context=CONTEXT, outdir=str(folder))
        add_stacks(self.app, pipeline)
        self.assembly = self.app.synth()
        self.folder = folder
        self.name = pipeline.name

    def stack(self, kind):
        return self.app.node.find_child(f"{self.name}-{kind}")

    def path(self, kind):
        return self.folder / f"{self.name}-{kind}.template.json"

    def template(self, kind):
        return json.loads(self.path(kind).read_text())

    def resources(self):
        """Yield (stack, logical id, resource) of everything."""
        for kind in STACKS:
            for name, resource in self.template(kind)["Resources"].items():
                yield kind, name, resource


@pytest.fixture(scope="module", params=PIPELINES)
def synthesised(request, tmp_path_factory):
    """All stacks of one pipeline, made without credentials and without a network."""
    patch = pytest.MonkeyPatch()
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        patch.delenv(name)
    patch.setattr(socket.socket, "connect", lambda *_: pytest.fail("the synth asked the network"))
    try:
        folder = tmp_path_factory.mktemp(request.param)
        yield Synthesised(PIPELINES[request.param], folder)
    finally:
        patch.undo()


@pytest.mark.parametrize("kind", STACKS)
def test_nothing_is_found_that_nobody_gave_a_reason_for(synthesised, kind):
    assert findings(synthesised.stack(kind)) == []


def test_a_public_bucket_would_be_found():
    stack = cdk.Stack(cdk.App(), "careless")
    s3.Bucket(stack, "Open", public_read_access=True, block_public_access=s3.BlockPublicAccess())

    assert any("AwsSolutions-S2" in found for found in findings(stack))


def test_cloudformation_accepts_every_template(synthesised):
    config = cfnlint.api.ManualArgs(ignore_checks=["W3005"], regions=["us-east-1"])  # the CDK says it twice
    for kind in STACKS:
        found = cfnlint.api.lint(synthesised.path(kind).read_text(), config=config)
        assert [str(match) for match in found] == []


def test_a_property_that_does_not_exist_would_be_found():
    template = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"Colour": "red"}}}}

    assert cfnlint.api.lint(json.dumps(template), config=cfnlint.api.ManualArgs(regions=["us-east-1"]))


def test_templates_are_within_cloudformations_limits(synthesised):
    for kind in STACKS:
        assert synthesised.path(kind).stat().st_size < 1_000_000
        assert len(synthesised.template(kind)["Resources"]) < 500
        assert len(synthesised.template(kind).get("Outputs", {})) < 200


def test_the_same_file_gives_the_same_templates(synthesised, tmp_path):
    again = Synthesised(synthesised.fields, tmp_path)

    for kind in STACKS:
        assert again.template(kind) == synthesised.template(kind)


def test_every_function_can_be_imported_with_its_runtime_and_layers_alone(synthesised, tmp_path):
    by_layers = {}
    for kind, _, resource in synthesised.resources():
        if resource["Type"] != "AWS::Lambda::Function":
            continue
        properties = resource["Properties"]
        layers = tuple(sorted(named_layers(properties["Layers"])))
        bundle = synthesised.folder / asset_of(synthesised, kind, properties["Code"]["S3Key"])
        module, _, function = properties["Handler"].rpartition(".")
        by_layers.setdefault((bundle, layers), set()).add((module, function))

    assert by_layers
    for (bundle, layers), handlers in by_layers.items():
        packages = package_folder([*RUNTIME, *layers], tmp_path)
        imported = run_python(bundle, packages, handlers)
        assert imported.returncode == 0, imported.stderr


def named_layers(layers):
    """Return the distributions of layers that AWS publishes, whose region and publisher are tokens in a template."""
    for layer in layers:
        arn = layer if isinstance(layer, str) else "".join(map(plain, layer["Fn::Join"][1]))
        yield from public_layer(arn) or pytest.fail(f"{arn} is no public layer")


def plain(part):
    if isinstance(part, str):
        return part
    return {"AWS::Partition": "aws", "AWS::Region": "us-east-1"}.get(part.get("Ref"), "336392948345")


def asset_of(synthesised, kind, key):
    assets = json.loads((synthesised.folder / f"{synthesised.name}-{kind}.assets.json").read_text())["files"]
    return assets[key.removesuffix(".zip")]["source"]["path"]


def run_python(bundle, packages, handlers):
    """Import handlers in a fresh interpreter that sees the bundle and the packages, and no site-packages."""
    lines = [f"import sys; sys.path[:0] = {[str(bundle), str(packages)]!r}"]
    lines += [f"from {module} import {function}" for module, function in sorted(handlers)]
    return subprocess.run(
        [sys.executable, "-I", "-S", "-c", "\n".join(lines)],
        env={"AWS_DEFAULT_REGION": "us-east-1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_nothing_but_data_outlives_its_stack(synthesised):
    retained = {
        resource["Type"]
        for _, _, resource in synthesised.resources()
        if resource.get("DeletionPolicy", "Delete") != "Delete"
    }

    keeps = synthesised.stack("data").pipeline.on_destroy == "retain"
    assert retained == (KEPT_WITH_THE_DATA & retained if keeps else set())
    assert bool(retained) == keeps


def test_what_may_be_replaced_has_no_name_of_its_own(synthesised):
    for _, name, resource in synthesised.resources():
        for kind, field in NEVER_NAMED.items():
            assert resource["Type"] != kind or field not in resource["Properties"], name


def test_every_log_group_forgets(synthesised):
    groups = [r for _, _, r in synthesised.resources() if r["Type"] == "AWS::Logs::LogGroup"]

    assert groups
    for group in groups:
        assert group["Properties"]["RetentionInDays"] <= 90
        assert "KmsKeyId" in group["Properties"]


def test_no_statement_allows_everything(synthesised):
    for _, name, resource in synthesised.resources():
        if resource["Type"] not in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
            continue
        for statement in resource["Properties"]["PolicyDocument"]["Statement"]:
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            assert "*" not in actions, name
            assert not any(action.endswith(":*") for action in actions), name


def test_every_output_that_people_need_is_there(synthesised):
    outputs = {
        name: output["Value"]
        for kind in STACKS
        for name, output in synthesised.template(kind)["Outputs"].items()
    }

    assert "aws s3 cp <file> s3://" in json.dumps(outputs["DropFilesHere"])
    assert outputs["InvokeLikeThis"] == (
        "aws sagemaker-runtime invoke-endpoint --endpoint-name headrace-price "
        "--content-type text/csv --body fileb://rows.csv out.csv"
    )
    assert "aws stepfunctions start-execution" in json.dumps(outputs["TrainNow"])
    assert "aws cloudwatch describe-alarms" in json.dumps(outputs["ShowAlarm"])


def test_a_pipeline_that_does_not_exist_is_one_clear_line(tmp_path):
    done = subprocess.run(
        [sys.executable, "app.py"],
        cwd=Path(__file__).parents[2],
        env={
            "PATH": os.environ["PATH"],
            "CDK_CONTEXT_JSON": '{"pipeline": "bik"}',
            "CDK_OUTDIR": str(tmp_path),
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "did you mean bike?" in done.stderr
    assert "Traceback" not in done.stderr
