"""The endpoint, asked about rows that come as JSON texts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

_NOT_THE_ROWS_FAULT = frozenset({408, 429})
_LONGEST_REASON = 300


class RowsRefusedError(Exception):
    """The model cannot answer at least one of the rows, now or ever; the text is the endpoint's own."""


class EndpointUnavailableError(Exception):
    """No answer came, and the same rows may be answered later; the text says why, and repeats no value."""


@dataclass(frozen=True)
class Answers:
    """What an endpoint answered.

    Parameters
    ----------
    predictions : list
        One JSON value per row, in their order.
    model_version : str
        The variant that spoke, which is named after the model's version.
    """

    predictions: list[Any]
    model_version: str


class ModelEndpoint:
    """One endpoint of the account."""

    def __init__(self, client: SageMakerRuntimeClient, name: str) -> None:
        self._client, self._name = client, name

    def predict(self, rows: Sequence[bytes], inference_id: str) -> Answers:
        """Ask about `rows` in one request.

        Parameters
        ----------
        rows : sequence of bytes
            JSON objects in UTF-8, cells by the names of their columns.
        inference_id : str
            By which the request is found among the captured predictions; at most 64 characters.

        Raises
        ------
        RowsRefusedError
            If the container refuses the request (4xx).
        EndpointUnavailableError
            If the endpoint is throttled, missing, being changed, failing or silent.
        """
        try:
            answer = self._client.invoke_endpoint(
                EndpointName=self._name,
                ContentType="application/json",
                Accept="application/json",
                InferenceId=inference_id,
                Body=b'{"instances": [%s]}' % b",".join(rows),
            )
            predictions = json.loads(answer["Body"].read())["predictions"]
        except ClientError as error:
            raise _meaning(error) from error
        except (BotoCoreError, ValueError, KeyError, TypeError) as error:
            raise EndpointUnavailableError(f"no answer could be read: {type(error).__name__}") from error
        if not isinstance(predictions, list) or len(predictions) != len(rows):
            raise EndpointUnavailableError(f"not one answer came for each of {len(rows)} rows")
        return Answers(predictions, answer["InvokedProductionVariant"])


def _meaning(error: ClientError) -> RowsRefusedError | EndpointUnavailableError:
    """Tell a container that refuses the rows from everything else, which may pass."""
    response: dict[str, Any] = dict(error.response)
    code, status = response["Error"]["Code"], response.get("OriginalStatusCode", 0)
    refused = code == "ModelError" and 400 <= status < 500 and status not in _NOT_THE_ROWS_FAULT  # noqa: PLR2004
    if refused:
        return RowsRefusedError(_reason(response.get("OriginalMessage", "")))
    return EndpointUnavailableError(f"{code}, status {status}" if status else code)


def _reason(message: str) -> str:
    """Return the sentence of a refusal, which the container writes as ``{"error": ...}``."""
    try:
        text = json.loads(message)["error"]
    except (ValueError, KeyError, TypeError):
        text = message
    return str(text)[:_LONGEST_REASON]
