"""Which images a pipeline has, and who may pull them."""

import json

import aws_cdk as cdk
import pytest

from headrace.config.pipeline import Pipeline
from infra.image import build_spec
from infra.own_image import OwnImage
from tests.infra.nag import findings
from tests.infra.pipeline_stacks import stacks, templates
from tests.infra.test_managed_image import resources, state, statements_of

XGBOOST = json.dumps({"training": {"estimator": "xgboost"}})
URI = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/rides"
OWN = json.dumps({"image": f"{URI}:7", "training": {"estimator": "xgboost"}})


def training(options="{}"):
    return templates(options)[0].to_json()


def images(template):
    """Return the container of training, of evaluation and of the registered model."""
    return [
        state(template, "TrainModel")["AlgorithmSpecification"]["TrainingImage"],
        state(template, "EvaluateModel")["AppSpecification"]["ImageUri"],
        state(template, "RegisterModel")["InferenceSpecification"]["Containers"][0]["Image"],
    ]


def image_tag(template):
    return resources(template, "Custom::ModelImage")[0]["ImageTag"]


def commands(template):
    (project,) = resources(template, "AWS::CodeBuild::Project")
    return json.loads(project["Source"]["BuildSpec"])["phases"]


def test_scikit_learn_has_one_image():
    template = training()

    assert len(set(images(template))) == 1
    assert len(commands(template)["build"]["commands"]) == 1
    assert not image_tag(template).endswith("-training")


def test_xgboost_trains_in_an_image_of_its_own_and_is_judged_and_served_in_the_lean_one():
    template = training(XGBOOST)

    trains, judges, serves = images(template)
    assert trains != judges
    assert judges == serves
    assert judges.endswith(f":{image_tag(template).removesuffix('-training')}")
    assert trains == "<Fn::GetAtt>"
    assert image_tag(template).endswith("-training")


def test_the_tags_follow_from_what_training_needs():
    assert image_tag(training(XGBOOST)).removesuffix("-training") != image_tag(training())


def test_both_images_are_built_of_one_source_and_the_one_that_is_waited_for_is_pushed_last():
    phases = commands(training(XGBOOST))

    assert phases["build"]["commands"] == [
        'docker build --tag "$REPOSITORY_URI:$IMAGE_TAG" .',
        'docker build --build-arg EXTRAS=xgboost --tag "$REPOSITORY_URI:${IMAGE_TAG}-training" .',
    ]
    assert "${IMAGE_TAG}-training" in phases["post_build"]["commands"][-1]


@pytest.mark.parametrize(
    ("estimator", "compute"),
    [("linear", "SMALL"), ("xgboost", "MEDIUM"), ("torch", "LARGE"), ("keras", "LARGE")],
)
def test_the_more_is_installed_the_larger_is_the_machine_that_builds(estimator, compute):
    (project,) = resources(
        training(json.dumps({"training": {"estimator": estimator}})), "AWS::CodeBuild::Project"
    )

    assert project["Environment"]["ComputeType"] == f"BUILD_GENERAL1_{compute}"
    assert project["TimeoutInMinutes"] < 15, "the function that waits for the build ends after 15 minutes"


def test_what_an_interrupted_build_has_pushed_is_not_pushed_again():
    *_, lean, full = build_spec(("xgboost",))["phases"]["post_build"]["commands"]

    for command in (lean, full):
        assert command.startswith("docker manifest inspect ")
        assert "|| docker push " in command


def test_an_own_image_is_what_all_jobs_run_and_nothing_is_built():
    template = training(OWN)

    assert set(images(template)) == {f"{URI}:7"}
    kinds = {item["Type"] for item in template["Resources"].values()}
    assert not kinds & {"AWS::CodeBuild::Project", "AWS::ECR::Repository", "Custom::ModelImage"}


def test_an_own_image_has_the_entry_points_of_ours_and_no_network():
    template = training(OWN)

    assert state(template, "EvaluateModel")["AppSpecification"]["ContainerArguments"] == [
        "job",
        "evaluate_model",
    ]
    assert "ContainerEntrypoint" not in state(template, "EvaluateModel")["AppSpecification"]
    assert state(template, "TrainModel")["EnableNetworkIsolation"] is True
    assert state(template, "EvaluateModel")["NetworkConfig"]["EnableNetworkIsolation"] is True


@pytest.mark.parametrize("role", ["TrainingJobRole", "EvaluationJobRole"])
def test_a_job_may_pull_the_own_image_and_no_other(role):
    (pull,) = [s for s in statements_of(training(OWN), role) if "ecr:BatchGetImage" in s["Action"]]

    assert pull["Resource"] == {
        "Fn::Join": [
            "",
            ["arn:", {"Ref": "AWS::Partition"}, ":ecr:eu-west-1:123456789012:repository/team/rides"],
        ]
    }


def test_the_endpoint_may_pull_the_own_image():
    serving = templates(OWN)[1].to_json()

    (pull,) = [s for s in statements_of(serving, "ModelRole") if "ecr:BatchGetImage" in s["Action"]]
    assert json.dumps(pull["Resource"]).endswith(':repository/team/rides"]]}')


@pytest.mark.parametrize("options", [XGBOOST, OWN])
def test_nothing_is_found_that_nobody_gave_a_reason_for(options):
    for stack in stacks(options)[1:]:
        assert findings(stack) == []


def test_an_image_of_another_region_is_refused():
    stack = cdk.Stack(cdk.App(), "stack", env=cdk.Environment(region="us-east-1"))
    pipeline = Pipeline(name="bike", problem="regression", target="cnt", image=f"{URI}:7")

    with pytest.raises(ValueError, match=r"bike\.yaml lies in eu-west-1, and is deployed to us-east-1"):
        OwnImage(stack, "ModelImage", pipeline=pipeline)
