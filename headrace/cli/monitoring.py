"""`headrace drift | quality`: what the checks of a deployed pipeline have found."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.cli.running_pipeline import ask, deployed
from headrace.cli.screen import (
    CommandError,
    Commands,
    add_command,
    add_pipeline,
    say,
    show,
    show_table,
    writing,
)
from headrace.ml.pages.words import chance, count, figure, moment, percent

if TYPE_CHECKING:
    from headrace.aws.monitoring_reports import MonitoringReports

Report = Mapping[str, Any]


def add_commands(commands: Commands) -> None:
    """Add the commands."""
    command = add_command(commands, "drift", drift, "show what the last drift check found, column by column")
    add_pipeline(command)
    choice = command.add_mutually_exclusive_group()
    choice.add_argument("--history", action="store_true", help="list the last checks instead")
    choice.add_argument(
        "--save", type=Path, metavar="FILE", help="write its page, with pictures, to this file"
    )
    command = add_command(
        commands, "quality", quality, "show how good the model is, by its labels and without them"
    )
    add_pipeline(command)


def drift(arguments: argparse.Namespace) -> None:
    """Show the last drift report, or the last checks."""
    reports = _reports(arguments.pipeline)
    if arguments.history:
        _show_history(arguments, ask(lambda: reports.history("drift")))
        return
    report = _found(ask(lambda: reports.latest("drift")), arguments.pipeline, "drift")
    if arguments.save:
        _save(report, reports, arguments.save)
    if arguments.json:
        show(report, as_json=True)
        return
    _show_drift(report, reports.bucket)
    if arguments.save:
        say(f"its page: {arguments.save}")


def quality(arguments: argparse.Namespace) -> None:
    """Show the last quality report."""
    reports = _reports(arguments.pipeline)
    report = _found(ask(lambda: reports.latest("quality")), arguments.pipeline, "quality")
    if arguments.json:
        show(report, as_json=True)
        return
    for line in report["summary"]:
        say(line)
    rows = [
        row
        for how in ("measured", "estimated")
        for row in _quality_rows(how, report[how], report["reference"])
    ]
    show_table(
        ["how", "of", "rows", "metric", "now", "95 % interval", "at training", "verdict"],
        rows,
        title=f"quality of {arguments.pipeline}, model {report['variant']}, {moment(report['checked_at'])} UTC",
    )


def _reports(name: str) -> MonitoringReports:
    from headrace.aws.monitoring_reports import MonitoringReports  # noqa: PLC0415 - boto3 takes its time

    pipeline = deployed(name)
    return MonitoringReports(pipeline.session.client("s3"), pipeline.outputs["ArtifactsBucketName"])


def _found(report: Report | None, pipeline: str, check: str) -> Report:
    if report is None:
        raise CommandError(
            f"there is no {check} report of {pipeline} yet: the first check with enough rows writes it; "
            f"run one now with headrace check {pipeline}"
        )
    return report


def _save(report: Report, reports: MonitoringReports, file: Path) -> None:
    key = report.get("page_key")
    if not key:
        raise CommandError(
            f"the check of {report['checked_at']} has no page: the log of check_drift says why"
        )
    page = ask(lambda: reports.page(key), "fetching the page")
    with writing(file):
        file.write_bytes(page)


def _show_drift(report: Report, bucket: str) -> None:
    say(f"{report['verdict']}: {'; '.join(report['summary'])}")
    show_table(
        ["column", "drifted", "effect", "p", "limit", "from → to"],
        [
            [
                feature["name"],
                "yes" if feature["drifted"] else "",
                percent(feature["effect"]),
                chance(feature["p_value"]),
                chance(feature["threshold"]),
                feature["summary"],
            ]
            for feature in report["features"]
        ],
        title=f"drift of {report['pipeline']}, model {report['variant']}, {moment(report['checked_at'])} UTC, "
        f"{count(report['rows'])} rows",
    )
    if joint := report.get("joint"):
        say(f"columns together: {joint['summary']}, {'drifted' if joint['drifted'] else 'no drift'}")
    if key := report.get("page_key"):
        say(f"a link to its page, good for an hour: aws s3 presign s3://{bucket}/{key} --expires-in 3600")


def _show_history(arguments: argparse.Namespace, checks: list[dict[str, Any]]) -> None:
    if arguments.json:
        show({"checks": checks}, as_json=True)
        return
    if not checks:
        say(f"no drift check of {arguments.pipeline} has had enough rows yet")
        return
    show_table(
        ["checked (UTC)", "model", "verdict", "largest move", "rows", "drifted"],
        [
            [
                moment(check["checked_at"]),
                check["variant"],
                check["verdict"],
                figure(check["score"]),
                count(check["rows"]),
                ", ".join(check["drifted_features"]),
            ]
            for check in checks
        ],
        title=f"drift checks of {arguments.pipeline}; the largest move is in units of the least that counts",
    )


def _quality_rows(how: str, part: Report, reference: Report, of: str = "all") -> Iterator[list[str]]:
    found = part.get("comparison")
    decisive, at_training = (found["metric"], found["reference"]) if found else ("", None)
    for name, measured in sorted(part["metrics"].items(), key=lambda metric: metric[0] != decisive):
        known = at_training if name == decisive else _level(reference, name) if of == "all" else None
        yield [
            how,
            of,
            count(part["rows"]),
            name,
            figure(measured["value"]),
            f"{figure(measured['low'])} to {figure(measured['high'])}",
            figure(known) if known is not None else "",
            part["verdict"] if name == decisive else "",
        ]
    if not part["metrics"]:
        yield [how, of, count(part["rows"]), "", "", "", "", part["verdict"]]
    for column, levels in part.get("segments", {}).items():
        for level, inner in levels.items():
            yield from _quality_rows(how, inner, reference, f"{column} is {level}")


def _level(reference: Report, name: str) -> float | None:
    known: float | None = reference["metrics"].get(name, {}).get("value")
    return known
