"""`headrace status | train | check`: a pipeline that is deployed."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from headrace.cli.screen import (
    CommandError,
    Commands,
    add_command,
    add_pipeline,
    say,
    show,
    show_table,
    working,
)

if TYPE_CHECKING:
    from headrace.aws.deployed_pipeline import DeployedPipeline

Answer = TypeVar("Answer")

_WHAT_TO_DO = {
    "ExpiredToken": "log in again: the credentials have expired",
    "AccessDenied": "these credentials may not do this",
    "AccessDeniedException": "these credentials may not do this",
}


def add_commands(commands: Commands) -> None:
    """Add the commands."""
    for name, run, help in (
        ("status", status, "show the endpoint, the model in service, the last training and the alarms"),
        ("check", check, "record what was captured, and check drift and quality now"),
    ):
        add_pipeline(add_command(commands, name, run, help))
    command = add_command(commands, "train", train, "train now, without waiting for new data or drift")
    add_pipeline(command)


def status(arguments: argparse.Namespace) -> None:
    """Show a pipeline."""
    pipeline = deployed(arguments.pipeline)
    document = ask(pipeline.status)
    if not arguments.json:
        prefix = f"{arguments.pipeline}-"
        document["alarms"] = {short_alarm(name, prefix): state for name, state in document["alarms"].items()}
    show(document, as_json=arguments.json, title=f"pipeline {arguments.pipeline}")


def short_alarm(name: str, prefix: str) -> str:
    """Return the part of an alarm's name that says something: CloudFormation adds the stack and two hashes.

    Examples
    --------
    >>> short_alarm("bike-monitoring-DriftAlarmCB58C9D4-AF6C7187173E6", "bike-")
    'DriftAlarm'
    """
    without_stack = name.removeprefix(prefix).partition("-")[2]
    return re.sub(r"[0-9A-F]{8}-\w+$", "", without_stack).removeprefix("OperationAlarms")


def check(arguments: argparse.Namespace) -> None:
    """Record what was captured, and check drift and quality now."""
    pipeline = deployed(arguments.pipeline)
    found = ask(pipeline.check_drift, "recording what the endpoint was asked, checking drift, then quality")
    if arguments.json:
        show(found, as_json=True)
        return
    rows = [["drift", found["verdict"], "\n".join(found["summary"])]]
    if quality := found.get("quality"):
        fell = (
            "drop" if quality["dropped"] else "concept drift" if quality.get("concept_drifted") else "no drop"
        )
        rows.append(["quality", fell, "\n".join(quality["summary"])])
    model = f", model {found['variant']}" if "variant" in found else ""
    show_table(["check", "verdict", "found"], rows, title=f"checks of {arguments.pipeline}{model}")
    say(f"column by column: headrace drift {arguments.pipeline}")


def train(arguments: argparse.Namespace) -> None:
    """Start a training and wait for its end."""
    pipeline = deployed(arguments.pipeline)
    run = ask(pipeline.start_training)
    if not arguments.json:
        say(f"started {run}")
    ended = ask(lambda: pipeline.wait_for_training(run), "training, evaluating, judging")
    show(ended, as_json=arguments.json, title="training")
    if ended["status"] != "SUCCEEDED":
        cause = str(ended["cause"] or "its execution in Step Functions says why").splitlines()[0]
        raise CommandError(f"the training has ended as {ended['status']}: {cause}")


def deployed(name: str) -> DeployedPipeline:
    """Return the pipeline of this name; an error says how to deploy it."""
    from headrace.aws.deployed_pipeline import DeployedPipeline  # noqa: PLC0415 - boto3 takes its time

    return ask(lambda: DeployedPipeline.find(name))


def ask(work: Callable[[], Answer], doing: str = "asking AWS") -> Answer:
    """Run `work`; what AWS refuses becomes one line that says what to do."""
    from boto3.exceptions import S3UploadFailedError  # noqa: PLC0415
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    from headrace.aws.deployed_pipeline import NotDeployedError, RunFailedError  # noqa: PLC0415

    try:
        with working(doing):
            return work()
    except (NotDeployedError, RunFailedError) as error:
        raise CommandError(str(error)) from None
    except ClientError as error:
        code = error.response["Error"]["Code"]
        raise CommandError(f"{_WHAT_TO_DO.get(code, 'AWS refused')}: {error}") from None
    except S3UploadFailedError as error:  # boto3's own wrapping of a ClientError
        raise CommandError(f"AWS refused: {error}") from None
    except BotoCoreError as error:
        hint = 'for the local cloud: headrace local start; eval "$(headrace local env)"'
        raise CommandError(f"AWS cannot be reached: {error} ({hint})") from None
