import json

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ssm as ssm
from aws_cdk.assertions import Template

from headrace.config.pipeline import Pipeline
from infra.code_bundle import lambda_bundle
from infra.layers import RUNTIME, pandas_layer, powertools_layer

MB = 2**20
MOST_UNPACKED = 250 * MB
# aws/aws-sdk-pandas, issue 3331: version 3.16.1 takes 204 MB unpacked, which is version 6 of the layer.
PANDAS_LAYER = 204 * MB
# aws-lambda-powertools[all] 3.37.0 for ARM without boto3, botocore and what they bring, which the layer leaves out.
POWERTOOLS_LAYER = 33 * MB


def stack_in(region=None, **context):
    return cdk.Stack(cdk.App(context=context), "stack", env=cdk.Environment(region=region))


@pytest.mark.parametrize(
    ("region", "account"),
    [
        ("us-east-1", "336392948345"),
        ("eu-central-1", "336392948345"),
        ("il-central-1", "263840725265"),
        ("ap-east-1", "839552336658"),
    ],
)
def test_the_publisher_is_looked_up_in_whatever_region_the_stack_is_deployed(region, account):
    stack = stack_in()

    layer = pandas_layer(stack)
    ssm.StringParameter(stack, "Arn", string_value=layer.layer_version_arn)

    arn = json.dumps(stack.resolve(layer.layer_version_arn))
    assert '{"Fn::FindInMap": ["PandasLayerAccounts", {"Ref": "AWS::Region"}, "account"]}' in arn
    accounts = Template.from_stack(stack).find_mappings("PandasLayerAccounts")["PandasLayerAccounts"]
    assert accounts[region] == {"account": account}


def test_a_known_region_needs_no_look_up():
    stack = stack_in("me-south-1")

    arn = stack.resolve(pandas_layer(stack).layer_version_arn)

    assert json.dumps(arn).endswith(
        ':lambda:me-south-1:938046470361:layer:AWSSDKPandas-Python314-Arm64:6"]]}'
    )


def test_powertools_has_one_publisher_and_one_version():
    stack = stack_in("eu-west-1")

    arn = stack.resolve(powertools_layer(stack).layer_version_arn)

    assert json.dumps(arn).endswith(
        ':lambda:eu-west-1:017000801446:layer:AWSLambdaPowertoolsPythonV3-python314-arm64:37"]]}'
    )


@pytest.mark.parametrize("layer", ["pandas", "powertools"])
def test_a_region_without_layers_is_refused_and_the_way_out_is_named(layer):
    make = {"pandas": pandas_layer, "powertools": powertools_layer}[layer]

    with pytest.raises(ValueError, match=rf"known in cn-north-1: .* -c {layer}_layer_arn="):
        make(stack_in("cn-north-1"))


@pytest.mark.parametrize("region", [None, "us-east-1", "cn-north-1"])
def test_a_layer_of_ones_own_takes_its_place(region):
    own = "arn:aws-cn:lambda:cn-north-1:123456789012:layer:mine:1"
    stack = stack_in(region, pandas_layer_arn=own, powertools_layer_arn=own)

    assert pandas_layer(stack).layer_version_arn == own
    assert powertools_layer(stack).layer_version_arn == own
    assert [child for child in stack.node.children if isinstance(child, cdk.CfnMapping)] == []


def test_both_layers_are_those_of_the_python_that_functions_run_on():
    stack = stack_in("eu-west-1")

    arns = [
        json.dumps(stack.resolve(make(stack).layer_version_arn)) for make in (pandas_layer, powertools_layer)
    ]

    python = RUNTIME.name.replace(".", "")
    assert [f"-{python}-arm64:" in arn.lower() for arn in arns] == [True, True]


def test_the_layers_and_the_code_of_one_function_stay_below_what_lambda_allows():
    bundle = lambda_bundle(Pipeline(name="bike", problem="regression", target="cnt"))

    own = sum(path.stat().st_size for path in bundle.rglob("*") if path.is_file())

    assert own > 0
    assert PANDAS_LAYER + POWERTOOLS_LAYER + own < MOST_UNPACKED
