"""`make security-record`: run what is recorded on local clouds, and keep the calls that roles made; ``--only NAME`` for some of it.

What was recorded before is replaced; with ``--add`` it is kept beside what is new. The list of what is unproved and the page of roles
are written anew: read their difference.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headrace.config.loading import load_pipeline
from infra.code_bundle import REPO
from security.judge import templates_of
from security.recordings import FOLDER, normalised, pipeline_of

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Run:
    """Something that runs on a local cloud.

    Parameters
    ----------
    name : str
        That of the recording.
    arguments : tuple of str
        Of Python.
    pipeline : str
        The pipeline's file; empty if what deploys it writes it down beside the calls.
    """

    name: str
    arguments: tuple[str, ...]
    pipeline: str = ""


def _tests(name: str) -> Run:
    return Run(
        name.replace("_", "-"), ("-m", "pytest", "-q", "-p", "no:cacheprovider", f"tests/e2e/test_{name}.py")
    )


RUNS = (
    Run("demo", ("-m", "security.demo_run"), "pipelines/bike.yaml"),
    _tests("releases"),
    _tests("streams"),
    _tests("batches"),
    _tests("batch_predictions"),
    _tests("database_import"),
    _tests("large_data"),
    Run("everything", ("-m", "tests.security.tour_of_everything")),
    Run("files", ("-m", "tests.security.tour_of_files")),
    Run("hardened", ("-m", "tests.security.tour_of_hardened")),
)


def main() -> int:
    """Run, and write the recordings; the exit code tells how many runs failed, whose recordings are left as they were."""
    parser = argparse.ArgumentParser(prog="make security-record", description=__doc__)
    parser.add_argument("--only", action="append", choices=[run.name for run in RUNS], help="may be repeated")
    parser.add_argument("--add", action="store_true", help="keep the calls of earlier recordings too")
    parser.add_argument(
        "--raw", type=Path, help="take what was written already: a file for one run, given with --only"
    )
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    logging.getLogger("sagemaker").setLevel(logging.WARNING)
    failed = 0
    for run in RUNS:
        if arguments.only and run.name not in arguments.only:
            continue
        with tempfile.TemporaryDirectory() as folder:
            raw = arguments.raw or Path(folder) / "calls.jsonl"
            if not arguments.raw and not _ran(run, raw, Path(folder)):
                failed += 1
                continue
            _write(run, raw, add=arguments.add)
    return failed


def _ran(run: Run, raw: Path, folder: Path) -> bool:
    logger.info("%s runs", run.name)
    own = {"HEADRACE_PORT": str(_free_port()), "HEADRACE_STATE": str(folder / "state")}
    environment = {**os.environ, **own, "HEADRACE_LOCAL_RECORD_IAM": str(raw)}
    done = subprocess.run(
        [sys.executable, *run.arguments],
        cwd=REPO,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        logger.error("%s failed:\n%s%s", run.name, done.stdout[-2000:], done.stderr[-2000:])
    return done.returncode == 0 and raw.exists()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _write(run: Run, raw: Path, *, add: bool) -> None:
    with raw.open() as lines:
        facts = list(lines)
    pipeline = _pipeline(run, facts)
    calls = normalised(facts, templates_of(pipeline))
    target = FOLDER / f"{run.name}.json"
    if add and target.exists():
        calls += [call for call in json.loads(target.read_text())["calls"] if call not in calls]
    written = [json.dumps(call, sort_keys=True) for call in sorted(calls, key=json.dumps)]
    head = json.dumps({"pipeline": pipeline})[:-1]
    target.write_text(f'{head}, "calls": [\n' + ",\n".join(written) + "\n]}\n")
    logger.info("%s: %d calls", run.name, len(calls))


def _pipeline(run: Run, facts: list[str]) -> Mapping[str, Any]:
    if run.pipeline:
        return load_pipeline(REPO / run.pipeline).model_dump(mode="json", exclude_defaults=True)
    return pipeline_of(facts)


if __name__ == "__main__":
    sys.exit(main())
