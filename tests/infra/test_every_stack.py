"""What holds for all stacks of every kind of pipeline, as `cdk synth` writes them."""

import json
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_s3 as s3

from headrace.config.loading import load_pipeline
from local_cloud.lambda_runtime.packages import (
    RUNTIME,
    package_folder,
    packed_distributions,
    public_layer,
)
from tests.infra.every_stack import OPTIONAL, STACKS, Synthesised
from tests.infra.nag import findings
from tests.infra.pipeline_stacks import CDK_JSON

REPO = Path(__file__).parents[2]
KEPT_WITH_THE_DATA = {
    "AWS::S3::Bucket",
    "AWS::DynamoDB::Table",
    "AWS::KMS::Key",
    "AWS::Glue::Database",
    "AWS::SageMaker::ModelPackageGroup",
    "AWS::SecretsManager::Secret",
    "AWS::Backup::BackupVault",
}
NAMED = {
    ("AWS::Glue::Database", "headrace_price"),
    ("AWS::SageMaker::ModelPackageGroup", "headrace-price"),
    ("AWS::Logs::LogGroup", "/aws/sagemaker/Endpoints/headrace-price"),
    ("AWS::CloudWatch::Dashboard", "headrace-price"),
}
"""The only names that are not CloudFormation's to choose: people and services look these up by the pipeline's."""

NAMED_OF_LARGE_DATA = {
    ("AWS::Glue::SecurityConfiguration", "headrace-price"),  # CloudFormation makes no names for this type
    ("AWS::Logs::LogGroup", "/aws-glue/headrace-price/clean-file/output"),
    ("AWS::Logs::LogGroup", "/aws-glue/headrace-price/clean-file/error"),
    ("AWS::Logs::LogGroup", "/aws-glue/headrace-price/snapshot-data/output"),
    ("AWS::Logs::LogGroup", "/aws-glue/headrace-price/snapshot-data/error"),
    ("AWS::StepFunctions::StateMachine", "headrace-price-clean-large-file"),  # an earlier stack starts it
}

NAMED_OF_AUDIT = {("AWS::CloudTrail::Trail", "headrace-price")}  # stands in policies that are there before it
NAMED_OF_FRONT = {("AWS::ApiGateway::RestApi", "headrace-price"), ("AWS::ApiGateway::Stage", "live")}
"""Callers have the stage in their address, and alarms and metrics go by the API's name."""

_NAMES_OF_OTHERS = {"PolicyName", "MetricName", "DisplayName", "DatabaseName"}
"""Of a part of a role, of a metric, for people, of what a table is in."""


@pytest.mark.parametrize("kind", [*STACKS, *OPTIONAL])
def test_nothing_is_found_that_nobody_gave_a_reason_for(synthesised, kind):
    if kind in synthesised.kinds:
        assert findings(synthesised.stack(kind)) == []
    else:
        assert not synthesised.path(kind).exists()


def test_there_are_no_other_stacks(synthesised):
    assert {stack.node.id for stack in synthesised.app.node.children if isinstance(stack, cdk.Stack)} == {
        f"{synthesised.name}-{kind}" for kind in synthesised.kinds
    }
    assert set(STACKS) <= set(synthesised.kinds)


def test_a_public_bucket_would_be_found():
    stack = cdk.Stack(cdk.App(), "careless")
    s3.Bucket(stack, "Open", public_read_access=True, block_public_access=s3.BlockPublicAccess())

    assert any("AwsSolutions-S2" in found for found in findings(stack))


def test_cloudformation_accepts_every_template(synthesised):
    for kind in synthesised.kinds:
        assert [str(match) for match in linter().validate_template(synthesised.template(kind))] == []


def test_a_property_that_does_not_exist_would_be_found():
    template = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"Colour": "red"}}}}

    assert list(linter().validate_template(template))


@cache
def linter():
    """Return cfn-lint with all its rules, which take longer to load than a template to check."""
    from cfnlint.config import ConfigMixIn  # noqa: PLC0415 - takes a second, in every worker that collects this file
    from cfnlint.runner import Runner  # noqa: PLC0415

    return Runner(ConfigMixIn(ignore_checks=["W3005"], regions=["us-east-1"]))  # the CDK says W3005 twice


def test_templates_are_within_cloudformations_limits(synthesised):
    for kind in synthesised.kinds:
        assert synthesised.path(kind).stat().st_size < 1_000_000
        assert len(synthesised.template(kind)["Resources"]) < 500
        assert len(synthesised.template(kind).get("Outputs", {})) < 200


def test_the_same_file_gives_the_same_templates(synthesised, tmp_path):
    again = Synthesised(synthesised.fields, tmp_path, validate=False, **synthesised.context)

    for kind in synthesised.kinds:
        assert again.template(kind) == synthesised.template(kind)


@pytest.fixture(
    scope="module", params=sorted((REPO / "pipelines").glob("*.yaml")), ids=lambda path: path.stem
)
def of_the_project(request, tmp_path_factory):
    """All stacks of one pipeline file of the project."""
    fields = load_pipeline(request.param).model_dump(mode="json")
    return Synthesised(fields, tmp_path_factory.mktemp(request.param.stem))


def test_every_pipeline_of_the_project_passes_the_checks(of_the_project):
    for kind in of_the_project.kinds:
        assert findings(of_the_project.stack(kind)) == []


def test_a_bare_machine_gives_the_same_templates(of_the_project, tmp_path):
    """No credentials, no home, nothing but git on the path, other hashes of text."""
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "git").symlink_to(shutil.which("git"))
    done = synthesise(of_the_project.name, tmp_path, {"PATH": str(programs), "PYTHONHASHSEED": "4711"})

    assert done.returncode == 0, done.stderr
    for kind in of_the_project.kinds:
        written = json.loads((tmp_path / of_the_project.path(kind).name).read_text())
        assert written == of_the_project.template(kind)


def synthesise(name, folder, environment):
    """Run app.py as `cdk synth` does, in a fresh process."""
    context = {"CDK_CONTEXT_JSON": json.dumps({**CDK_JSON, "pipeline": name}), "CDK_OUTDIR": str(folder)}
    return subprocess.run(
        [sys.executable, "app.py"],
        cwd=REPO,
        env={**environment, **context},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_function_can_be_imported_with_its_runtime_and_layers_alone(synthesised, tmp_path):
    by_layers = {}
    for kind, _, resource in synthesised.resources():
        if resource["Type"] != "AWS::Lambda::Function":
            continue
        properties = resource["Properties"]
        layers = tuple(sorted(named_layers(synthesised, kind, properties["Layers"])))
        bundle = synthesised.folder / asset_of(synthesised, kind, properties["Code"]["S3Key"])
        module, _, function = properties["Handler"].rpartition(".")
        by_layers.setdefault((bundle, layers), set()).add((module, function))

    assert by_layers
    for (bundle, layers), handlers in by_layers.items():
        packages = package_folder([*RUNTIME, *layers], tmp_path)
        imported = run_python(bundle, packages, handlers)
        assert imported.returncode == 0, imported.stderr


def named_layers(synthesised, kind, layers):
    """Return the distributions of layers: of those of the stack, and of those that AWS publishes."""
    for layer in layers:
        if "Ref" in layer:
            content = synthesised.template(kind)["Resources"][layer["Ref"]]["Properties"]["Content"]
            asset = synthesised.folder / asset_of(synthesised, kind, content["S3Key"])
            yield from packed_distributions(asset / "python")
            continue
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


def test_only_what_is_looked_up_by_name_has_one(synthesised):
    named = {
        (resource["Type"], value)
        for _, _, resource in synthesised.resources()
        for field, value in own_names(resource)
        if isinstance(value, str) and field not in _NAMES_OF_OTHERS
        if resource["Type"] != "AWS::Backup::BackupVault"  # CloudFormation makes no names for this type
    }

    large = NAMED_OF_LARGE_DATA if "large-data" in synthesised.kinds else set()
    front = NAMED_OF_FRONT if "front" in synthesised.kinds else set()
    audit = NAMED_OF_AUDIT if synthesised.fields.get("audit") else set()
    assert named == NAMED | large | front | audit


def own_names(resource):
    """Yield the properties that name a resource."""
    properties = resource.get("Properties", {})
    if resource["Type"] == "AWS::Glue::Database":
        yield "Name", properties["DatabaseInput"]["Name"]
    if not resource["Type"].startswith("Custom::"):
        yield from ((field, value) for field, value in properties.items() if field.endswith("Name"))


def test_every_log_group_forgets(synthesised):
    groups = {
        name: r["Properties"] for _, name, r in synthesised.resources() if r["Type"] == "AWS::Logs::LogGroup"
    }
    pipeline = synthesised.stack("data").pipeline

    assert groups
    for name, group in groups.items():
        holds_predictions = name.startswith("EndpointLogs") and pipeline.endpoint.logs_requests
        assert group["RetentionInDays"] == (30 if holds_predictions else pipeline.log_days)
        assert "KmsKeyId" in group


def test_every_output_that_people_need_is_there(synthesised):
    outputs = {
        name: output["Value"]
        for kind in synthesised.kinds
        for name, output in synthesised.template(kind).get("Outputs", {}).items()
    }

    assert "aws s3 cp <file> s3://" in json.dumps(outputs["DropFilesHere"])
    assert outputs["InvokeLikeThis"] == (
        "aws sagemaker-runtime invoke-endpoint --endpoint-name headrace-price "
        "--content-type text/csv --body fileb://rows.csv out.csv"
    )
    assert "aws stepfunctions start-execution" in json.dumps(outputs["TrainNow"])
    assert "aws cloudwatch describe-alarms" in json.dumps(outputs["ShowAlarm"])


def test_a_pipeline_that_does_not_exist_is_one_clear_line(tmp_path):
    done = synthesise("bik", tmp_path, {"PATH": ""})

    assert done.returncode == 1
    assert "did you mean bike?" in done.stderr
    assert "Traceback" not in done.stderr
