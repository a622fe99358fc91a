"""All checkers, and their run over one deployment."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from security.checks import guard, nag, validation
from security.checks.canary import canary
from security.checks.deployed import Deployed
from security.checks.findings import Acknowledgement, Finding, general_path
from security.checks.rules import endpoints, jobs, roles, rule, states, storage, wildcards
from security.checks.rules.wildcards import Wildcard
from security.checks.stricter import answer, deliveries, interfaces, log_buckets, surroundings
from security.checks.stricter.answer import Verdict, verdicts
from security.checks.synthesis import Synthesis, synthesise

RULE_MODULES = (endpoints, jobs, roles, states, storage, wildcards)
STRICTER_MODULES = (deliveries, interfaces, log_buckets, surroundings)
"""To import them is what puts their rules on the lists."""

CHECKERS = (*nag.PACKS, guard.NAME, validation.NAME, *rule.RULES, *answer.STRICTER)
"""By name; a rule of our own is one, as it could have stopped to look without the others noticing."""

_IAM5 = "AwsSolutions-IAM5"
_PARTS: tuple[Callable[[Synthesis], Iterator[Finding]], ...] = (
    nag.findings,
    guard.findings,
    validation.findings,
    lambda synthesis: rule.findings(Deployed(synthesis)),
)


@dataclass(frozen=True)
class Checked:
    """What was found in a deployment, and what it acknowledges; paths are without the pipeline's name.

    Parameters
    ----------
    findings : tuple of Finding
        All but those on wildcards that are bounded, and those that a stricter rule answers.
    acknowledgements : tuple of Acknowledgement
        Of all constructs.
    wildcards : tuple of Wildcard
        Those of policies that are bounded, each with what bounds it.
    answered : tuple of Verdict
        What the packs find, and a stricter rule answers.
    """

    findings: tuple[Finding, ...]
    acknowledgements: tuple[Acknowledgement, ...]
    wildcards: tuple[Wildcard, ...] = ()
    answered: tuple[Verdict, ...] = ()

    def reason(self, finding: Finding) -> Acknowledgement | None:
        """Return what acknowledges `finding`; nothing can where a stricter rule stands in the place of this one."""
        if finding.general_rule in answer.answerable():
            return None
        return next((given for given in self.acknowledgements if given.covers(finding)), None)


def check(fields: Mapping[str, Any]) -> Checked:
    """Run all checkers over the stacks of the pipeline with these fields."""
    pipeline = str(fields["name"])
    with tempfile.TemporaryDirectory() as folder:
        synthesis = synthesise(fields, Path(folder))
        deployed = Deployed(synthesis)
        found, seen = _find(synthesis), wildcards.wildcards(deployed)
    # cdk-nag finds every wildcard; our rule looks at each, and tells of those that nothing bounds.
    looked_at = {one.path for one in seen}
    found = [f for f in found if f.general_rule != _IAM5 or f.resource not in looked_at]
    judged = verdicts(deployed, found)
    return Checked(
        tuple(sorted({_general(verdict.open, pipeline) for verdict in judged if not verdict.answered})),
        tuple(
            sorted(
                {
                    Acknowledgement(general_path(a.construct, pipeline), a.rule, a.reason)
                    for a in synthesis.acknowledgements
                }
            )
        ),
        tuple(
            sorted(
                {
                    Wildcard(general_path(w.path, pipeline), w.what.replace(pipeline, "<pipeline>"), w.bound)
                    for w in seen
                    if w.bound
                }
            )
        ),
        tuple(
            Verdict(_general(verdict.finding, pipeline), verdict.by) for verdict in judged if verdict.answered
        ),
    )


def silent() -> list[str]:
    """Name the checkers that find nothing in the canary: they did not run."""
    with tempfile.TemporaryDirectory() as folder:
        synthesis = canary(Path(folder))
        found = _find(synthesis)
        complaining = {verdict.by for verdict in verdicts(Deployed(synthesis), found) if verdict.wrong}
    heard = {finding.checker for finding in found} | {finding.rule for finding in found} | complaining
    return [name for name in CHECKERS if name not in heard]


def _general(finding: Finding, pipeline: str) -> Finding:
    return replace(finding, resource=general_path(finding.resource, pipeline))


def _find(synthesis: Synthesis) -> list[Finding]:
    return [finding for part in _PARTS for finding in part(synthesis)]
