import json

from headrace.aws.curated_names import curated_key
from headrace.aws.ingest_profiles import IngestProfiles


class Client:
    def __init__(self):
        self.objects = {}

    def put_object(self, *, Bucket, Key, Body, ContentType):  # noqa: N803 - boto3's names
        self.objects[Bucket, Key] = (Body, ContentType)


def test_a_profile_is_named_as_the_rows_and_replaced_when_their_file_comes_again():
    client = Client()
    profiles = IngestProfiles(client, "data")

    for rows in (1, 2):
        profiles.keep({"rows": rows}, source="incoming/grüße.csv#v1", day="2026-01-31")

    (((bucket, key), (body, content_type)),) = client.objects.items()
    name = curated_key("incoming/grüße.csv#v1", "2026-01-31").rpartition("/")[2]
    assert (bucket, key) == ("data", f"profiles/ingest/2026-01-31/{name.replace('.parquet', '.json')}")
    assert (json.loads(body), content_type) == ({"rows": 2}, "application/json")
