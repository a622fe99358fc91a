import json

import pytest
from aws_cdk.assertions import Match

from tests.infra.nag import findings
from tests.infra.pipeline_stacks import stacks, templates
from tests.infra.policies import policies_of
from tests.infra.state_machines import tasks
from tests.infra.test_state_machines import definition_of


@pytest.fixture(scope="module")
def template():
    return templates()[0]


def policies(template):
    """Return the statements of every role's policy, by the logical id of the role."""
    found = {}
    for policy in policies_of(template).values():
        for role in policy["Properties"]["Roles"]:
            statements = policy["Properties"]["PolicyDocument"]["Statement"]
            found.setdefault(role["Ref"], []).extend(statements)
    return found


def actions(statement):
    return statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]


def test_nothing_is_found_that_nobody_gave_a_reason_for():
    assert findings(stacks()[1]) == []


def test_models_are_registered_under_the_pipelines_name(template):
    template.has_resource_properties(
        "AWS::SageMaker::ModelPackageGroup", {"ModelPackageGroupName": "headrace-bike"}
    )


def test_the_group_is_emptied_before_it_is_deleted(template):
    clean_up = next(iter(template.find_resources("Custom::CleanUp").values()))
    (group,) = template.find_resources("AWS::SageMaker::ModelPackageGroup")

    assert clean_up["Properties"]["What"] == "model_packages"
    assert group in clean_up["DependsOn"]


def test_what_is_to_be_kept_is_not_cleaned_up_and_nothing_that_is_removed_from_the_template_cleans_it_up(
    template,
):
    kept = templates(json.dumps({"on_destroy": "retain"}))[0]
    (name,), ((kept_name, clean_up),) = (
        template.find_resources("Custom::CleanUp"),
        kept.find_resources("Custom::CleanUp").items(),
    )

    # With another name, or without it, CloudFormation would delete the one that was there, and it all packages.
    assert (kept_name, clean_up["Properties"]["What"]) == (name, "nothing")
    assert "sagemaker:DeleteModelPackage" not in json.dumps(kept.to_json())
    kept.has_resource("AWS::SageMaker::ModelPackageGroup", {"DeletionPolicy": "Retain"})


def test_the_image_is_scanned_encrypted_immutable_and_goes_with_the_stack(template):
    template.has_resource_properties(
        "AWS::ECR::Repository",
        {
            "ImageScanningConfiguration": {"ScanOnPush": True},
            "ImageTagMutability": "IMMUTABLE",
            "EncryptionConfiguration": {"EncryptionType": "KMS"},
            "EmptyOnDelete": True,
        },
    )


def test_the_image_is_tagged_by_its_content_and_built_before_it_is_used(template):
    image = next(iter(template.find_resources("Custom::ModelImage").values()))
    project = next(iter(template.find_resources("AWS::CodeBuild::Project").values()))
    variables = {v["Name"]: v["Value"] for v in project["Properties"]["Environment"]["EnvironmentVariables"]}

    assert image["Properties"]["ImageTag"] == variables["IMAGE_TAG"]
    assert project["Properties"]["Environment"]["PrivilegedMode"] is True


def test_accepted_data_and_a_training_that_missed_some_start_the_state_machine(template):
    for detail_type in ("DataAccepted", "TrainingWanted"):
        template.has_resource_properties(
            "AWS::Events::Rule",
            {
                "EventPattern": {
                    "source": ["headrace"],
                    "detail-type": [detail_type],
                    "detail": {"pipeline": ["bike"]},
                },
                "Targets": [
                    Match.object_like(
                        {"InputTransformer": {"InputTemplate": '{"reason":"new_data","detail":<detail>}'}}
                    )
                ],
            },
        )


def test_there_is_a_schedule_only_where_the_pipeline_asks_for_one(template):
    assert not any(
        "ScheduleExpression" in r["Properties"] for r in template.find_resources("AWS::Events::Rule").values()
    )
    scheduled = templates(json.dumps({"retraining": {"on": ["schedule"]}}))[0]
    scheduled.has_resource_properties("AWS::Events::Rule", {"ScheduleExpression": "rate(7 days)"})


def test_the_state_machine_logs_everything_but_data_and_its_log_is_encrypted(template):
    template.has_resource_properties(
        "AWS::StepFunctions::StateMachine",
        {
            "LoggingConfiguration": {"IncludeExecutionData": False, "Level": "ALL"},
            "TracingConfiguration": {"Enabled": True},
        },
    )
    for group in template.find_resources("AWS::Logs::LogGroup").values():
        assert "KmsKeyId" in group["Properties"]
        assert group["Properties"]["RetentionInDays"] <= 90


def test_roles_are_passed_to_sagemaker_only(template):
    passing = [
        statement
        for statements in policies(template).values()
        for statement in statements
        if "iam:PassRole" in actions(statement)
    ]

    assert passing
    for statement in passing:
        assert statement["Condition"] == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}


def test_jobs_and_registrations_are_limited_to_the_pipelines_names(template):
    for statements in policies(template).values():
        for statement in statements:
            if any(action.startswith("sagemaker:") for action in actions(statement)):
                resource = json.dumps(statement["Resource"])
                assert "headrace-bike" in resource or actions(statement) == ["sagemaker:ListModelPackages"]


def test_a_training_job_can_neither_read_evaluations_nor_write_anything_but_its_model(template):
    of_s3 = [
        statement
        for role, statements in policies(template).items()
        if role.startswith("TrainingJobRole")
        for statement in statements
        if any(action.startswith("s3:") for action in actions(statement))
    ]

    writable = [json.dumps(s["Resource"]) for s in of_s3 if "s3:PutObject" in actions(s)]
    readable = [json.dumps(s["Resource"]) for s in of_s3 if "s3:GetObject" in actions(s)]
    assert len(writable) == 1
    assert "/training/*" in writable[0]
    assert "/snapshots/*" in readable[0]
    assert "evaluations" not in readable[0]


def test_step_functions_may_watch_the_jobs_it_waits_for(template):
    statements = [s for found in policies(template).values() for s in found if "events:PutRule" in actions(s)]

    rules = json.dumps([s["Resource"] for s in statements])
    assert "StepFunctionsGetEventsForSageMakerTrainingJobsRule" in rules
    assert "StepFunctionsGetEventsForSageMakerProcessingJobsRule" in rules


def test_no_role_carries_a_managed_policy(template):
    for role in template.find_resources("AWS::IAM::Role").values():
        assert "ManagedPolicyArns" not in role["Properties"]


def test_outputs_say_what_to_start(template):
    assert {"TrainStateMachineArn", "ModelPackageGroupName", "TrainNow"} <= template.find_outputs("*").keys()


def test_the_end_of_a_training_may_ask_how_long_its_own_jobs_ran(template):
    asked = {
        action: json.dumps(statement["Resource"])
        for role, statements in policies(template).items()
        if role.startswith("CloseTraining")
        for statement in statements
        for action in actions(statement)
    }

    assert ":training-job/headrace-bike-*" in asked["sagemaker:DescribeTrainingJob"]
    assert ":processing-job/headrace-bike-*" in asked["sagemaker:DescribeProcessingJob"]
    assert "processing-job" not in asked["sagemaker:DescribeTrainingJob"]


def test_the_guard_reads_the_latest_reports_and_no_other_object(template):
    reads = [
        json.dumps(statement["Resource"])
        for role, statements in policies(template).items()
        if role.startswith("GuardTraining")
        for statement in statements
        if "s3:GetObject" in actions(statement)
    ]

    assert "".join(reads).count("latest.json") == "".join(reads).count("Fn::Join") == 2
    assert "/drift/latest.json" in "".join(reads)
    assert "/quality/latest.json" in "".join(reads)


def written_by(template, function):
    """Return the objects that a function may write, as they end."""
    role = next(name for name in policies(template) if name.startswith(f"{function}Role"))
    statements = [found for found in policies(template)[role] if "s3:PutObject" in actions(found)]
    resources = [each for found in statements for each in found["Resource"]]
    return {each["Fn::Join"][1][-1] for each in resources}


def test_the_judgement_writes_its_report_and_card_and_nothing_else_there(template):
    assert {"/evaluations/*/report.html", "/evaluations/*/model_card.json"} <= written_by(
        template, "JudgeModel"
    )
    assert not any(
        end.endswith(("/evaluation.json", "/evaluations/*")) for end in written_by(template, "JudgeModel")
    )


def registration(template):
    machine = next(iter(template.find_resources("AWS::StepFunctions::StateMachine").values()))
    definition = "".join(
        part if isinstance(part, str) else json.dumps(part)
        for part in machine["Properties"]["DefinitionString"]["Fn::Join"][1]
    )
    start = definition.index('"RegisterModel":{')
    return definition[start : definition.index('"ModelApprovalStatus"', start)]


def test_the_registry_carries_the_card_encrypted_where_the_pipeline_file_says_so(template):
    carrying = templates(json.dumps({"card": {"in_registry": True}}))[0]

    assert '"ModelCardContent":"{% $judgement.card %}"' in registration(carrying)
    assert '"SecurityConfig":{"KmsKeyId":' in registration(carrying)
    assert "ModelCard" not in registration(template)
    assert "SecurityConfig" not in registration(template)


def test_the_key_of_packages_is_used_by_way_of_sagemaker_only(template):
    carrying = templates(json.dumps({"card": {"in_registry": True}}))[0]

    found = [
        statement
        for statements in policies(carrying).values()
        for statement in statements
        if "kms:ViaService" in json.dumps(statement.get("Condition", {}))
    ]
    (statement,) = found
    assert set(actions(statement)) == {
        "kms:CreateGrant",
        "kms:DescribeKey",
        "kms:GenerateDataKey",
        "kms:Decrypt",
    }
    assert "kms:ViaService" not in json.dumps(policies(template))


def test_a_card_that_is_only_written_asks_for_nothing_more(template):
    written = templates(json.dumps({"card": {"owner": "mobility"}}))[0]

    assert policies(written) == policies(template)


def test_the_registry_leads_to_what_was_measured_and_to_groups_where_they_are_compared(template):
    compared = templates(json.dumps({"evaluation": {"fairness": {"columns": ["sex"]}}}))[0]

    assert registration(template).count("/evaluation.json") == 2
    assert '"Bias"' not in registration(template)
    assert '"Bias":{"Report":' in registration(compared)


def test_the_judge_knows_the_codes_origin_and_may_ask_for_the_digest_of_the_one_image(template):
    judge = next(
        function["Properties"]
        for function in template.find_resources("AWS::Lambda::Function").values()
        if function["Properties"]["Handler"].startswith("lambdas.judge_model.")
    )
    asks = [
        statement
        for role, statements in policies(template).items()
        if role.startswith("JudgeModel")
        for statement in statements
        if "ecr:BatchGetImage" in actions(statement)
    ]

    origin = json.loads(judge["Environment"]["Variables"]["CODE_ORIGIN"])
    assert len(origin["content_sha256"]) == len(origin["lock_sha256"]) == 64
    assert "sagemaker_jobs/requirements.txt" in origin["locks"]
    assert origin["commit"] or origin["git_says"]
    assert [list(statement["Resource"]) for statement in asks] == [["Fn::GetAtt"]]


def channels(options="{}"):
    arguments = tasks(definition_of("Training", options))["TrainModel"]["Arguments"]
    return {
        channel["ChannelName"]: channel["DataSource"]["S3DataSource"]["S3Uri"]
        for channel in arguments["InputDataConfig"]
    }


def test_the_training_job_is_given_the_test_part_only_where_it_is_to_be_cross_validated():
    folds = {"evaluation": {"cross_validation": {"folds": 3}}}
    over_all = {"evaluation": {"cross_validation": {"folds": 3, "over": "all"}}}

    assert list(channels(json.dumps(folds))) == ["train", "validation", "spec"]
    assert channels(json.dumps(over_all))["test"] == "{% $snapshot.test_uri %}"
    searched = {**over_all, "training": {"tuning": {}}}
    assert channels(json.dumps(searched))["test"] == "{% $snapshot.test_uri %}"
