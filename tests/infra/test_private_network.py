"""A network of the pipeline's own: nothing in it reaches the internet, and everything in it what it calls."""

import ast
import json
from functools import cache
from pathlib import Path

import pytest

from tests.infra.every_stack import MINIMAL, PIPELINES, Synthesised

REPO = Path(__file__).parents[2]
PRIVATE = {**MINIMAL, "network": "private", "endpoint": {"kind": "realtime"}}
SUBNETS = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
EXISTING = {**PRIVATE, "network": {"subnets": SUBNETS, "security_groups": ["sg-0123456789abcdef0"]}}

ENDPOINTS = {
    "application-autoscaling": "application-autoscaling",
    "cloudwatch": "monitoring",
    "codebuild": "codebuild",
    "dynamodb": "dynamodb",
    "ecr": "ecr.api",
    "events": "events",
    "glue": "glue",
    "kinesis": "kinesis-streams",
    "kms": "kms",
    "s3": "s3",
    "sagemaker": "sagemaker.api",
    "sagemaker-runtime": "sagemaker.runtime",
    "secretsmanager": "secretsmanager",
    "sns": "sns",
    "sqs": "sqs",
    "stepfunctions": "states",
}
"""By the client that a function makes: what PrivateLink calls its service."""
OF_SERVERS = {"aws.sagemaker..experiments"}
"""What functions speak with by HTTP, and not by a client of boto3."""
ONLY_SOMETIMES = {
    "stepfunctions": "ingest_file",  # large files
    "secretsmanager": "ingest_file join_feedback prepare_batch",  # hashed columns
}
"""Clients that functions make only if the pipeline file asks for what needs them."""


@pytest.fixture(scope="module", params=["minimal", "most"])
def private(request, tmp_path_factory):
    fields = {"minimal": PRIVATE, "most": PIPELINES["hardened"]}[request.param]
    return Synthesised(fields, tmp_path_factory.mktemp(request.param))


def resources(synthesised, kind):
    return {
        name: resource.get("Properties", {})
        for _, name, resource in synthesised.resources()
        if resource["Type"] == kind
    }


def test_no_way_leads_to_the_internet(private):
    kinds = {resource["Type"] for _, _, resource in private.resources()}
    ways = {
        "InternetGateway",
        "NatGateway",
        "EgressOnlyInternetGateway",
        "VPCGatewayAttachment",
        "Route",
        "EIP",
    }

    assert not kinds & {f"AWS::EC2::{way}" for way in ways}
    assert "AWS::EC2::VPC" in kinds


def test_the_subnets_are_in_two_zones_and_give_no_public_addresses(private):
    subnets = resources(private, "AWS::EC2::Subnet").values()

    assert [subnet["AvailabilityZone"]["Fn::Select"][0] for subnet in subnets] == [0, 1]
    assert not any(subnet["MapPublicIpOnLaunch"] for subnet in subnets)


def test_security_groups_lead_to_endpoints_gateways_and_their_own_alone(private):
    groups = resources(private, "AWS::EC2::SecurityGroup")
    workload = next(name for name in groups if "Workload" in name)
    endpoints = next(name for name in groups if "Endpoints" in name)
    inline = groups[workload]["SecurityGroupEgress"]
    apart = [
        rule
        for rule in resources(private, "AWS::EC2::SecurityGroupEgress").values()
        if rule["GroupId"]["Fn::GetAtt"][0] == workload
    ]

    assert len(inline) == 2  # or EC2 would add a rule of its own, which leads everywhere
    for rule in inline:
        assert (rule["FromPort"], rule["ToPort"]) == (443, 443)
        assert rule["DestinationPrefixListId"]["Fn::GetAtt"][1] in ("S3PrefixListId", "DynamoDbPrefixListId")
    assert {rule["DestinationSecurityGroupId"]["Fn::GetAtt"][0] for rule in apart} == {workload, endpoints}
    assert groups[endpoints]["SecurityGroupEgress"][0]["CidrIp"] == "255.255.255.255/32"
    for rule in resources(private, "AWS::EC2::SecurityGroupIngress").values():
        assert rule["SourceSecurityGroupId"]["Fn::GetAtt"][0] == workload


def test_endpoints_serve_this_account_alone(private):
    for name, endpoint in resources(private, "AWS::EC2::VPCEndpoint").items():
        own, *others = endpoint["PolicyDocument"]["Statement"]
        assert own["Condition"] == {
            "StringEquals": {"aws:PrincipalAccount": {"Ref": "AWS::AccountId"}},
            "StringEqualsIfExists": {"aws:ResourceAccount": {"Ref": "AWS::AccountId"}},
        }
        # A custom resource answers by an address that CloudFormation has signed.
        assert [statement["Sid"] for statement in others] == ["AnswersToCloudFormation"] * ("S3" in name)


def test_there_is_an_endpoint_for_whatever_a_function_calls_and_no_other(private):
    made = services(private) - OF_SERVERS

    called = {
        client
        for function in resources(private, "AWS::Lambda::Function").values()
        if "VpcConfig" in function
        for client in clients_of(function["Handler"].split(".")[1], hashes="most" in str(private.folder))
    }

    assert made == {ENDPOINTS[client] for client in called}


def test_the_way_to_mlflow_is_there_if_sagemaker_runs_the_server(private):
    functions = [each["Handler"] for each in resources(private, "AWS::Lambda::Function").values()]

    assert (services(private) >= OF_SERVERS) == ("lambdas.track_run.handler.handler" in functions)


def services(synthesised):
    return {service(each["ServiceName"]) for each in resources(synthesised, "AWS::EC2::VPCEndpoint").values()}


def service(name):
    """Return what follows the region in an endpoint's service."""
    text = (
        name
        if isinstance(name, str)
        else "".join(part for part in name["Fn::Join"][1] if isinstance(part, str))
    )
    return text.removeprefix("com.amazonaws.").removeprefix(".")


def clients_of(function, *, hashes):
    """Return the services that a function calls: of the clients that it and its adapters make."""
    found = clients(f"lambdas/{function}/handler.py")
    absent = {"stepfunctions"} if hashes else {"stepfunctions", "secretsmanager"}
    return {
        client
        for client in found
        if not (client in absent and function in ONLY_SOMETIMES.get(client, "").split())
    }


@cache
def clients(path):
    """Return the names of the clients that a module makes, and those that it imports of the adapters."""
    found, modules = set(), set()
    for node in ast.walk(ast.parse((REPO / path).read_text())):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("client", "resource"):
            found |= {arg.value for arg in node.args[:1] if isinstance(arg, ast.Constant)}
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("headrace.aws"):
            modules |= {node.module, *(f"{node.module}.{name.name}" for name in node.names)}
    files = {f"{module.replace('.', '/')}.py" for module in modules}
    return found.union(*(clients(file) for file in files if (REPO / file).is_file()))


def test_every_function_is_inside_but_the_one_that_prepares_the_network(private):
    outside = [
        function["Handler"]
        for function in resources(private, "AWS::Lambda::Function").values()
        if "VpcConfig" not in function
    ]

    assert outside == ["lambdas.prepare_network.handler.handler"]


def test_whatever_sagemaker_runs_is_inside(private):
    unplaced = [name for name, state in created(private) if not placed(state["Arguments"])]

    assert unplaced == []
    assert {operation(state) for _, state in created(private)} >= {
        "createTrainingJob",
        "createProcessingJob",
        "createModel",
    }


def created(synthesised):
    """Yield the tasks that make what runs in subnets; transform jobs and endpoints are where their model is."""
    for machine in resources(synthesised, "AWS::StepFunctions::StateMachine").values():
        parts = machine["DefinitionString"]["Fn::Join"][1]
        text = "".join(part if isinstance(part, str) else "token" for part in parts)
        for name, state in json.loads(text)["States"].items():
            if operation(state) in (
                "createTrainingJob",
                "createProcessingJob",
                "createModel",
                "createHyperParameterTuningJob",
            ):
                yield name, state


def operation(state):
    return state.get("Resource", "").rpartition(":")[2].removesuffix(".sync")


def placed(arguments):
    inner = arguments.get("NetworkConfig") or arguments.get("TrainingJobDefinition") or arguments
    config = inner.get("VpcConfig", {})
    return len(config.get("Subnets", [])) == 2 and len(config.get("SecurityGroupIds", [])) == 1


def test_the_flow_log_is_encrypted_and_forgets(private):
    (log,) = resources(private, "AWS::EC2::FlowLog").values()
    group = resources(private, "AWS::Logs::LogGroup")[log["LogGroupName"]["Ref"]]

    assert log["TrafficType"] == "ALL"
    assert "KmsKeyId" in group
    assert group["RetentionInDays"] in (90, 365)


def test_an_existing_network_is_used_as_it_is(tmp_path):
    existing = Synthesised(EXISTING, tmp_path)

    assert not [r for _, _, r in existing.resources() if r["Type"].startswith("AWS::EC2::")]
    for function in resources(existing, "AWS::Lambda::Function").values():
        assert function["VpcConfig"]["SubnetIds"] == SUBNETS
    assert [name for name, state in created(existing) if not placed(state["Arguments"])] == []


def test_a_serverless_model_is_in_no_subnet_because_sagemaker_refuses_it(tmp_path):
    serverless = Synthesised({**PRIVATE, "endpoint": {"kind": "serverless"}}, tmp_path)

    unplaced = [name for name, state in created(serverless) if not placed(state["Arguments"])]

    assert unplaced == ["CreateModel"]


def test_by_default_there_is_no_network(tmp_path):
    default = Synthesised(MINIMAL, tmp_path, validate=False)

    assert "VpcConfig" not in json.dumps([default.template(kind) for kind in default.kinds])
