"""Make a recording of what a local cloud wrote: ``python -m security.record RAW PIPELINE NAME``.

RAW is the file of ``HEADRACE_LOCAL_RECORD_IAM``, PIPELINE the pipeline's file, NAME that of the recording. The calls of an earlier
recording under the same name are kept if `--add` is given.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from headrace.config.loading import load_pipeline
from security.judge import templates_of
from security.recordings import FOLDER, normalised


def main() -> None:
    """Write the recording."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("raw", type=Path)
    parser.add_argument("pipeline", type=Path)
    parser.add_argument("name")
    parser.add_argument("--add", action="store_true", help="to the calls of the recording of this name")
    arguments = parser.parse_args()
    pipeline = load_pipeline(arguments.pipeline).model_dump(mode="json", exclude_defaults=True)
    templates = templates_of(pipeline)
    with arguments.raw.open() as lines:
        calls = normalised(lines, templates)
    target = FOLDER / f"{arguments.name}.json"
    if arguments.add:
        calls += [call for call in json.loads(target.read_text())["calls"] if call not in calls]
    target.parent.mkdir(exist_ok=True)
    written = [json.dumps(call, sort_keys=True) for call in sorted(calls, key=json.dumps)]
    head = json.dumps({"pipeline": pipeline})[:-1]
    target.write_text(f'{head}, "calls": [\n' + ",\n".join(written) + "\n]}\n")


if __name__ == "__main__":
    main()
