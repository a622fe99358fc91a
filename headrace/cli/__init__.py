"""The command line: `headrace …`. AWS's own tools do the same; these are shorter."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from headrace.cli import (
    audit,
    compare,
    endpoint,
    feedback,
    invocation,
    letters,
    local,
    monitoring,
    personal,
    pipeline_files,
    predict,
    quarantine,
    releases,
    report,
    reproduce,
    running_pipeline,
    trace,
    trainings,
    trials,
    versions,
)
from headrace.cli.screen import CommandError


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return 0, or after one line on the standard error 2 if it cannot be done, 1 if it says no."""
    try:
        arguments = parser().parse_args(argv)
        arguments.run(arguments)
        sys.stdout.flush()
    except CommandError as error:
        print(f"headrace: {error}", file=sys.stderr)  # noqa: T201 - a command's output
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever reads has seen enough, as `head` has; Python would try to write the rest once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    top = argparse.ArgumentParser(
        prog="headrace", description="One YAML file and files in S3: a model in service."
    )
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in (
        pipeline_files,
        running_pipeline,
        endpoint,
        invocation,
        monitoring,
        releases,
        versions,
        audit,
        compare,
        reproduce,
        trace,
        trainings,
        trials,
        report,
        predict,
        quarantine,
        letters,
        feedback,
        personal,
        local,
    ):
        module.add_commands(commands)
    return top
