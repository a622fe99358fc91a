"""What a judgement asks for the origin of a model, in memory."""

import json

from headrace.aws.image_digest import DigestError
from headrace.aws.object_versions import ObjectVersion

CODE = {
    "content_sha256": "c0" * 32,
    "commit": "ab" * 20,
    "dirty": False,
    "git_says": "",
    "locks": {"sagemaker_jobs/requirements.txt": "10" * 32},
    "lock_sha256": "20" * 32,
}


class Memory(dict):
    """Documents by key."""

    def load(self, key):
        return self.get(key)

    def read(self, key):
        return json.dumps(self[key]).encode() if key in self else None

    def store(self, key, document):
        self[key] = json.loads(json.dumps(document))

    def put(self, key, body, *, content_type):
        self[key] = body


class Versions:
    """Objects by key: version and size."""

    def __init__(self, **objects):
        self.objects = objects.get("objects", {})

    def latest(self, uri):
        prefix = uri.removeprefix("s3://artifacts/")
        return [
            ObjectVersion(key, version, size)
            for key, (version, size) in sorted(self.objects.items())
            if key.startswith(prefix)
        ]


class Images:
    """ECR that knows one digest, or says why it does not."""

    def __init__(self, digest=f"sha256:{'d1' * 32}"):
        self._digest = digest

    def digest(self, uri):
        if self._digest is None:
            raise DigestError(f"ECR does not tell of {uri}")
        return self._digest
