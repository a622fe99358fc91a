"""Deletes every permission and every condition in turn, and widens every resource: each change must be noticed.

A permission is an action on a resource; without it, a call that is needed must be denied. Without a condition, a probe must be
allowed, or, if the statement denies, a call that is needed be denied. With a resource widened to all, a probe must be allowed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from security.policies import ADMINISTRATOR, ADMITTED, Policies, Request, Statement


@dataclass(frozen=True)
class Mutant:
    """One change to the policies of one role or one resource.

    Parameters
    ----------
    kind : str
        ``permission``, ``condition`` or ``width``.
    owner : str
        ARN of the role or of the resource.
    what : str
        What was changed.
    killed_by : Request or None
        What notices it.
    """

    kind: str
    owner: str
    what: str
    killed_by: Request | None


def mutants(policies: Policies, needed: Sequence[Request], probes: Sequence[Request]) -> list[Mutant]:
    """Return all changes, each with what noticed it."""
    denied = [probe for probe in probes if not policies.allow(probe)]
    allowed = [request for request in needed if policies.allow(request)]
    by_role, to_role = _grouped(allowed, "principal"), _grouped(denied, "principal")
    by_resource, to_resource = _by_resource(allowed), _by_resource(denied)
    found: list[Mutant] = []
    for role, own in policies.identities.items():
        if role == ADMINISTRATOR:
            continue
        calls, tries = by_role.get(role, []), to_role.get(role, [])
        for changed in _changes(role, own):
            mutant = replace(policies, identities={**policies.identities, role: changed.statements})
            found.append(changed.judged(mutant, calls, tries))
    for arn, own in policies.resources.items():
        calls, tries = by_resource.get(arn, []), to_resource.get(arn, [])
        for changed in _changes(arn, own):
            if changed.kind != "width":  # the policy of a resource is about that one
                mutant = replace(policies, resources={**policies.resources, arn: changed.statements})
                found.append(changed.judged(mutant, calls, tries))
    return found


@dataclass(frozen=True)
class _Change:
    kind: str
    owner: str
    what: str
    statements: tuple[Statement, ...]

    def judged(self, mutant: Policies, calls: Iterable[Request], tries: Iterable[Request]) -> Mutant:
        lost = (
            next((call for call in calls if not mutant.allow(call)), None) if self.kind != "width" else None
        )
        won = next((probe for probe in tries if mutant.allow(probe)), None) if lost is None else None
        return Mutant(self.kind, self.owner, self.what, lost or won)


def _changes(owner: str, own: tuple[Statement, ...]) -> Iterator[_Change]:
    for index, statement in enumerate(own):
        if ADMITTED in statement.principals:
            continue
        before, after = own[:index], own[index + 1 :]
        if statement.effect == "Deny":
            name = f"Deny {statement.name(' '.join(statement.actions), owner)}"
            yield _Change("permission", owner, name, (*before, *after))
        else:
            for action in statement.actions:
                for resource in statement.resources:
                    name = statement.name(action, resource)
                    rest = _without(statement, action, resource)
                    yield _Change("permission", owner, name, (*before, *rest, *after))
                    if resource != "*":
                        wide = replace(statement, actions=(action,), resources=("*",))
                        yield _Change("width", owner, name, (*own, wide))
        for condition in statement.conditions:
            rest_of = tuple(other for other in statement.conditions if other != condition)
            name = f"{condition.operator} {condition.key} {' '.join(condition.values)} of {' '.join(statement.actions)}"
            yield _Change("condition", owner, name, (*before, replace(statement, conditions=rest_of), *after))


def _without(statement: Statement, action: str, resource: str) -> Iterator[Statement]:
    """Yield statements that allow all that `statement` does, less one action on one resource."""
    other_actions = tuple(a for a in statement.actions if a != action)
    other_resources = tuple(r for r in statement.resources if r != resource)
    if other_actions:
        yield replace(statement, actions=other_actions)
    if other_resources:
        yield replace(statement, actions=(action,), resources=other_resources)


def _grouped(requests: Iterable[Request], attribute: str) -> Mapping[str, list[Request]]:
    groups: dict[str, list[Request]] = {}
    for request in requests:
        groups.setdefault(getattr(request, attribute), []).append(request)
    return groups


def _by_resource(requests: Iterable[Request]) -> Mapping[str, list[Request]]:
    groups: dict[str, list[Request]] = {}
    for request in requests:
        arn = request.resource
        groups.setdefault(arn.partition("/")[0] if arn.startswith("arn:aws:s3:::") else arn, []).append(
            request
        )
    return groups
