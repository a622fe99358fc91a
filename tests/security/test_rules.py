"""Every rule of ours accepts what keeps it, and finds what does not."""

from types import SimpleNamespace

import pytest

from security.checks.checkers import RULE_MODULES
from security.checks.deployed import Call, Grant, Machine, Resource
from security.checks.findings import Finding
from security.checks.rules import endpoints, jobs, roles, states, storage, wildcards
from security.checks.rules.rule import RULES

KEY, ON = "arn:aws:kms:us-east-1:123456789012:key/1", {"EnableNetworkIsolation": True}
TRAFFIC = {"EnableInterContainerTrafficEncryption": True}
VPC = {"VpcConfig": {"Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}}
FOR_US = {"StringEquals": {"aws:SourceAccount": "123456789012"}}
LEGATE = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}


def call(operation, arguments=None, **more):
    return Call("p-training/Training", "Do", "sagemaker", operation, arguments or {}, **more)


def resource(kind, properties=None):
    return Resource("p-data/Thing", kind, properties or {})


def machine(**state):
    task = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "End": True, **state}
    return Machine("p-training/Training", {"StartAt": "Do", "States": {"Do": task}, "TimeoutSeconds": 60})


def grant(actions, resources="*", services="states.amazonaws.com", effect="Allow", **condition):
    statement = {"Effect": effect, "Action": actions, "Resource": resources, "Condition": condition}
    return Grant("p-data/Role/DefaultPolicy", "p-data.Role", frozenset({services}), statement, "p")


def trust(service, condition=None):
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Condition": condition or {}}
    return resource("AWS::IAM::Role", {"AssumeRolePolicyDocument": {"Statement": [statement]}})


def endpoint(count, **more):
    variant = {"VariantName": "one", "InstanceType": "ml.m5.large", "InitialInstanceCount": count}
    return call("CreateEndpointConfig", {"ProductionVariants": [variant]}, **more)


def schedule(network):
    return call(
        "CreateMonitoringSchedule",
        {"MonitoringScheduleConfig": {"MonitoringJobDefinition": {"NetworkConfig": network}}},
    )


def definition(network):
    return call("CreateModelBiasJobDefinition", {"NetworkConfig": network})


FROM_VPC = {"ImageConfig": {"RepositoryAccessMode": "Vpc"}}
BARE = Machine("p/M", {"StartAt": "Do", "States": {"Do": {"Type": "Task", "Resource": "x", "Next": "Gone"}}})
ALONE = Machine(
    "p/M", {"StartAt": "A", "States": {"A": {"Type": "Succeed"}, "B": {"Type": "Pass", "Next": "A"}}}
)
WITH_ALL = {"Catch": [{"ErrorEquals": ["States.ALL", "States.Timeout"], "Next": "Do"}]}
TRAINING = {
    "ResourceConfig": {"InstanceType": "ml.m5.large", "VolumeKmsKeyId": KEY},
    "OutputDataConfig": {"KmsKeyId": KEY},
    "StoppingCondition": {"MaxRuntimeInSeconds": 60},
}
SEARCH = {"TrainingJobDefinition": {**TRAINING, **ON, **TRAFFIC}}

CASES = [
    (jobs.jobs_are_isolated, call("CreateTrainingJob", ON), call("CreateTrainingJob")),
    (
        jobs.jobs_are_isolated,
        call("CreateModel", ON),
        call("CreateModel", {"EnableNetworkIsolation": "true"}),
    ),
    (
        jobs.jobs_are_isolated,
        call("CreateProcessingJob", {"NetworkConfig": ON}),
        call("CreateProcessingJob", ON),
    ),
    (
        jobs.jobs_are_isolated,
        call("CreateHyperParameterTuningJob", SEARCH),
        call("CreateHyperParameterTuningJob", ON),
    ),
    (
        jobs.traffic_between_containers_is_encrypted,
        call("CreateTrainingJob", TRAFFIC),
        call("CreateTrainingJob"),
    ),
    (jobs.volumes_have_the_key, call("CreateTrainingJob", TRAINING), call("CreateTrainingJob")),
    (
        jobs.volumes_have_the_key,
        call("CreateTransformJob", {"TransformResources": {"InstanceType": "ml.g5.xlarge"}}),
        call("CreateTransformJob", {"TransformResources": {"InstanceType": "ml.m5.large"}}),
    ),
    (jobs.outputs_have_the_key, call("CreateTrainingJob", TRAINING), call("CreateTrainingJob")),
    (
        jobs.outputs_have_the_key,
        call("CreateTransformJob", {"TransformOutput": {"KmsKeyId": KEY}}),
        call("CreateTransformJob"),
    ),
    (jobs.jobs_end, call("CreateTrainingJob", TRAINING), call("CreateTrainingJob")),
    (
        jobs.jobs_are_in_the_network,
        call("CreateTrainingJob", VPC, private=True),
        call("CreateTrainingJob", private=True),
    ),
    (jobs.jobs_are_in_the_network, call("CreateModel"), call("CreateModel", private=True)),
    (endpoints.endpoints_survive_the_loss_of_an_instance, endpoint(2), endpoint(1)),
    (
        endpoints.endpoints_survive_the_loss_of_an_instance,
        endpoint("{% $plan.instances %}", instances=2),
        endpoint("{% $plan.instances %}", instances=1),
    ),
    (
        endpoints.endpoints_have_the_key,
        call("CreateEndpointConfig", {"KmsKeyId": KEY}),
        call("CreateEndpointConfig"),
    ),
    (
        endpoints.captured_requests_have_the_key,
        call("CreateEndpointConfig", {"DataCaptureConfig": {"KmsKeyId": KEY}}),
        call("CreateEndpointConfig", {"DataCaptureConfig": {"EnableCapture": True}}),
    ),
    (
        endpoints.asynchronous_answers_have_the_key,
        call("CreateEndpointConfig", {"AsyncInferenceConfig": {"OutputConfig": {"KmsKeyId": KEY}}}),
        call("CreateEndpointConfig", {"AsyncInferenceConfig": {"OutputConfig": {}}}),
    ),
    (
        endpoints.images_come_through_the_network,
        call("CreateModel", {"PrimaryContainer": FROM_VPC}),
        call("CreateModel", {"PrimaryContainer": {"Image": "x"}}),
    ),
    (
        endpoints.images_of_several_come_through_the_network,
        call("CreateModel", {"Containers": [FROM_VPC, FROM_VPC]}),
        call("CreateModel", {"Containers": [FROM_VPC, {}]}),
    ),
    (endpoints.monitoring_jobs_encrypt_traffic, definition(TRAFFIC), definition(ON)),
    (endpoints.monitoring_jobs_are_isolated, definition(ON), definition(TRAFFIC)),
    (endpoints.schedules_encrypt_traffic, schedule(TRAFFIC), schedule(ON)),
    (endpoints.schedules_are_isolated, schedule(ON), schedule(TRAFFIC)),
    (roles.services_act_for_this_account, trust("glue.amazonaws.com", FOR_US), trust("glue.amazonaws.com")),
    (roles.services_act_for_this_account, trust("lambda.amazonaws.com"), trust("events.amazonaws.com")),
    (
        roles.roles_have_no_policies_of_aws,
        resource("AWS::IAM::Role", {"ManagedPolicyArns": ["arn:aws:iam::123456789012:policy/ours"]}),
        resource(
            "AWS::IAM::Role", {"ManagedPolicyArns": ["arn:aws:iam::aws:policy/AmazonSageMakerFullAccess"]}
        ),
    ),
    (
        roles.policies_stand_for_themselves,
        resource("AWS::IAM::Role"),
        resource("AWS::IAM::Role", {"Policies": [{}]}),
    ),
    (roles.policies_stand_for_themselves, resource("AWS::IAM::Role"), resource("AWS::IAM::Policy")),
    (
        roles.policies_are_within_the_limit,
        resource("AWS::IAM::ManagedPolicy", {"PolicyDocument": {"Statement": []}}),
        resource("AWS::IAM::ManagedPolicy", {"PolicyDocument": {"Statement": ["x" * 5000]}}),
    ),
    (
        roles.roles_are_passed_to_one_service,
        grant("iam:PassRole", "arn:aws:iam::123456789012:role/r", **LEGATE),
        grant("iam:PassRole", "arn:aws:iam::123456789012:role/r"),
    ),
    (
        roles.roles_are_passed_to_one_service,
        grant("s3:GetObject"),
        grant("iam:PassRole", "arn:aws:iam::123456789012:role/*", **LEGATE),
    ),
    (
        roles.jobs_are_started_by_state_machines_alone,
        grant("sagemaker:CreateTrainingJob"),
        grant("sagemaker:CreateTrainingJob", services="lambda.amazonaws.com"),
    ),
    (states.transitions_lead_to_states, machine(), BARE),
    (states.states_are_reached, machine(), ALONE),
    (states.executions_end, machine(), BARE),
    (states.tasks_end, machine(TimeoutSeconds=5), BARE),
    (
        states.tasks_are_tried_again,
        machine(Retry=[{"ErrorEquals": ["X"], "JitterStrategy": "FULL"}]),
        machine(Retry=[{"ErrorEquals": ["X"]}]),
    ),
    (states.catch_all_comes_last, machine(), machine(**WITH_ALL)),
    (
        states.calls_fit_their_operations,
        call("DescribeModel", {"ModelName": "{% $name %}"}),
        call("DescribeModel", {"Name": "x"}),
    ),
    (
        states.logs_of_executions_show_no_data,
        resource("", {"LoggingConfiguration": {"Level": "ALL", "IncludeExecutionData": False}}),
        resource("", {"LoggingConfiguration": {"Level": "ALL", "IncludeExecutionData": True}}),
    ),
    (states.executions_are_traced, resource("", {"TracingConfiguration": {"Enabled": True}}), resource("")),
    (
        storage.logs_have_the_key_and_an_end,
        resource("", {"KmsKeyId": KEY, "RetentionInDays": 90}),
        resource("", {"KmsKeyId": KEY}),
    ),
    (
        storage.variables_of_functions_have_the_key,
        resource("", {"KmsKeyArn": KEY, "Environment": {"Variables": {}}}),
        resource("", {"Environment": {"Variables": {}}}),
    ),
    (
        storage.variables_hold_no_secrets,
        resource("", {"Environment": {"Variables": {"CHAT_SECRET": "headrace/chat"}}}),
        resource("", {"Environment": {"Variables": {"CHAT_SECRET": "hunter2"}}}),
    ),
    (
        storage.variables_hold_no_secrets,
        resource("", {"Environment": {"Variables": {"BUCKET": "b"}}}),
        resource("", {"Environment": {"Variables": {"BUCKET": "AKIA" + "IOSFODNN7EXAMPLE"}}}),
    ),
    (
        storage.tags_of_images_are_never_moved,
        resource("", {"ImageTagMutability": "IMMUTABLE", "ImageScanningConfiguration": {"ScanOnPush": True}}),
        resource("", {"ImageTagMutability": "MUTABLE", "ImageScanningConfiguration": {"ScanOnPush": True}}),
    ),
    (
        storage.images_are_pinned,
        call("CreateModel", {"PrimaryContainer": {"Image": "1.dkr.ecr/x@sha256:00"}}),
        call("CreateModel", {"PrimaryContainer": {"Image": "1.dkr.ecr/x:latest"}}),
    ),
]
OVER_ALL = {wildcards.wildcards_are_bounded}


@pytest.mark.parametrize(("rule", "good", "bad"), CASES, ids=lambda case: getattr(case, "__name__", ""))
def test_a_rule_accepts_what_keeps_it_and_finds_what_does_not(rule, good, bad):
    assert list(rule(good)) == []
    assert list(rule(bad)) != []


def test_every_rule_is_tried():
    tried = {rule.__name__ for rule, _, _ in CASES} | {rule.__name__ for rule in OVER_ALL}

    assert RULE_MODULES
    assert {f"Headrace-{name.title().replace('_', '')}" for name in tried} == RULES.keys()


def found(*grants):
    return [what for _, what in wildcards.wildcards_are_bounded(SimpleNamespace(grants=list(grants)))]


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:GetObject", "arn:aws:s3:::p-data.Bucket/raw/*"),
        ("s3:GetObject", "arn:aws:s3:::p-data.Bucket/snapshots/*/manifest.json"),
        ("sagemaker:DescribeModel", "arn:aws:sagemaker:us-east-1:123456789012:model/headrace-p-v*"),
        ("lambda:InvokeFunction", "arn:aws:lambda:us-east-1:123456789012:function:p-data.Ingest:*"),
        ("logs:PutLogEvents", "arn:aws:logs:us-east-1:123456789012:log-group:/aws/sagemaker/TrainingJobs:*"),
        ("ecr:GetAuthorizationToken", "*"),
        ("cloudwatch:PutMetricData", "*"),
    ],
)
def test_a_wildcard_is_accepted_where_something_of_the_pipeline_bounds_it(action, resource):
    assert found(grant(action, resource)) == []


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:GetObject", "arn:aws:s3:::p-data.Bucket/*"),
        ("s3:GetObject", "arn:aws:s3:::*"),
        ("s3:Get*", "arn:aws:s3:::p-data.Bucket/raw/*"),
        ("sagemaker:InvokeEndpoint", "arn:aws:sagemaker:us-east-1:123456789012:endpoint/headrace-p*"),
        ("sagemaker:InvokeEndpoint", "arn:aws:sagemaker:us-east-1:123456789012:endpoint/headrace-other-*"),
        ("sqs:SendMessage", "*"),
        ("sqs:NoSuchAction", "*"),
    ],
)
def test_a_wildcard_is_found_where_nothing_bounds_it(action, resource):
    assert len(found(grant(action, resource))) == 1


def test_what_a_function_may_and_its_code_may_not_is_bounded():
    only_lambda = {
        "ArnEquals": {"lambda:SourceFunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:f"}
    }
    allowed = grant("ec2:CreateNetworkInterface")

    assert len(found(allowed)) == 1
    assert found(allowed, grant("ec2:CreateNetworkInterface", effect="Deny", **only_lambda)) == []
    assert len(found(allowed, grant("ec2:DeleteNetworkInterface", effect="Deny", **only_lambda))) == 1


SIZES = "sagemaker:UpdateEndpointWeightsAndCapacities"
SCALES = (
    "application-autoscaling:RegisterScalableTarget",
    "arn:aws:application-autoscaling:r:1:scalable-target/*",
)
OF_VARIANTS = {
    "StringEquals": {
        "application-autoscaling:service-namespace": "sagemaker",
        "application-autoscaling:scalable-dimension": "sagemaker:variant:DesiredInstanceCount",
    }
}


@pytest.mark.parametrize(
    ("conditions", "endpoint", "count"),
    [
        (OF_VARIANTS, "arn:aws:sagemaker:r:1:endpoint/headrace-p", 0),
        ({}, "arn:aws:sagemaker:r:1:endpoint/headrace-p", 1),
        (OF_VARIANTS, "arn:aws:sagemaker:r:1:endpoint/*", 1),
    ],
)
def test_scalable_targets_are_bounded_by_conditions_and_by_whose_size_one_may_change(
    conditions, endpoint, count
):
    scaling = [
        what for what in found(grant(*SCALES, **conditions), grant(SIZES, endpoint)) if "scalable" in what
    ]

    assert len(scaling) == count
    assert len(found(grant(*SCALES, **OF_VARIANTS))) == 1


@pytest.mark.parametrize(
    ("action", "emptied", "count"),
    [
        ("s3:DeleteObject", "p-data.Bucket", 0),
        ("s3:DeleteObject", "p-data.Other", 1),
        ("s3:GetObject", "p-data.Bucket", 1),
    ],
)
def test_all_of_a_bucket_is_for_a_function_that_empties_it(action, emptied, count):
    function = "arn:aws:lambda:us-east-1:123456789012:function:p-data.Empty"
    role = "arn:aws:iam::123456789012:role/p-data.Role"
    by_kind = {
        "AWS::Lambda::Function": [resource("AWS::Lambda::Function", {"Role": role})],
        "Custom::EmptyBuckets": [resource("", {"ServiceToken": function, "BucketNames": [emptied]})],
    }
    deployed = SimpleNamespace(
        grants=[grant(action, "arn:aws:s3:::p-data.Bucket/*")], of_type=by_kind.get, arn=lambda _: function
    )

    assert len(list(wildcards.wildcards_are_bounded(deployed))) == count


def test_sagemaker_makes_interfaces_in_a_network_and_nobody_else_may():
    assert found(grant("ec2:CreateNetworkInterface", services="sagemaker.amazonaws.com")) == []
    assert len(found(grant("ec2:RunInstances", services="sagemaker.amazonaws.com"))) == 1


def test_findings_of_packs_and_of_ours_are_named_alike():
    assert Finding("Headrace", "Headrace-JobsEnd", "p").general_rule == "Headrace-JobsEnd"
