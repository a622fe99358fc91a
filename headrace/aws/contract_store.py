"""The contract of a pipeline: every version once, and the present one where it is always found.

``contract/contract.json`` decides: it is replaced only by whoever has read the version that it still holds, so of two files
that change the contract at the same time one comes second, and is cleaned against what the first has made of it.
``contract/v0001.json`` and so on are what it held; a missing one, because its writer was stopped, is written by the next.

References
----------
.. [1] Amazon S3 user guide, "How to prevent object overwrites with conditional writes".
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from headrace.ml.contract import Contract

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEY = "contract/contract.json"
_MISSING = ("NoSuchKey", "404")
_TAKEN = "PreconditionFailed"
_BUSY = "ConditionalRequestConflict"  # another write goes on; S3 asks to try again
_ATTEMPTS = 5


def version_key(version: int) -> str:
    """Return where a version is kept.

    Examples
    --------
    >>> version_key(12)
    'contract/v0012.json'
    """
    return f"contract/v{version:04d}.json"


class ContractStore:
    """The objects below ``contract/`` of the artifacts bucket."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client, self._bucket = client, bucket

    def load(self) -> Contract | None:
        """Return the present contract, or None before the first file."""
        return self._load()[0]

    def offer(self, contract: Contract) -> Contract:
        """Make `contract` the present one if that is the version before it; return the one that counts."""
        for attempt in range(1, _ATTEMPTS + 1):
            present, condition = self._load()
            if (present.version if present else 0) != contract.version - 1:
                break
            if present:
                self._keep(present)
            try:
                self._client.put_object(Bucket=self._bucket, Key=KEY, Body=_body(contract), **condition)
            except ClientError as error:
                code = error.response["Error"]["Code"]
                if code == _BUSY and attempt < _ATTEMPTS:
                    continue
                if code != _TAKEN:
                    raise
            break
        counts = self.load() or contract
        self._keep(counts)
        return counts

    def _load(self) -> tuple[Contract | None, dict[str, Any]]:
        """Return the present contract, and what must hold for it to be replaced."""
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=KEY)
        except ClientError as error:
            if error.response["Error"]["Code"] in _MISSING:
                return None, {"IfNoneMatch": "*"}
            raise
        return Contract.from_dict(json.loads(answer["Body"].read())), {"IfMatch": answer["ETag"]}

    def _keep(self, contract: Contract) -> None:
        """Write a version beside the present one, unless it is there."""
        try:
            self._client.put_object(
                Bucket=self._bucket, Key=version_key(contract.version), Body=_body(contract), IfNoneMatch="*"
            )
        except ClientError as error:
            if error.response["Error"]["Code"] not in (_TAKEN, _BUSY):
                raise


def _body(contract: Contract) -> bytes:
    return json.dumps(contract.as_dict(), indent=1, ensure_ascii=False).encode()
