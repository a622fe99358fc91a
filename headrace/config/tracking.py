"""The block `tracking`: where every training is written down as a run of MLflow."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, Field

from headrace.config.block import Block

_ARN = re.compile(
    r"arn:(?P<partition>aws|aws-us-gov):sagemaker:(?P<region>[a-z0-9-]+):\d{12}:mlflow-(?P<kind>tracking-server|app)/[\w-]+"
)
_URL = re.compile(r"https?://[A-Za-z0-9.-]+(:\d{1,5})?(/[\w./-]*)?")


@dataclass(frozen=True)
class ManagedServer:
    """An MLflow server that SageMaker runs.

    Parameters
    ----------
    arn : str
        Of the tracking server or the app.
    region : str
        Where it runs.
    is_app : bool
        Whether it is an MLflow app, which asks for another permission than a tracking server.
    """

    arn: str
    region: str
    is_app: bool


def managed_server(given: str) -> ManagedServer | None:
    """Return the server that an ARN names; None if it is no ARN of one.

    Examples
    --------
    >>> managed_server("arn:aws:sagemaker:eu-west-1:123456789012:mlflow-tracking-server/ours").region
    'eu-west-1'
    >>> managed_server("http://127.0.0.1:5000") is None
    True
    """
    match = _ARN.fullmatch(given)
    return ManagedServer(given, match["region"], match["kind"] == "app") if match else None


def _is_server(given: str) -> str:
    if _ARN.fullmatch(given) or _URL.fullmatch(given):
        return given
    raise ValueError(
        f"{given!r} is neither the ARN of a SageMaker MLflow tracking server or app nor an http(s) URL without credentials"
    )


class Tracking(Block):
    """Where trainings are written down beside the registry.

    Examples
    --------
    >>> Tracking(mlflow="http://127.0.0.1:5000").mlflow
    'http://127.0.0.1:5000'
    """

    mlflow: Annotated[str, AfterValidator(_is_server)] = Field(
        description="An MLflow server: the ARN of a SageMaker tracking server or app, or the URL of any other."
    )
