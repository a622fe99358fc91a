"""What a rule is, and the list of all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from security.checks.deployed import Call, Deployed, Grant, Machine, Resource
from security.checks.findings import Finding

CHECKER = "Headrace"
Subject = TypeVar("Subject", Resource, Call, Machine, Grant)
Check = Callable[[Subject], Iterator[str]]
Find = Callable[[Deployed], Iterator[tuple[str, str]]]


@dataclass(frozen=True)
class Rule:
    """A rule, and what it is about.

    Parameters
    ----------
    name : str
        As findings and acknowledgements name it, e.g. ``Headrace-JobsAreIsolated``.
    find : callable
        Yields (path, what is wrong) of all that does not keep it.
    words : str
        What must hold.
    """

    name: str
    find: Find
    words: str


RULES: dict[str, Rule] = {}


def of_resources(*kinds: str) -> Callable[[Check[Resource]], Check[Resource]]:
    """Make a function a rule on all resources of some types."""
    return _rule(lambda deployed: (r for r in deployed.resources if r.kind in kinds))


def of_calls(*operations: str) -> Callable[[Check[Call]], Check[Call]]:
    """Make a function a rule on calls, by state machines or by CloudFormation; no operation means all."""
    return _rule(lambda deployed: (c for c in deployed.calls if c.operation in operations or not operations))


def of_machines(check: Check[Machine]) -> Check[Machine]:
    """Make a function a rule on all state machines."""
    every: Callable[[Deployed], Iterator[Machine]] = lambda deployed: iter(deployed.machines)  # noqa: E731
    return _rule(every)(check)


def of_grants(check: Check[Grant]) -> Check[Grant]:
    """Make a function a rule on all that roles are allowed."""
    allowed: Callable[[Deployed], Iterator[Grant]] = lambda deployed: (  # noqa: E731
        grant for grant in deployed.grants if grant.statement["Effect"] == "Allow"
    )
    return _rule(allowed)(check)


def of_deployments(find: Find) -> Find:
    """Make a function a rule that yields (path, what is wrong), by what it sees in all stacks together."""
    _list(find.__name__, find, find.__doc__)
    return find


def _rule(
    subjects: Callable[[Deployed], Iterator[Subject]],
) -> Callable[[Check[Subject]], Check[Subject]]:
    def add(check: Check[Subject]) -> Check[Subject]:
        def find(deployed: Deployed) -> Iterator[tuple[str, str]]:
            for subject in subjects(deployed):
                for wrong in check(subject):
                    state = getattr(subject, "state", "")
                    yield subject.path, f"{state}: {wrong}" if state else wrong

        _list(check.__name__, find, check.__doc__)
        return check

    return add


def _list(function: str, find: Find, words: str | None) -> None:
    name = f"{CHECKER}-{function.title().replace('_', '')}"
    RULES[name] = Rule(name, find, (words or "").strip().splitlines()[0])


def findings(deployed: Deployed) -> Iterator[Finding]:
    """Yield what all rules find."""
    for rule in RULES.values():
        for path, wrong in rule.find(deployed):
            yield Finding(CHECKER, rule.name, path, wrong)
