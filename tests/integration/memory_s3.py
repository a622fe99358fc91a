"""S3 with versions, in memory: for tests that need thousands of calls."""

import io
from itertools import count

from botocore.exceptions import ClientError


class MissingError(ClientError):
    """What S3 answers for what is not there."""

    def __init__(self, operation, code="NoSuchKey"):
        super().__init__({"Error": {"Code": code, "Message": ""}}, operation)


class MemoryS3:
    """The calls of an erasure. `changed` is told of every call that changes something, before it is made and after it."""

    class exceptions:  # noqa: N801 - botocore's name
        NoSuchKey = MissingError
        ClientError = ClientError

    def __init__(self):
        self.entries, self._ids, self.changed = {}, count(1), lambda made: None

    def put_object(self, *, Bucket, Key, Body, Metadata=None, ContentType="binary/octet-stream", **_):  # noqa: N803
        self.changed(False)
        body = Body if isinstance(Body, bytes) else Body.encode()
        version = self._push(Bucket, Key, (body, Metadata or {}, ContentType))
        self.changed(True)
        return {"VersionId": version}

    def delete_object(self, *, Bucket, Key, VersionId=None):  # noqa: N803
        self.changed(False)
        if VersionId is None:
            self._push(Bucket, Key, None)
        else:
            kept = [entry for entry in self.entries.get((Bucket, Key), []) if entry[0] != VersionId]
            self.entries[Bucket, Key] = kept
        self.changed(True)

    def get_object(self, *, Bucket, Key, VersionId=None):  # noqa: N803
        body, metadata, kind = self._found(Bucket, Key, VersionId, "GetObject")
        return {"Body": io.BytesIO(body), "Metadata": metadata, "ContentType": kind}

    def head_object(self, *, Bucket, Key, VersionId=None):  # noqa: N803
        return self.get_object(Bucket=Bucket, Key=Key, VersionId=VersionId)

    def list_objects_v2(self, *, Bucket, Prefix, **_):  # noqa: N803
        (page,) = self.paginate(Bucket=Bucket, Prefix=Prefix)
        return {"Contents": [item for item in page["Versions"] if item["IsLatest"]]}

    def get_paginator(self, name):
        assert name == "list_object_versions"
        return self

    def paginate(self, *, Bucket, Prefix=""):  # noqa: N803
        versions, markers = [], []
        for (bucket, key), entries in sorted(self.entries.items()):
            if bucket == Bucket and key.startswith(Prefix):
                for place, (version, stored) in enumerate(entries):
                    item = {"Key": key, "VersionId": version, "IsLatest": place == 0}
                    (markers if stored is None else versions).append(item)
        yield {"Versions": versions, "DeleteMarkers": markers}

    def _push(self, bucket, key, stored):
        version = f"v{next(self._ids)}"
        self.entries.setdefault((bucket, key), []).insert(0, (version, stored))
        return version

    def _found(self, bucket, key, version, operation):
        entries = self.entries.get((bucket, key), [])
        if version is not None:
            entries = [entry for entry in entries if entry[0] == version]
        if not entries or entries[0][1] is None:
            raise MissingError(operation, "NoSuchVersion" if version else "NoSuchKey")
        return entries[0][1]
