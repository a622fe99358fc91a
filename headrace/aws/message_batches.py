"""Messages of a queue, taken one by one."""

from __future__ import annotations

import logging
from typing import cast

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType


def message_processor(logger: Logger) -> BatchProcessor:
    """Return what takes the messages of a queue one by one, and logs of each that fails where it did."""
    # Powertools' own logger is no subclass of the standard library's, and has its methods.
    return BatchProcessor(event_type=EventType.SQS, logger=cast(logging.Logger, logger))
