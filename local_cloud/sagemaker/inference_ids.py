"""The id that a caller gives a request to an endpoint."""

from __future__ import annotations

from collections.abc import Mapping

from local_cloud.sagemaker.errors import ApiError

_HEADER, _LONGEST = "x-amzn-sagemaker-inference-id", 64


def check_inference_id(headers: Mapping[str, str]) -> None:
    """Refuse an id that is longer than ``InvokeEndpoint`` and ``InvokeEndpointAsync`` take, by botocore's model.

    Raises
    ------
    ApiError
        ``ValidationError``.

    Examples
    --------
    >>> check_inference_id({"x-amzn-sagemaker-inference-id": "order-1"})
    >>> check_inference_id({"x-amzn-sagemaker-inference-id": "x" * 65})
    Traceback (most recent call last):
    local_cloud.sagemaker.errors.ApiError: 1 validation error detected: Value at 'inferenceId' failed to satisfy ...
    """
    if len(headers.get(_HEADER, "")) > _LONGEST:
        raise ApiError(
            "ValidationError",
            "1 validation error detected: Value at 'inferenceId' failed to satisfy constraint: "
            f"Member must have length less than or equal to {_LONGEST}",
        )
