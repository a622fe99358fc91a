"""What the engine needs of the cloud around it; an adapter per emulator provides it."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import boto3
from botocore.config import Config

from local_cloud.clock import Clock


class Surroundings(Protocol):
    """The services that SageMaker itself uses."""

    account: str
    region: str
    endpoint: str
    state_dir: Path
    servers: int  # how many of them the instances of one variant share at most
    hosts: int  # how many of them a training job has at most
    spot_interruption: str  # when spot instances are taken back; empty for never
    spot_interruptions: int  # how often, of one job
    clock: Clock

    def role_session(self, role_arn: str) -> RoleSession:
        """Return AWS as the role sees it; `ApiError` if SageMaker may not take on the role."""
        ...

    def emit(self, detail_type: str, detail: dict[str, Any], resource: str) -> None:
        """Put an event of source ``aws.sagemaker`` on the default bus."""
        ...

    def put_metrics(self, namespace: str, data: list[dict[str, Any]]) -> None:
        """Store metrics in CloudWatch, in the form of ``PutMetricData``."""
        ...

    def put_log(self, group: str, stream: str, lines: list[str]) -> None:
        """Append lines to a log stream, which is made if need be."""
        ...


@dataclass(frozen=True)
class RoleSession:
    """AWS as one role sees it.

    Parameters
    ----------
    credentials : dict of str to str
        ``AWS_ACCESS_KEY_ID`` and its companions.
    endpoint, region : str
        Where AWS is.
    """

    credentials: dict[str, str]
    endpoint: str
    region: str

    def client(self, service: str) -> Any:
        """Return a client that has the role's permissions."""
        return _client(service, tuple(sorted(self.credentials.items())), self.endpoint, self.region)

    def environment(self) -> dict[str, str]:
        """Return the variables that a container of this role has."""
        return {
            **self.credentials,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_EC2_METADATA_DISABLED": "true",
        }


_making = threading.Lock()  # clients may be shared by threads, sessions may not


@lru_cache(maxsize=128)
def _client(service: str, credentials: tuple[tuple[str, str], ...], endpoint: str, region: str) -> Any:
    known = dict(credentials)
    with _making:
        return boto3.client(
            service,  # type: ignore[call-overload]  # the name is not a literal here
            endpoint_url=endpoint,
            region_name=region,
            aws_access_key_id=known["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=known["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=known.get("AWS_SESSION_TOKEN") or None,
            config=Config(
                retries={"max_attempts": 2}, s3={"addressing_style": "path"}, max_pool_connections=32
            ),
        )
