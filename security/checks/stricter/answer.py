"""What a stricter rule is, the list of all of them, and what they make of what the packs have found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from security.checks.deployed import Deployed, Resource
from security.checks.findings import Finding
from security.checks.rules.rule import CHECKER

Complaints = Callable[[Deployed, Resource], Iterator[str]]


@dataclass(frozen=True)
class Stricter:
    """A rule that a resource may keep in place of a rule of a pack.

    Parameters
    ----------
    name : str
        E.g. ``Headrace-DeadLettersAreKeptAndWatched``.
    answers : tuple of str
        Rules of packs, without the packs' names.
    because : str
        Why a resource that does not keep those may be right.
    words : str
        What must hold of it instead.
    complaints : callable
        Yields what is wrong with a resource; nothing if it keeps the rule.
    """

    name: str
    answers: tuple[str, ...]
    because: str
    words: str
    complaints: Complaints


@dataclass(frozen=True)
class Verdict:
    """What a stricter rule says of something that a pack has found.

    Parameters
    ----------
    finding : Finding
        What the pack says.
    by : str
        The stricter rule's name; empty if there is none for this rule of the pack.
    wrong : tuple of str
        What that complains of.
    """

    finding: Finding
    by: str = ""
    wrong: tuple[str, ...] = ()

    @property
    def answered(self) -> bool:
        """Whether the resource keeps a stricter rule instead."""
        return bool(self.by) and not self.wrong

    @property
    def open(self) -> Finding:
        """The finding, with what the stricter rule has to say about it."""
        why = f"{self.finding.why} {self.by}: {'; '.join(self.wrong)}" if self.by else self.finding.why
        return replace(self.finding, why=why.strip())


STRICTER: dict[str, Stricter] = {}
"""By name."""


def in_place_of(*rules: str, because: str) -> Callable[[Complaints], Complaints]:
    """Make a function a stricter rule that answers `rules` of packs, for resources that it does not complain of."""

    def add(complaints: Complaints) -> Complaints:
        name = f"{CHECKER}-{complaints.__name__.title().replace('_', '')}"
        words = (complaints.__doc__ or "").strip().splitlines()[0]
        STRICTER[name] = Stricter(name, rules, because, words, complaints)
        return complaints

    return add


def answerable() -> frozenset[str]:
    """Return the rules of packs that a stricter rule may answer."""
    return frozenset(rule for stricter in STRICTER.values() for rule in stricter.answers)


def verdicts(deployed: Deployed, found: Iterable[Finding]) -> list[Verdict]:
    """Return what the stricter rules make of each of `found`; of a resource that is not in the templates they know nothing."""
    by_rule = {rule: stricter for stricter in STRICTER.values() for rule in stricter.answers}
    resources = {resource.path: resource for resource in deployed.resources}
    judged = []
    for finding in found:
        stricter, resource = by_rule.get(finding.general_rule), resources.get(finding.resource)
        if stricter and resource:
            wrong = tuple(stricter.complaints(deployed, resource))
            judged.append(Verdict(finding, stricter.name, wrong))
        else:
            judged.append(Verdict(finding))
    return judged
