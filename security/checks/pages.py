"""Writes what the checks found as pages: the controls of Security Hub, and what is acknowledged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from infra.code_bundle import REPO
from security.checks.controls import CONTROLS
from security.checks.same_questions import SAME_QUESTIONS
from security.checks.stricter.answer import STRICTER
from security.checks.switches import SWITCHES

if TYPE_CHECKING:
    from security.checks.findings import Acknowledgement
    from security.checks.report import Report

FOLDER = REPO / "docs"
_WRITTEN = "Written by `python -m security --accept`; `make security` fails when it is out of date."
_CONTROLS = f"""# SageMaker's controls of Security Hub

{_WRITTEN} Fourteen controls apply to what a pipeline has; it has no notebooks,
domains, feature groups or inference experiments. Security Hub looks at what exists; these rules also look at every job that a state machine starts,
and a rule sees to it that nothing else starts one. Each is proved to find a stack that is bad on purpose, and has a test of what keeps it and what does not
(`tests/security/test_rules.py`).

| control | asks that | holds in the hardened deployment | where | found by |
|---|---|---|---|---|
"""
_EXCEPTIONS = """
## What cannot hold

* **SageMaker.16.** AWS documents the access mode `Vpc` for images in [a Docker registry other than Amazon
  ECR](https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-containers-inference-private.html), and `Platform` for those in ECR. A pipeline's image
  is built into a private repository of its own account in ECR, with tags that are never moved, encrypted with the pipeline's key; with `network: private` it
  is pulled through the network's endpoints. To set `Vpc` would satisfy the control, and nobody documents that the image would still be pulled
  ([ADR 48](adr/0048-images-of-models-stay-in-the-registry-of-the-account.md)).
* **Serverless endpoints** (the default). SageMaker refuses network isolation and a VPC for their models, so SageMaker.5 does not hold for them.
  It does for `endpoint.kind: realtime` and `asynchronous`, and for all jobs. `compliance: strict` takes no serverless endpoint.
* **`image: managed`.** AWS's scikit-learn image installs packages when it starts, and cannot do without a network.
"""
_ACKNOWLEDGED = f"""# What is acknowledged

{_WRITTEN}

What the checkers find is, in this order, kept by construction; or [answered by a stricter rule](#answered-by-a-stricter-rule) of our own, where the rule
of a pack cannot see what makes a resource right; or acknowledged here, at the one resource that does not keep it, with its reason. Rules that ask
[the same question](#the-same-question) count once for a resource.

## In the hardened deployment

"""
_HEAD = "| rule | resource | reason |\n|---|---|---|\n"
_STRICTER = """
## Answered by a stricter rule

Each rule of ours (`security/checks/stricter/`) looks at exactly those resources that a pack finds fault with. Where it complains too, the finding stands, and
no acknowledgement helps. The stack that is bad on purpose must be refused by each, and each has tests with templates that are good but for
one thing (`tests/security/test_stricter.py`). The acknowledgements of these rules in the templates are for whoever runs the packs without ours.

| stricter rule | in place of | because | hardened | elsewhere |
|---|---|---|---|---|
"""
_SAME = """
## The same question

| rule | counts as | since |
|---|---|---|
"""
_PREFIXES = """
## Wildcards that something bounds

The packs find fault with every wildcard of a policy, a prefix of a bucket included. In place of `AwsSolutions-IAM5` stands a stricter rule
(`security/checks/rules/wildcards.py`): before a wildcard must stand what belongs to this pipeline alone, down to a part of it, or a condition or a
resource of the pipeline must do as much; no family of actions is allowed; and `*` alone is for actions that know no resources, by AWS's service
authorization reference. What keeps it is counted here, apart from what is acknowledged.

| bounded by | wildcards |
|---|---|
"""
_SWITCHES = """
## What the defaults leave to a switch

These rules cost money, quota or comfort. The defaults do not keep them; the hardened deployment does, or has a reason above.

| rule | switch |
|---|---|
"""


def out_of_date(report: Report, folder: Path = FOLDER) -> Iterator[str]:
    """Yield the names of the pages that do not say what is so now."""
    for name, text in _pages(report).items():
        page = folder / name
        if not page.exists() or page.read_text() != text:
            yield name


def write_pages(report: Report, folder: Path = FOLDER) -> None:
    """Write all pages."""
    for name, text in _pages(report).items():
        (folder / name).write_text(text)


def _pages(report: Report) -> Mapping[str, str]:
    return {
        "security-controls.md": _controls(report),
        "security-acknowledgements.md": _acknowledgements(report),
    }


def _controls(report: Report) -> str:
    rows = (
        f"| {name} | {control.title} | {'yes' if report.controls[name] else 'no'} | {control.where} | "
        f"{', '.join(f'`{rule}`' for rule in control.rules)} |\n"
        for name, control in CONTROLS.items()
    )
    return _CONTROLS + "".join(rows) + _EXCEPTIONS


def _acknowledgements(report: Report) -> str:
    bounds = Counter(wildcard.bound for wildcard in report.prefixes)
    return "".join(
        [
            _ACKNOWLEDGED,
            *_rows(report.acknowledged),
            "\n## In other deployments beside\n\n",
            *_rows(report.acknowledged_elsewhere),
            _STRICTER,
            *_stricter(report),
            _SAME,
            *(f"| `{rule}` | `{same}` | {since} |\n" for rule, (same, since) in SAME_QUESTIONS.items()),
            _PREFIXES,
            *(f"| {bound} | {count} |\n" for bound, count in sorted(bounds.items())),
            _SWITCHES,
            *(f"| `{rule}` | {switch} |\n" for rule, switch in SWITCHES.items()),
        ]
    )


def _rows(acknowledged: Mapping[tuple[str, str], Acknowledgement]) -> Iterator[str]:
    yield _HEAD if acknowledged else "Nothing.\n"
    for (rule, resource), given in sorted(acknowledged.items()):
        yield f"| `{rule}` | `{resource}` | {given.reason} |\n"


def _stricter(report: Report) -> Iterator[str]:
    hardened, elsewhere = (Counter(kept.values()) for kept in (report.stricter, report.stricter_elsewhere))
    for name, rule in sorted(STRICTER.items()):
        answers = ", ".join(f"`{answered}`" for answered in rule.answers)
        yield (
            f"| `{name}`: {rule.words} | {answers} | {rule.because} | {hardened[name]} | {elsewhere[name]} |\n"
        )
