"""The files that a transform job reads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from botocore.exceptions import BotoCoreError, ClientError

from local_cloud.sagemaker.errors import JobError
from local_cloud.sagemaker.transfer import listed, split_uri


@dataclass(frozen=True)
class InputFile:
    """One object.

    Parameters
    ----------
    bucket, key : str
        Where it is.
    name : str
        What its answers are called, but for ``.out``: the key below the prefix that the job names.
    """

    bucket: str
    key: str
    name: str

    @contextmanager
    def opened(self, s3: Any, path: Path) -> Iterator[BinaryIO]:
        """Fetch the object to `path` and open it; `JobError` if the role may not read it."""
        try:
            s3.download_file(self.bucket, self.key, str(path))
        except (ClientError, BotoCoreError) as error:
            raise JobError(f"ClientError: Data download failed:{error}") from None
        with path.open("rb") as stream:
            yield stream


def input_files(s3: Any, source: dict[str, Any]) -> list[InputFile]:
    """Return the objects below a prefix, or those that a manifest names, in order.

    Raises
    ------
    JobError
        If there are none, or the role may not see them.
    """
    bucket, prefix = split_uri(source["S3Uri"])
    try:
        if source["S3DataType"] == "ManifestFile":
            return _named(json.loads(s3.get_object(Bucket=bucket, Key=prefix)["Body"].read()))
        files = [InputFile(bucket, key, _below(prefix, key)) for key in listed(s3, bucket, prefix)]
    except (ClientError, BotoCoreError, ValueError, KeyError, IndexError) as error:
        raise JobError(f"ClientError: Data download failed:{error}") from None
    if not files:
        raise JobError(
            f'ClientError: No S3 objects found under S3 URL "{source["S3Uri"]}" given in input data source.'
        )
    return files


def _named(manifest: list[Any]) -> list[InputFile]:
    bucket, prefix = split_uri(manifest[0]["prefix"])
    return [InputFile(bucket, f"{prefix}{name}", str(name)) for name in manifest[1:]]


def _below(prefix: str, key: str) -> str:
    """Return the part of a key below the last folder that a prefix names.

    Examples
    --------
    >>> _below("in/", "in/2024/a.csv"), _below("in/a.csv", "in/a.csv"), _below("in/2", "in/2024/a.csv")
    ('2024/a.csv', 'a.csv', '2024/a.csv')
    """
    return key[prefix.rfind("/") + 1 :]
