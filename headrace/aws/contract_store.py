"""The contract of a pipeline: written once, by the first file that is accepted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from headrace.ml.contract import Contract

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEY = "contract/contract.json"
_MISSING = ("NoSuchKey", "404")
_TAKEN = "PreconditionFailed"
_BUSY = "ConditionalRequestConflict"  # another write goes on; S3 asks to try again
_ATTEMPTS = 5


class ContractStore:
    """The object ``contract/contract.json`` of the artifacts bucket."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client, self._bucket = client, bucket

    def load(self) -> Contract | None:
        """Return the contract, or None before the first file."""
        try:
            body = self._client.get_object(Bucket=self._bucket, Key=KEY)["Body"]
        except ClientError as error:
            if error.response["Error"]["Code"] in _MISSING:
                return None
            raise
        return Contract.from_dict(json.loads(body.read()))

    def offer(self, contract: Contract) -> Contract:
        """Make `contract` the pipeline's if it has none yet; return the one that counts."""
        body = json.dumps(contract.as_dict(), indent=1).encode()
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self._client.put_object(Bucket=self._bucket, Key=KEY, Body=body, IfNoneMatch="*")
            except ClientError as error:
                code = error.response["Error"]["Code"]
                if code == _BUSY and attempt < _ATTEMPTS:
                    continue
                if code != _TAKEN:
                    raise
            break
        return self.load() or contract
