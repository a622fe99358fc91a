"""What all checkers say of all deployments, and what of it must not be."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from security.checks.checkers import Checked, check, silent
from security.checks.controls import CONTROLS
from security.checks.deployments import HARDENED, deployments
from security.checks.findings import Acknowledgement, Finding
from security.checks.pages import out_of_date, write_pages
from security.checks.rules.wildcards import Wildcard
from security.checks.same_questions import question
from security.checks.stricter.answer import answerable
from security.checks.switches import SWITCHES

OPEN = Path(__file__).parents[1] / "findings.txt"
_HEAD = """# What checkers find and nothing answers yet: a rule, and the resource that does not keep it. May only shrink.
# Written by `python -m security --accept`. A line that is not found any more is to be removed.
"""
_PROCESSES = 2
_IAM5 = "AwsSolutions-IAM5"  # answered by a rule of ours on wildcards

Pair = tuple[str, str]
"""A question that rules ask, under the name of one of them, and the path of a resource."""


@dataclass(frozen=True)
class Report:
    """What was found.

    Parameters
    ----------
    checked : mapping
        By the deployments' names.
    silent : list of str
        Checkers that found nothing in a stack which is bad on purpose.
    """

    checked: Mapping[str, Checked]
    silent: list[str]

    @cached_property
    def acknowledged(self) -> dict[Pair, Acknowledgement]:
        """What the hardened deployment does not keep, for a reason."""
        return dict(self.acknowledged_by(HARDENED))

    @cached_property
    def acknowledged_elsewhere(self) -> dict[Pair, Acknowledgement]:
        """What other deployments do not keep, for a reason, and the hardened one has not or keeps."""
        others = {
            pair: given
            for name in self.checked
            if name != HARDENED
            for pair, given in self.acknowledged_by(name)
        }
        return {pair: given for pair, given in others.items() if pair not in self.acknowledged}

    @cached_property
    def stricter(self) -> dict[Pair, str]:
        """What the hardened deployment keeps a stricter rule in place of, and that rule's name."""
        return dict(self.answered_in(HARDENED))

    @cached_property
    def stricter_elsewhere(self) -> dict[Pair, str]:
        """The same of the other deployments, for what the hardened one has not."""
        others = {
            pair: by for name in self.checked if name != HARDENED for pair, by in self.answered_in(name)
        }
        return {pair: by for pair, by in others.items() if pair not in self.stricter}

    def answered_in(self, deployment: str) -> Iterator[tuple[Pair, str]]:
        """Yield what the packs find in one deployment and a stricter rule answers."""
        for verdict in self.checked[deployment].answered:
            yield _pair(verdict.finding), verdict.by

    def acknowledged_by(self, deployment: str) -> Iterator[tuple[Pair, Acknowledgement]]:
        """Yield what one deployment does not keep, for a reason; where a switch would keep it, that answers before any reason."""
        checked = self.checked[deployment]
        for finding in checked.findings:
            switched = deployment != HARDENED and finding.general_rule in SWITCHES
            if (reason := checked.reason(finding)) and not switched:
                yield _pair(finding), reason

    @cached_property
    def open(self) -> dict[Pair, Finding]:
        """What no deployment may show: found without a reason, and no switch answers it."""
        return {
            _pair(finding): finding
            for name, checked in self.checked.items()
            for finding in checked.findings
            if not checked.reason(finding) and (name == HARDENED or finding.general_rule not in SWITCHES)
        }

    @cached_property
    def switched(self) -> set[Pair]:
        """What defaults show, and a switch answers."""
        found = {
            _pair(finding)
            for name, checked in self.checked.items()
            for finding in checked.findings
            if name != HARDENED and finding.general_rule in SWITCHES
        }
        return found - self.open.keys()

    @cached_property
    def controls(self) -> dict[str, bool]:
        """Whether each control of Security Hub holds in the hardened deployment: with no finding, acknowledged or not."""
        broken = {finding.rule for finding in self.checked[HARDENED].findings} | set(self.silent)
        return {name: not broken.intersection(control.rules) for name, control in CONTROLS.items()}

    @cached_property
    def prefixes(self) -> tuple[Wildcard, ...]:
        """Wildcards in the hardened deployment that something bounds."""
        return self.checked[HARDENED].wildcards

    def figures(self) -> dict[str, int]:
        """Return the figures by their names."""
        return {
            "deployments": len(self.checked),
            "unacknowledged": len(self.open),
            "acknowledged": len(self.acknowledged),
            "acknowledged_elsewhere": len(self.acknowledged_elsewhere),
            "stricter_rules": len(self.stricter),
            "acknowledged_prefixes": len(self.prefixes),
            "sagemaker_controls": sum(self.controls.values()),
            "answered_by_switches": len(self.switched),
        }

    def complaints(self) -> Iterator[str]:
        """Yield what makes the check fail."""
        yield from (
            f"did not run, or finds nothing in what is bad on purpose: {name}" for name in self.silent
        )
        whole = {
            f"acknowledged for a whole stack: {given.rule} at {given.construct}"
            for checked in self.checked.values()
            for given in checked.acknowledgements
            if "/" not in given.construct
        }
        yield from sorted(whole)
        yield from sorted(f"acknowledged for nothing: {one.rule} at {one.construct}" for one in self._idle())
        listed, found = set(_listed()), {_line(pair): one for pair, one in self.open.items()}
        yield from (f"found: {line}: {one.why}" for line, one in found.items() if line not in listed)
        yield from (f"listed in {OPEN.name} for nothing: {line}" for line in sorted(listed - found.keys()))
        yield from (
            f"{page} is out of date: python -m security --accept writes it" for page in out_of_date(self)
        )

    def _idle(self) -> set[Acknowledgement]:
        """Return what acknowledges nothing that any checker finds; those that stricter rules have taken over are for others to read."""
        given = {one for checked in self.checked.values() for one in checked.acknowledgements}
        found = {finding for checked in self.checked.values() for finding in checked.findings}
        return {
            one
            for one in given
            if not any(rule in one.rule for rule in (_IAM5, *answerable()))
            and not any(one.covers(finding) for finding in found)
        }

    def accept(self) -> None:
        """List what is open today, and write the pages."""
        write_pages(self)
        OPEN.write_text(_HEAD + "".join(f"{line}\n" for line in sorted(map(_line, self.open))))


def report() -> Report:
    """Check all deployments, and that the checkers run."""
    # Fresh processes: a fork of one in which the CDK's Node runs would share its pipes.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(_PROCESSES, mp_context=context) as pool:
        heard = pool.submit(silent)
        checked = {name: pool.submit(check, fields) for name, fields in deployments().items()}
        return Report({name: done.result() for name, done in checked.items()}, heard.result())


def _pair(finding: Finding) -> Pair:
    return question(finding.general_rule), finding.resource


def _line(pair: Pair) -> str:
    return " | ".join(pair)


def _listed() -> list[str]:
    return [line for line in OPEN.read_text().splitlines() if line and not line.startswith("#")]
