"""What Glue refuses, and why a run fails."""

from __future__ import annotations


class GlueError(Exception):
    """A request is refused.

    Parameters
    ----------
    code : str
        Name of the exception in the service model, e.g. ``InvalidInputException``.
    message : str
        What the caller reads.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class RunError(Exception):
    """A run cannot begin; the text becomes its ``ErrorMessage``."""


def invalid(message: str) -> GlueError:
    """Return the refusal of a request whose members do not fit."""
    return GlueError("InvalidInputException", message)
