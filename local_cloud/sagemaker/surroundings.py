"""What the engine needs of the cloud around it; an adapter per emulator provides it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import boto3
from botocore.config import Config


class Surroundings(Protocol):
    """The services that SageMaker itself uses."""

    account: str
    region: str
    endpoint: str
    state_dir: Path

    def role_credentials(self, role_arn: str, session: str) -> dict[str, str]:
        """Return ``AWS_ACCESS_KEY_ID`` and its companions for a session of the role."""
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
    """AWS as one role sees it."""

    credentials: dict[str, str]
    endpoint: str
    region: str

    @classmethod
    def of(cls, surroundings: Surroundings, role_arn: str, name: str) -> RoleSession:
        """Open a session of the role."""
        credentials = surroundings.role_credentials(role_arn, name)
        return cls(credentials, surroundings.endpoint, surroundings.region)

    def client(self, service: str) -> Any:
        """Return a client that has the role's permissions."""
        return boto3.session.Session().client(
            service,  # type: ignore[call-overload]  # the name is not a literal here
            endpoint_url=self.endpoint,
            region_name=self.region,
            aws_access_key_id=self.credentials["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.credentials["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=self.credentials.get("AWS_SESSION_TOKEN") or None,
            config=Config(retries={"max_attempts": 2}, s3={"addressing_style": "path"}),
        )

    def environment(self) -> dict[str, str]:
        """Return the variables that a container of this role has."""
        return {
            **self.credentials,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
