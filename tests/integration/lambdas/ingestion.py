"""What ingestion works with, on moto: files to drop, the events of them, and what is made of them."""

import io
import json
from types import SimpleNamespace

import boto3
import pandas as pd
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError

from headrace.config.pipeline import Pipeline
from lambdas.ingest_file import handler as ingest_file

REGION = "us-east-1"
PIPELINE = Pipeline(
    name="bike",
    problem="regression",
    target="cnt",
    id="instant",
    time="day",
    ingest={"max_file_mb": 1, "max_bad_row_share": 0.5},
)
HEADER = "instant,day,Air Temp,cnt\n"
GOOD = HEADER + "".join(f"{n},2011-01-{n:02d},{n / 10},{n * 3}\n" for n in range(1, 11))
PARTLY_BAD = (
    HEADER
    + "21,2011-02-01,warm,5\n22,2011-02-02,0.3,9\n23,2011-02-03,0.4,\n24,2011-02-04,0.4,1\n25,2011-02-05,1,2\n"
)


class Cloud:
    """The resources of the data stack, and what they hold."""

    def __init__(self):
        self.s3 = boto3.client("s3", region_name=REGION)
        self.tables = boto3.resource("dynamodb", region_name=REGION)
        self.events = []

    def create(self):
        for bucket in ("data", "artifacts"):
            self.s3.create_bucket(Bucket=bucket)
        versioned = {"Status": "Enabled"}
        self.s3.put_bucket_versioning(Bucket="data", VersioningConfiguration=versioned)
        for name, keys in (("ledger", ["pk", "sk"]), ("once", ["id"])):
            self.tables.create_table(
                TableName=name,
                KeySchema=[
                    {"AttributeName": key, "KeyType": kind}
                    for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
                ],
                AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
                BillingMode="PAY_PER_REQUEST",
            )
        boto3.client("glue", region_name=REGION).create_database(DatabaseInput={"Name": "headrace_bike"})

    def drop(self, body, key="2011-01.csv"):
        """Put a file, and return the message that would announce it."""
        body = body.encode() if isinstance(body, str) else body
        version = self.s3.put_object(Bucket="data", Key=f"incoming/{key}", Body=body)["VersionId"]
        return message(f"incoming/{key}", version, len(body))

    def keys(self, prefix, bucket="data"):
        return [o["Key"] for o in self.s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])]

    def text(self, key, bucket="data"):
        return self.s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode()

    def curated(self):
        frames = [
            pd.read_parquet(io.BytesIO(self.s3.get_object(Bucket="data", Key=key)["Body"].read()))
            for key in self.keys("curated/")
        ]
        return pd.concat(frames) if frames else pd.DataFrame()

    def ledger(self):
        """Return what the ledger knows of files."""
        return [item for item in self.tables.Table("ledger").scan()["Items"] if item["pk"] == "file"]

    def reason(self):
        (key,) = [key for key in self.keys("quarantine/") if key.endswith("reason.json")]
        return json.loads(self.text(key))


def message(key, version, size, at="2026-01-31T12:00:00Z", **more):
    event = {
        "source": "aws.s3",
        "detail-type": "Object Created",
        "time": at,
        "detail": {
            "bucket": {"name": "data"},
            "object": {"key": key, "version-id": version, "size": size, **more},
        },
    }
    return {"messageId": f"{key}#{version}", "body": json.dumps(event), "eventSource": "aws:sqs"}


ENVIRONMENT = {
    "AWS_DEFAULT_REGION": REGION,
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "DATA_BUCKET": "data",
    "ARTIFACTS_BUCKET": "artifacts",
    "LEDGER_TABLE": "ledger",
    "IDEMPOTENCY_TABLE": "once",
    "GLUE_DATABASE": "headrace_bike",
    "GLUE_TABLE": "curated",
    "POWERTOOLS_METRICS_NAMESPACE": "Headrace",
}


def take(*messages):
    """Run the handler on one batch, and return the ids of the messages that are to come again."""
    context = SimpleNamespace(get_remaining_time_in_millis=lambda: 60_000)
    try:
        answer = ingest_file.handler({"Records": list(messages)}, context)
    except BatchProcessingError:  # of all of them
        return [message["messageId"] for message in messages]
    return [item["itemIdentifier"] for item in answer["batchItemFailures"]]
