"""A shop's table of orders in a real database, the cloud around it, and the functions that import it."""

import contextlib
import io
import json
from collections import Counter
from functools import cache
from types import SimpleNamespace

import boto3
import pyarrow.parquet as pq
import pytest
from boto3 import Session
from moto import mock_aws

from headrace.config.pipeline import Pipeline
from lambdas.import_rows import handler as import_rows
from lambdas.plan_import import handler as plan_import
from tests.integration.ledger import create_ledger

REGION = "us-east-1"
ENVIRONMENT = {
    "AWS_DEFAULT_REGION": REGION,
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "DATA_BUCKET": "data",
    "LEDGER_TABLE": "ledger",
    "POWERTOOLS_METRICS_NAMESPACE": "Headrace",
}
COLUMNS = "id INT PRIMARY KEY, price INT, updated_at TIMESTAMP(6) NULL"


class Shop:
    """The table `orders` of one server, and what an import makes of it."""

    def __init__(self, server, patch):
        self.server, self._patch = server, patch
        self.s3, self.secrets = client("s3"), client("secretsmanager")
        self.ledger = session().resource("dynamodb").Table("ledger")
        self.create_orders()
        self.configure()

    def create_orders(self, columns=COLUMNS):
        self.server.run("DROP TABLE IF EXISTS orders", f"CREATE TABLE orders ({columns})")

    def insert(self, *rows):
        """Add orders: id, price, and the second of the day or None."""
        values = ", ".join(f"({id}, {price}, {at(second)})" for id, price, second in rows)
        self.server.run(f"INSERT INTO orders VALUES {values}")

    def configure(self, *, train="each_file", **database):
        """Deploy with these fields of the block `database`; everything else is as in most tests."""
        fields = {
            "engine": self.server.engine,
            "secret": "shop/reader",
            "table": "orders",
            "watermark": "updated_at",
            "rows_per_file": 1000,
            "ca_certificates": self.server.certificate,
            **database,
        }
        if fields.get("query"):
            fields["table"] = None
        pipeline = Pipeline(
            name="shop",
            problem="regression",
            target="price",
            id="id",
            database=fields,
            arrival={"train": train},
        )
        for module in (plan_import, import_rows):
            self._patch.setattr(module, "bundled_pipeline", lambda: pipeline)
            module._deps.cache_clear()

    def keep_secret(self, **changes):
        self.secrets.put_secret_value(
            SecretId="shop/reader", SecretString=json.dumps(self.server.secret(**changes))
        )

    def plan(self):
        return plan_import.handler({}, None)["more"]

    def import_some(self, seconds=900):
        """Run the function once, with so many seconds; return whether there is more."""
        context = SimpleNamespace(get_remaining_time_in_millis=lambda: seconds * 1000)
        return import_rows.handler({}, context)["more"]

    def import_all(self):
        """Go through the state machine without its waiting."""
        if self.plan():
            while self.import_some():
                pass

    def files(self):
        """Return the rows of every version of every file, by key, in the order of the keys."""
        found = {}
        for version in self.s3.list_object_versions(Bucket="data").get("Versions", []):
            body = self.s3.get_object(Bucket="data", Key=version["Key"], VersionId=version["VersionId"])[
                "Body"
            ]
            assert version["Key"] not in found, "a file was written twice, and is ingested twice"
            found[version["Key"]] = pq.read_table(io.BytesIO(body.read()))
        return dict(sorted(found.items()))

    def rows(self):
        return [row for table in self.files().values() for row in table.to_pylist()]

    def ids(self):
        """Return how often each order was imported."""
        return Counter(row["id"] for row in self.rows())


class Secrets:
    """A client of Secrets Manager that knows one server."""

    def __init__(self, server, **changes):
        self._secret = server.secret(**changes)

    def get_secret_value(self, SecretId):  # noqa: N803 - AWS's name
        return {"SecretString": json.dumps(self._secret)}


def at(second):
    """Write the time so many seconds after the beginning of 2026, in UTC."""
    if second is None:
        return "NULL"
    return f"'2026-01-01 {second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}'"


@cache
def session():
    """Return the session of all tests: what AWS's services look like is read from disk once."""
    return Session("testing", "testing", region_name=REGION)


@cache
def client(service):
    return session().client(service)


@contextlib.contextmanager
def opened(server):
    """Make the shop, the cloud around it and the functions."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        patch.delenv("AWS_ENDPOINT_URL", raising=False)
        patch.setattr(boto3, "Session", session)
        with mock_aws():
            client("s3").create_bucket(Bucket="data")
            versioned = {"Status": "Enabled"}
            client("s3").put_bucket_versioning(Bucket="data", VersioningConfiguration=versioned)
            create_ledger(session())
            client("secretsmanager").create_secret(
                Name="shop/reader", SecretString=json.dumps(server.secret())
            )
            yield Shop(server, patch)
            for module in (plan_import, import_rows):
                module._deps.cache_clear()
