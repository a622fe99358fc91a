"""The errors that SageMaker answers with."""

from __future__ import annotations


class ApiError(Exception):
    """A refused call.

    Parameters
    ----------
    code : str
        AWS's error code, such as ``ValidationException``.
    message : str
        AWS's wording.
    status : int
        HTTP status, default 400.
    extra : dict, optional
        Further members of the error's body.
    """

    def __init__(
        self, code: str, message: str, status: int = 400, extra: dict[str, object] | None = None
    ) -> None:
        super().__init__(message)
        self.code, self.status, self.extra = code, status, extra or {}


def invalid(message: str) -> ApiError:
    """Return a ``ValidationException``."""
    return ApiError("ValidationException", message)


class JobError(Exception):
    """A job or an endpoint failed; the text is AWS's ``FailureReason``."""
