"""AWS's own CDK command line against a local cloud: bootstrap, deploy, diff, destroy."""

import json
import os
import sys
from pathlib import Path

import pytest

from tests.e2e.cloud import running

APP = Path(__file__).parent / "cdk_app.py"
CDK = Path(sys.executable).parent / "cdk"


@pytest.fixture(scope="module")
def bootstrapped(new_cloud, tmp_path_factory):
    """A cloud with nothing but CDK's own stack, and a function that runs `cdk` in it."""
    cloud, apps = new_cloud(), tmp_path_factory.mktemp("apps")
    # With the user's home: CDK's libraries are unpacked there, once.
    variables = {name: os.environ[name] for name in ("PATH", "HOME")} | {"CI": "true"}

    def cdk(*arguments, timeout_of_the_function=10):
        options = ("--app", apps / str(timeout_of_the_function), "--no-version-reporting", "--no-notices")
        return cloud.run(CDK, *options, *arguments, **variables)

    made = cloud.run(sys.executable, APP, apps, 10, 20, **variables)
    assert made.returncode == 0, made.stderr
    with running(cloud):
        done = cdk("bootstrap", "aws://123456789012/us-east-1")
        assert done.returncode == 0, done.stderr
        yield cloud, cdk


@pytest.fixture(scope="module")
def deployed(bootstrapped, tmp_path_factory):
    """The outputs of the app's stack."""
    _, cdk = bootstrapped
    outputs = tmp_path_factory.mktemp("outputs") / "outputs.json"
    done = cdk("deploy", "Tiny", "--require-approval", "never", "--outputs-file", outputs)
    assert done.returncode == 0, done.stderr
    return json.loads(outputs.read_text())["Tiny"]


def test_what_is_deployed_works_with_the_permissions_of_the_app(bootstrapped, deployed):
    cloud, _ = bootstrapped
    answer = cloud.client("lambda").invoke(
        FunctionName=deployed["FunctionName"], Payload=b'{"text": "a text"}'
    )

    assert json.loads(answer["Payload"].read()) == "stored"
    stored = cloud.client("s3").get_object(Bucket=deployed["BucketName"], Key="from/function")
    assert stored["Body"].read() == b"a text"


def test_a_stack_that_is_deployed_does_not_differ(bootstrapped, deployed):
    _, cdk = bootstrapped

    done = cdk("diff", "Tiny", "--fail")

    assert done.returncode == 0, done.stdout + done.stderr


def test_a_change_is_shown_and_applied(bootstrapped, deployed):
    cloud, cdk = bootstrapped

    shown = cdk("diff", "Tiny", "--fail", timeout_of_the_function=20)
    cdk("deploy", "Tiny", "--require-approval", "never", timeout_of_the_function=20)

    assert shown.returncode == 1
    assert "Timeout" in shown.stdout + shown.stderr
    function = cloud.client("lambda").get_function_configuration(FunctionName=deployed["FunctionName"])
    assert function["Timeout"] == 20


def test_destroy_leaves_nothing(bootstrapped, deployed):
    cloud, cdk = bootstrapped
    cloud.client("s3").delete_object(Bucket=deployed["BucketName"], Key="from/function")

    done = cdk("destroy", "Tiny", "--force")

    assert done.returncode == 0, done.stderr
    stacks = cloud.client("cloudformation").describe_stacks()["Stacks"]
    assert [stack["StackName"] for stack in stacks] == ["CDKToolkit"]
    assert cloud.client("lambda").list_functions()["Functions"] == []
    buckets = [bucket["Name"] for bucket in cloud.client("s3").list_buckets()["Buckets"]]
    assert buckets == ["cdk-hnb659fds-assets-123456789012-us-east-1"]
    roles = [role["RoleName"] for role in cloud.client("iam").list_roles()["Roles"]]
    assert [name for name in roles if name.startswith("Tiny")] == []
