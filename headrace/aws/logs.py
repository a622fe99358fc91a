"""The logger of functions: its tracebacks repeat no cell, nor do warnings beside it."""

from __future__ import annotations

import logging
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

from headrace.ml.privacy.redaction import redact_warnings, traced


class _Formatter(LambdaPowertoolsFormatter):
    """Powertools' own, with what may be said of exceptions."""

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        """Return the traceback."""
        return traced(ei[1]) if ei[1] else ""

    def _serialize_stacktrace(self, log_record: logging.LogRecord) -> None:
        """Leave out the second traceback, which has the exception's own text."""

    def _extract_log_exception(self, log_record: logging.LogRecord) -> Any:
        """Leave out notes that others have put to the exception."""
        text, name, _ = super()._extract_log_exception(log_record)
        return text, name, None


def function_logger(*, child: bool = False) -> Logger:
    """Return the logger of a function, or with `child` of one of its modules, which write through it."""
    redact_warnings()
    return Logger(child=child) if child else Logger(logger_formatter=_Formatter())
