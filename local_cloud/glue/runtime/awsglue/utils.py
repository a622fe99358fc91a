"""Reads a job's arguments as Glue's own ``awsglue.utils`` does."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import NoReturn

_ALWAYS = ("JOB_NAME", "JOB_ID", "JOB_RUN_ID", "SECURITY_CONFIGURATION", "TempDir", "encryption-type")


class GlueArgumentError(Exception):
    """An argument is missing."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise GlueArgumentError(message)


def getResolvedOptions(args: Sequence[str], options: Sequence[str]) -> dict[str, str]:  # noqa: N802 - Glue's name
    """Return the values of `options`, and of those that Glue itself sets.

    Parameters
    ----------
    args : sequence of str
        ``sys.argv``: the script, then names with two dashes and values.
    options : sequence of str
        Names without dashes.

    Raises
    ------
    GlueArgumentError
        If one is missing.

    Examples
    --------
    >>> getResolvedOptions(["main.py", "--JOB_NAME", "clean", "--to", "here", "--more", "1"], ["to"])
    {'to': 'here', 'JOB_NAME': 'clean'}
    """
    parser = _Parser()
    for option in options:
        parser.add_argument(f"--{option}", required=True)
    for option in _ALWAYS:
        if option not in options:
            parser.add_argument(f"--{option}", default=argparse.SUPPRESS)
    parsed, _ = parser.parse_known_args(args[1:])
    return vars(parsed)
