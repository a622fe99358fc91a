"""Moves files between S3 and a job's folders."""

from __future__ import annotations

import io
import re
import tarfile
from pathlib import Path
from typing import Any

from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import BotoCoreError, ClientError

from local_cloud.sagemaker.errors import JobError, invalid


def split_uri(uri: str) -> tuple[str, str]:
    """Return bucket and key of an S3 URI.

    Examples
    --------
    >>> split_uri("s3://bucket/a/b.csv")
    ('bucket', 'a/b.csv')
    """
    match = re.fullmatch(r"(?:s3://|https?://s3[^/]*/)([^/]+)/?(.*)", uri)
    if not match:
        raise JobError(f"ClientError: {uri} is not an S3 URI")
    return match[1], match[2]


def listed(s3: Any, bucket: str, prefix: str) -> list[str]:
    """Return the keys that begin with `prefix`, in order, but for those that stand for folders."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    keys = (item["Key"] for page in pages for item in page.get("Contents", []))
    return [key for key in keys if not key.endswith("/")]


def download(
    s3: Any, uri: str, folder: Path, *, shard: tuple[int, int] = (0, 1), required: bool = True
) -> None:
    """Download everything that begins with `uri` into `folder`; names are relative to it.

    Parameters
    ----------
    s3 : client
        With the permissions of whose data it is.
    uri : str
        A bucket and the beginning of keys.
    folder : Path
        Made if need be.
    shard : tuple of int
        Which part of the keys, from 0, of how many.
    required : bool
        Whether there must be something.

    Raises
    ------
    JobError
        If nothing is there that has to be, or the role may not read it.
    """
    bucket, prefix = split_uri(uri)
    part, parts = shard
    folder.mkdir(parents=True, exist_ok=True)
    try:
        keys = listed(s3, bucket, prefix)
        if required and not keys:
            raise JobError(
                "ClientError: Data download failed:S3DataDistributionTypeSpecified: No S3 objects found under "
                f'S3 URL "{uri}" given in input data source. Please ensure that the bucket exists in the selected '
                "region, that objects exist under that S3 prefix, and that the role has s3:ListBucket permissions."
            )
        for key in keys[part::parts]:
            target = _inside(folder, key[len(prefix) :].lstrip("/") or key.split("/")[-1])
            target.parent.mkdir(parents=True, exist_ok=True)
            s3.download_file(bucket, key, str(target))
    except (ClientError, BotoCoreError) as error:
        raise JobError(f"ClientError: Data download failed:{error}") from None


def upload_folder(s3: Any, folder: Path, uri: str, kms_key: str | None) -> None:
    """Upload every file of `folder` to below `uri`."""
    bucket, prefix = split_uri(uri)
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        key = f"{prefix.rstrip('/')}/{path.relative_to(folder)}".lstrip("/")
        _put(s3, bucket, key, path.read_bytes(), kms_key)


def upload_archive(s3: Any, folder: Path, uri: str, kms_key: str | None) -> str:
    """Upload `folder` as one ``.tar.gz`` to `uri`, and return that."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for path in sorted(folder.iterdir()):
            archive.add(path, path.name)
    bucket, key = split_uri(uri)
    _put(s3, bucket, key, buffer.getvalue(), kms_key)
    return uri


def download_archive(s3: Any, uri: str, folder: Path) -> None:
    """Unpack the ``.tar.gz`` at `uri` into `folder`; members that would leave it are refused."""
    bucket, key = split_uri(uri)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        with tarfile.open(fileobj=io.BytesIO(body)) as archive:
            archive.extractall(folder, filter="data")
    except ClientError as error:
        raise JobError(f"Could not find model data at {uri}. {error}") from None
    except tarfile.TarError as error:
        raise JobError(f"Could not extract model data from {uri}: {error}") from None


def put_file(s3: Any, path: Path, uri: str, kms_key: str | None) -> None:
    """Upload a file of any length to `uri`."""
    bucket, key = split_uri(uri)
    try:
        s3.upload_file(str(path), bucket, key, ExtraArgs=encryption(kms_key))
    except (ClientError, S3UploadFailedError) as error:
        raise JobError(f"ClientError: Failed to upload to {uri}: {error}") from None


def require_object(s3: Any, uri: str) -> None:
    """Refuse, in AWS's words, a URI at which there is no object that the role can read."""
    bucket, key = split_uri(uri)
    try:
        s3.head_object(Bucket=bucket, Key=key)
    except ClientError:
        raise invalid(f"Could not find model data at {uri}.") from None


def _put(s3: Any, bucket: str, key: str, body: bytes, kms_key: str | None) -> None:
    try:
        s3.put_object(Bucket=bucket, Key=key, Body=body, **encryption(kms_key))
    except ClientError as error:
        raise JobError(f"ClientError: Failed to upload to s3://{bucket}/{key}: {error}") from None


def encryption(kms_key: str | None) -> dict[str, str]:
    """Return what S3 is asked for an object that is to be encrypted with this key, if there is one."""
    return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key} if kms_key else {}


def _inside(folder: Path, name: str) -> Path:
    target = (folder / name).resolve()
    if not target.is_relative_to(folder.resolve()):
        raise JobError(f"ClientError: Data download failed: the key {name!r} leaves its folder")
    return target
