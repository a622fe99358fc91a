"""Rows of a real PostgreSQL, imported by the deployed stacks under their own roles, and taken in by the ingestion."""

import json
import shlex
from datetime import UTC, datetime

import pytest

from tests.e2e.cloud import ACCOUNT, REGION, eventually, new_name
from tests.integration import database_servers

CDK = ".venv/bin/cdk"
PIPELINE = """
name: shop
problem: regression
target: price
id: id
database:
  engine: postgresql
  secret: shop/reader
  table: public.orders
  watermark: updated_at
  lag_seconds: 1
  schedule: rate(1 hour)
  rows_per_file: 1000
  ca_certificates: |
    {certificate}
"""


@pytest.fixture(scope="module")
def server():
    with database_servers.postgresql() as server:
        server.run("CREATE TABLE orders (id int PRIMARY KEY, size float8, price int, updated_at timestamptz)")
        yield server


@pytest.fixture(scope="module")
def outputs(cloud, server, tmp_path_factory):
    """Keep the secret, deploy the two stacks that an import takes, and return what they put out."""
    folder = tmp_path_factory.mktemp("shop")
    file = folder / "shop.yaml"
    file.write_text(PIPELINE.format(certificate=server.certificate.strip().replace("\n", "\n    ")))
    cloud.client("secretsmanager").create_secret(Name="shop/reader", SecretString=json.dumps(server.secret()))
    for command in (
        ["bootstrap", f"aws://{ACCOUNT}/{REGION}", "--app", ""],
        [
            *("deploy", "shop-data", "shop-database", "--require-approval", "never"),
            *("-c", f"pipeline={file}", "--output", folder / "cdk.out"),
        ],
    ):
        done = cloud.run(CDK, *command, timeout_s=300)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    stacks = cloud.client("cloudformation").describe_stacks()["Stacks"]
    return {
        output["OutputKey"]: output["OutputValue"]
        for stack in stacks
        if stack["StackName"] in ("shop-data", "shop-database")
        for output in stack.get("Outputs", [])
    }


@pytest.fixture
def add_orders(server):
    """Add orders, and let an import end them up in the ledger."""

    def add_orders(first, last):
        values = ", ".join(f"({n}, {n / 2}, {n % 50}, now())" for n in range(first, last + 1))
        server.run(f"INSERT INTO orders VALUES {values}")

    return add_orders


@pytest.fixture
def accepted(cloud, outputs):
    """Wait until the ingestion has accepted so many rows, and return the ledger's items of its files."""

    def accepted(rows):
        table, client = outputs["LedgerTableName"], cloud.client("dynamodb")

        def items():
            query = {":pk": {"S": "file"}}
            return client.query(
                TableName=table, KeyConditionExpression="pk = :pk", ExpressionAttributeValues=query
            )["Items"]

        return eventually(
            items, lambda found: sum(int(item["rows"]["N"]) for item in found) >= rows, within_s=90
        )

    return accepted


def test_the_schedule_imports_what_is_there(cloud, outputs, add_orders, accepted):
    """The schedule's own target and role, once and now instead of within the hour."""
    add_orders(1, 1500)
    scheduler = cloud.client("scheduler")
    (name,) = [
        schedule["Name"]
        for schedule in scheduler.list_schedules()["Schedules"]
        if schedule["Target"]["Arn"] == outputs["ImportStateMachineArn"]
    ]
    target = scheduler.get_schedule(Name=name)["Target"]
    scheduler.create_schedule(
        Name=new_name("now"),
        ScheduleExpression=f"at({datetime.now(UTC):%Y-%m-%dT%H:%M:%S})",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target=target,
    )

    files = accepted(1500)

    assert [item["key"]["S"].startswith("incoming/database/public.orders/") for item in files] == [True]
    assert {item["quarantined"]["N"] for item in files} == {"0"}


def test_the_command_that_is_put_out_imports_what_is_new(cloud, outputs, add_orders, accepted):
    add_orders(1501, 1520)

    started = cloud.run(*shlex.split(outputs["ImportNow"].replace("aws", ".venv/bin/aws", 1)))

    assert started.returncode == 0, started.stderr
    files = accepted(1520)
    assert sorted(int(item["rows"]["N"]) for item in files) == [20, 1500]


def test_the_functions_may_do_nothing_else(cloud, outputs):
    """Their roles read one secret; another one of the account is out of reach."""
    cloud.client("secretsmanager").create_secret(Name="shop/writer", SecretString="{}")
    functions = cloud.client("lambda").list_functions()["Functions"]
    (role,) = {f["Role"] for f in functions if "shop-database-ImportRows" in f["FunctionName"]}
    iam = cloud.client("iam")
    (policy,) = iam.list_role_policies(RoleName=role.rpartition("/")[2])["PolicyNames"]
    document = iam.get_role_policy(RoleName=role.rpartition("/")[2], PolicyName=policy)["PolicyDocument"]

    client = cloud.as_role(*document["Statement"])("secretsmanager")

    assert client.get_secret_value(SecretId="shop/reader")["SecretString"]
    with pytest.raises(client.exceptions.ClientError, match="AccessDenied"):
        client.get_secret_value(SecretId="shop/writer")
