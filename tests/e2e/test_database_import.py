"""Rows of a real PostgreSQL, imported by the deployed stacks under their own roles, and taken in by the ingestion."""

import json
import shlex
from datetime import UTC, datetime

import pytest

from tests.e2e.cloud import eventually, new_name
from tests.e2e.deployment import deployed
from tests.integration import database_servers

DATABASE = {
    "engine": "postgresql",
    "secret": "shop/reader",
    "table": "public.orders",
    "watermark": "updated_at",
    "lag_seconds": 1,
    "schedule": "rate(1 hour)",
    "rows_per_file": 1000,
}
PIPELINE = {"name": "shop", "problem": "regression", "target": "price", "id": "id"}


@pytest.fixture(scope="module")
def server():
    with database_servers.postgresql() as server:
        server.run("CREATE TABLE orders (id int PRIMARY KEY, size float8, price int, updated_at timestamptz)")
        yield server


@pytest.fixture(scope="module")
def outputs(cloud, server, tmp_path_factory):
    """Keep the secret, deploy the two stacks that an import takes, and return what they put out."""
    cloud.client("secretsmanager").create_secret(Name="shop/reader", SecretString=json.dumps(server.secret()))
    pipeline = {**PIPELINE, "database": {**DATABASE, "ca_certificates": server.certificate}}
    return deployed(cloud, tmp_path_factory.mktemp("app"), pipeline, "data", "database")


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
    (attached,) = iam.list_attached_role_policies(RoleName=role.rpartition("/")[2])["AttachedPolicies"]
    policy = iam.get_policy_version(PolicyArn=attached["PolicyArn"], VersionId="v1")["PolicyVersion"]

    client = cloud.as_role(*policy["Document"]["Statement"])("secretsmanager")

    assert client.get_secret_value(SecretId="shop/reader")["SecretString"]
    with pytest.raises(client.exceptions.ClientError, match="AccessDenied"):
        client.get_secret_value(SecretId="shop/writer")
