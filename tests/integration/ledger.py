"""The ledger's table, with AWS's services as moto has them."""

import boto3


def create_ledger(session=boto3):
    """Make the table with the keys that the data stack gives it, and return it."""
    keys = {"pk": "HASH", "sk": "RANGE"}
    return session.resource("dynamodb", region_name="us-east-1").create_table(
        TableName="ledger",
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys.items()],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in keys],
        BillingMode="PAY_PER_REQUEST",
    )
