"""`headrace init | validate | schema`: pipeline files on disk."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.cli.screen import CommandError, Commands, add_command, say, show, working, writing

if TYPE_CHECKING:
    from headrace.config.pipeline import Pipeline


def add_commands(commands: Commands) -> None:
    """Add the commands."""
    command = add_command(commands, "init", init, "write a pipeline file from a data file")
    command.add_argument(
        "data",
        type=Path,
        help="a file with labelled rows (or a ZIP archive of texts or images in folders), or a folder of such files",
    )
    command.add_argument("--target", required=True, help="the column to predict")
    command.add_argument("--name", help="name of the pipeline (default: from --out or the data file's name)")
    command.add_argument("--out", type=Path, help="where to write (default: pipelines/<name>.yaml)")
    command.add_argument("--force", action="store_true", help="replace the file if it is there")
    command = add_command(commands, "validate", validate, "check a pipeline file and show what it means")
    command.add_argument("pipeline", help="its name, or the path of its file")
    command = add_command(commands, "schema", schema, "print the JSON Schema of pipeline files, for editors")
    command.add_argument("--markdown", action="store_true", help="print it as a page for people")
    command.add_argument("--reasons", action="store_true", help="print the page of reason codes instead")


def init(arguments: argparse.Namespace) -> None:
    """Write a pipeline file."""
    from headrace.cli.proposal import ProposalError, name_from, propose  # noqa: PLC0415 - takes pandas

    name = arguments.name or name_from(arguments.out or arguments.data)
    try:
        with working(f"reading {arguments.data}"):
            proposal = propose(arguments.data, arguments.target, name)
    except ProposalError as error:
        raise CommandError(str(error)) from None
    path = arguments.out or Path("pipelines") / f"{proposal.name}.yaml"
    if path.exists() and not arguments.force:
        raise CommandError(f"{path} is there already: choose --name or --out, or replace it with --force")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(proposal.text, encoding="utf-8")
    if arguments.json:
        show({"path": str(path), "problem": proposal.problem, "notes": proposal.notes}, as_json=True)
        return
    say(f"wrote {path}: {proposal.problem} of {arguments.target!r}")
    for note in proposal.notes:
        say(f"  - {note}")


def validate(arguments: argparse.Namespace) -> None:
    """Check a pipeline file."""
    from headrace.config.loading import PipelineError, find_pipeline  # noqa: PLC0415

    try:
        pipeline = find_pipeline(arguments.pipeline, Path.cwd())
    except PipelineError as error:
        raise CommandError(str(error)) from None
    _check_own_steps(pipeline)
    show(
        pipeline.model_dump(mode="json"), as_json=arguments.json, title=f"{pipeline.name} is a valid pipeline"
    )
    if not arguments.json:
        for text in filter(None, (_tuning(pipeline), _limits(pipeline))):
            say(text)


def _tuning(pipeline: Pipeline) -> str:
    """Say what the search for hyperparameters comes to in each training; "" without one."""
    from headrace.config.tuning_plan import tuning_plan  # noqa: PLC0415

    plan = tuning_plan(pipeline)
    if plan is None:
        return ""
    cost = "" if plan.usd is None else f" and ${plan.usd:.2f}"
    return f"each training tries {plan.trials} times {', '.join(plan.search)}: at most {plan.minutes} minutes{cost}"


def _limits(pipeline: Pipeline) -> str:
    """Say what one training comes to at most, where the file says more of it than how long a job may run; "" elsewhere."""
    from headrace.config.tuning_plan import longest_job_s, most_usd  # noqa: PLC0415

    training = pipeline.training
    if training.instances == 1 and training.spot is None and training.max_usd is None:
        return ""
    where = f"{training.instances} x {training.instance}{', spot' if training.spot else ''}"
    usd = most_usd(pipeline)
    cost = "at a price that is not known" if usd is None else f"for ${usd:.2f} at most, on demand"
    return f"a training job runs on {where} for at most {longest_job_s(pipeline) / 60:.0f} minutes; all jobs of a training {cost}"


def _check_own_steps(pipeline: Pipeline) -> None:
    """Import the steps of the user's own, and compare their parameters with those of the file."""
    from headrace.config.features import OwnStep  # noqa: PLC0415

    for place, step in enumerate(pipeline.features.steps):
        if isinstance(step, OwnStep):
            # The jobs' libraries take a second to load.
            from sagemaker_jobs.failures import JobError  # noqa: PLC0415
            from sagemaker_jobs.features.registry import check_parameters  # noqa: PLC0415

            try:
                check_parameters(step.step, step.parameters)
            except JobError as error:
                raise CommandError(f"features.steps.{place}: {error}") from None
    _check_own_cleaning_steps(pipeline)


def _check_own_cleaning_steps(pipeline: Pipeline) -> None:
    from headrace.config.cleaning import OwnCleaningStep  # noqa: PLC0415

    for place, step in enumerate(pipeline.cleaning.steps):
        if isinstance(step, OwnCleaningStep):
            # Takes Arrow.
            from headrace.ml.cleaning_steps.registry import (  # noqa: PLC0415
                CleaningStepError,
                check_parameters,
            )

            try:
                check_parameters(step.step, step.parameters)
            except CleaningStepError as error:
                raise CommandError(f"cleaning.steps.{place}: {error}") from None


def schema(arguments: argparse.Namespace) -> None:
    """Print the schema, which is JSON in any case, the page that explains it, or that of the reason codes."""
    from headrace.cli.reasons import reasons_text  # noqa: PLC0415 - takes Arrow
    from headrace.cli.reference import reference_text  # noqa: PLC0415

    if arguments.reasons:
        say(reasons_text().rstrip("\n"))
        return
    say(reference_text().rstrip("\n") if arguments.markdown else schema_text())


def schema_text() -> str:
    """Return the JSON Schema of a pipeline file."""
    from headrace.config.pipeline import Pipeline  # noqa: PLC0415

    return json.dumps(
        {"$schema": "https://json-schema.org/draft/2020-12/schema", **Pipeline.model_json_schema()}, indent=1
    )
