"""`make demo`: the whole loop on real data, on this machine."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from demo.cloud import Cloud, DemoError
from demo.months import as_requests
from demo.screen import Screen
from demo.story import NEXT, Figures, Story
from local_cloud.launcher import LocalCloud
from local_cloud.settings import Settings

REPO = Path(__file__).parents[1]
PIPELINE = "bike"
_STACKS_OF_THE_DEMO = ("CDKToolkit", f"{PIPELINE}-")


def main(argv: list[str] | None = None) -> int:
    """Run the demo; the last line of its output is one JSON object with the figures."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument(
        "--reset", action="store_true", help="empty the local cloud even if it holds other stacks"
    )
    arguments = parser.parse_args(argv)
    started = time.monotonic()
    screen = Screen()
    try:
        cloud = start_afresh(screen, reset=arguments.reset)
        story = Story(cloud, screen)
        figures = story.tell()
        rows = leave_rows(story)
    except DemoError as error:
        print(f"demo: {error}", file=sys.stderr)  # noqa: T201 - this is the command's output
        return 1
    where_to_look(cloud, screen, rows)
    figures.seconds = time.monotonic() - started
    print(json.dumps(figures.as_dict()))  # noqa: T201 - this is the command's output
    return 0 if complete(figures) else 1


def start_afresh(screen: Screen, *, reset: bool) -> Cloud:
    """Start an empty local cloud and deploy the pipeline to it."""
    screen.chapter("Start AWS on this machine and deploy the pipeline to it")
    local = LocalCloud(Settings.from_environ(os.environ))
    refuse_to_wipe(local, reset=reset)
    with screen.step("start the local cloud"):
        local.reset()
        local.start()
    environment = {**os.environ, **local.environment(), "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1"}
    account = f"aws://{environment.get('AWS_ACCOUNT_ID', '123456789012')}/{environment['AWS_DEFAULT_REGION']}"
    with screen.step("cdk bootstrap"):
        cdk(["bootstrap", account, "--app", ""], environment)
    with screen.step(f"cdk deploy --all -c pipeline={PIPELINE}"):
        cdk(["deploy", "--all", "-c", f"pipeline={PIPELINE}"], environment)
    return Cloud(PIPELINE, environment)


def refuse_to_wipe(local: LocalCloud, *, reset: bool) -> None:
    """Stop if the running local cloud holds stacks that are not the demo's."""
    if reset or not local.status().running:
        return
    stacks = Cloud(PIPELINE, local.environment()).client("cloudformation").describe_stacks()["Stacks"]
    others = [s["StackName"] for s in stacks if not s["StackName"].startswith(_STACKS_OF_THE_DEMO)]
    if others:
        raise DemoError(
            f"the local cloud holds {', '.join(others)}, and the demo would empty it: "
            "destroy them first, or run `.venv/bin/python -m demo --reset`"
        )


def cdk(arguments: list[str], environment: dict[str, str]) -> None:
    """Run the real CDK command line; its output is shown only if it fails."""
    command = [str(REPO / ".venv" / "bin" / "cdk"), *arguments]
    done = subprocess.run(command, cwd=REPO, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DemoError(f"cdk {arguments[0]} failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")


def leave_rows(story: Story) -> Path:
    """Write one day of the unseen month, features only, for the user to ask the endpoint about."""
    path = REPO / "tryout" / "rows.csv"
    path.parent.mkdir(exist_ok=True)
    first_day, _ = as_requests(story.months[NEXT])[0]
    path.write_text(first_day)
    return path.relative_to(REPO)


def where_to_look(cloud: Cloud, screen: Screen, rows: Path) -> None:
    """Print what to type next."""
    screen.chapter("It is still running: look around")
    screen.copy_line(
        "point every AWS tool at it", 'eval "$(.venv/bin/headrace local env)"; PATH=.venv/bin:$PATH'
    )
    invoke = (
        cloud.outputs["InvokeLikeThis"].replace("rows.csv", str(rows)).replace(" out.csv", " tryout/out.csv")
    )
    screen.copy_line(
        "ask the endpoint about a day of June, and see the answer", f"{invoke} && cat tryout/out.csv"
    )
    screen.copy_line("the alarm", cloud.outputs["ShowAlarm"])
    screen.copy_line("models, trainings, alarms at a glance", f"headrace status {PIPELINE}")
    screen.copy_line(
        "the dashboard's definition",
        f"aws cloudwatch get-dashboard --dashboard-name {cloud.outputs['DashboardName']} --output text",
    )
    screen.copy_line("stop it", "headrace local stop")


def complete(figures: Figures) -> bool:
    """Tell whether the loop closed: an alarm when there should be one, none when not, and a better model."""
    closed = figures.drift_alarm and not figures.control_alarm and figures.retrainings > 0
    return closed and figures.error_new is not None


if __name__ == "__main__":
    sys.exit(main())
