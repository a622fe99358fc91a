"""All checkers, and their run over one deployment."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from security.checks import guard, nag, validation
from security.checks.canary import canary
from security.checks.deployed import Deployed
from security.checks.findings import Acknowledgement, Finding, general_path
from security.checks.rules import jobs, rule
from security.checks.synthesis import Synthesis, synthesise

CHECKERS = (*nag.PACKS, guard.NAME, validation.NAME, *rule.RULES)
"""By name; a rule of our own is one, as it could have stopped to look without the others noticing."""

_MODULES_OF_RULES = (jobs,)
_PARTS: tuple[Callable[[Synthesis], Iterator[Finding]], ...] = (
    nag.findings,
    guard.findings,
    validation.findings,
    lambda synthesis: rule.findings(Deployed(synthesis)),
)


@dataclass(frozen=True)
class Checked:
    """What was found in a deployment, and what it acknowledges; paths are without the pipeline's name."""

    findings: tuple[Finding, ...]
    acknowledgements: tuple[Acknowledgement, ...]

    def reason(self, finding: Finding) -> Acknowledgement | None:
        """Return what acknowledges `finding`."""
        return next((given for given in self.acknowledgements if given.covers(finding)), None)


def check(fields: Mapping[str, Any]) -> Checked:
    """Run all checkers over the stacks of the pipeline with these fields."""
    pipeline = str(fields["name"])
    with tempfile.TemporaryDirectory() as folder:
        synthesis = synthesise(fields, Path(folder))
        found = _find(synthesis)
    return Checked(
        tuple(sorted({Finding(f.checker, f.rule, general_path(f.resource, pipeline), f.why) for f in found})),
        tuple(
            sorted(
                {
                    Acknowledgement(general_path(a.construct, pipeline), a.rule, a.reason)
                    for a in synthesis.acknowledgements
                }
            )
        ),
    )


def silent() -> list[str]:
    """Name the checkers that find nothing in the canary: they did not run."""
    with tempfile.TemporaryDirectory() as folder:
        found = _find(canary(Path(folder)))
    heard = {finding.checker for finding in found} | {finding.rule for finding in found}
    return [name for name in CHECKERS if name not in heard]


def _find(synthesis: Synthesis) -> list[Finding]:
    return [finding for part in _PARTS for finding in part(synthesis)]
