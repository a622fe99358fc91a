"""What a job says when it cannot go on."""

from __future__ import annotations


class JobError(Exception):
    """The job cannot be done with what it was given; the text says what is wrong, for the person who gave it."""
