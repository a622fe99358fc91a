import pytest

from local_cloud.repairs.task_permissions import Place, permissions

PLACE = Place("123456789012", "us-east-1")
ROLE = "arn:aws:iam::123456789012:role/job"


def needed(integration, arguments):
    found = permissions(f"arn:aws:states:::{integration}", arguments, PLACE)
    return {(p.action, p.resource.replace("us-east-1:123456789012:", "")) for p in found}


def watching(rule):
    return {
        (f"events:{verb}", f"arn:aws:events:rule/{rule}")
        for verb in ("PutRule", "PutTargets", "DescribeRule")
    }


@pytest.mark.parametrize(
    ("integration", "arguments", "expected"),
    [
        ("lambda:invoke", {"FunctionName": "f"}, {("lambda:InvokeFunction", "arn:aws:lambda:function:f")}),
        (
            "lambda:invoke.waitForTaskToken",
            {"FunctionName": "arn:aws:lambda:us-east-1:123456789012:function:f:live"},
            {("lambda:InvokeFunction", "arn:aws:lambda:function:f:live")},
        ),
        (
            "sqs:sendMessage",
            {"QueueUrl": "http://localhost:4566/123456789012/q"},
            {("sqs:SendMessage", "arn:aws:sqs:q")},
        ),
        ("sns:publish", {"TopicArn": PLACE.arn("sns", "t")}, {("sns:Publish", "arn:aws:sns:t")}),
        (
            "aws-sdk:dynamodb:updateItem",
            {"TableName": "t"},
            {("dynamodb:UpdateItem", "arn:aws:dynamodb:table/t")},
        ),
        ("aws-sdk:s3:headObject", {"Bucket": "b", "Key": "k/x"}, {("s3:GetObject", "arn:aws:s3:::b/k/x")}),
        ("aws-sdk:s3:listObjectsV2", {"Bucket": "b"}, {("s3:ListBucket", "arn:aws:s3:::b")}),
        (
            "sagemaker:createTrainingJob.sync",
            {"TrainingJobName": "job-1", "RoleArn": ROLE, "Tags": [{"Key": "a", "Value": "b"}]},
            {
                ("sagemaker:CreateTrainingJob", "arn:aws:sagemaker:training-job/job-1"),
                ("sagemaker:AddTags", "arn:aws:sagemaker:training-job/job-1"),
                ("sagemaker:DescribeTrainingJob", "arn:aws:sagemaker:training-job/job-1"),
                ("sagemaker:StopTrainingJob", "arn:aws:sagemaker:training-job/job-1"),
                ("iam:PassRole", ROLE),
            }
            | watching("StepFunctionsGetEventsForSageMakerTrainingJobsRule"),
        ),
        (
            "sagemaker:createEndpoint",
            {"EndpointName": "Live", "EndpointConfigName": "c"},
            {
                ("sagemaker:CreateEndpoint", "arn:aws:sagemaker:endpoint/live"),
                ("sagemaker:CreateEndpoint", "arn:aws:sagemaker:endpoint-config/c"),
            },
        ),
        (
            "aws-sdk:sagemaker:updateEndpointWeightsAndCapacities",
            {"EndpointName": "live", "DesiredWeightsAndCapacities": []},
            {("sagemaker:UpdateEndpointWeightsAndCapacities", "arn:aws:sagemaker:endpoint/live")},
        ),
        (
            "aws-sdk:sagemaker:updateModelPackage",
            {"ModelPackageArn": PLACE.arn("sagemaker", "model-package/g/3")},
            {("sagemaker:UpdateModelPackage", "arn:aws:sagemaker:model-package/g/3")},
        ),
        ("aws-sdk:ssm:getParameter", {"Name": "/p"}, set()),
    ],
)
def test_a_task_needs_what_the_service_authorization_reference_lists(integration, arguments, expected):
    assert needed(integration, arguments) == expected


def test_an_event_is_described_to_the_conditions_of_a_policy():
    entry = {"Source": "headrace", "DetailType": "DataAccepted", "Detail": {}}

    [permission] = permissions("arn:aws:states:::events:putEvents", {"Entries": [entry]}, PLACE)

    assert permission.context == {"events:source": "headrace", "events:detail-type": "DataAccepted"}
    assert permission.resource == PLACE.arn("events", "event-bus/default")


def test_a_role_is_passed_to_sagemaker():
    found = permissions(
        "arn:aws:states:::sagemaker:createModel", {"ModelName": "m", "ExecutionRoleArn": ROLE}, PLACE
    )

    [passing] = [p for p in found if p.action == "iam:PassRole"]
    assert passing.context == {"iam:PassedToService": "sagemaker.amazonaws.com"}


def test_a_tuning_task_needs_its_own_actions_a_rule_and_the_role_of_the_training_jobs():
    arguments = {
        "HyperParameterTuningJobName": "hpo",
        "TrainingJobDefinition": {"RoleArn": ROLE},
        "Tags": [{"Key": "a", "Value": "b"}],
    }

    job = "arn:aws:sagemaker:hyper-parameter-tuning-job/hpo"
    verbs = (
        "CreateHyperParameterTuningJob",
        "DescribeHyperParameterTuningJob",
        "StopHyperParameterTuningJob",
    )
    assert needed("sagemaker:createHyperParameterTuningJob.sync", arguments) == {
        *((f"sagemaker:{verb}", job) for verb in (*verbs, "AddTags")),
        ("sagemaker:AddTags", "arn:aws:sagemaker:training-job/hpo-001-00000000"),
        ("iam:PassRole", ROLE),
    } | watching("StepFunctionsGetEventsForSageMakerTuningJobsRule")
