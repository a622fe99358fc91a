"""Decides about requests by IAM policies, as AWS does, without AWS.

References
----------
.. [1] IAM user guide, "Policy evaluation logic": an explicit deny wins; then the identity's or the resource's policies must
   allow; a permissions boundary limits what the identity's may. A key's policy must allow even its own account's roles.
.. [2] IAM JSON policy elements: Condition operators; ``ForAllValues``, ``ForAnyValue``, ``...IfExists``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

ADMINISTRATOR = "arn:aws:iam::123456789012:role/administrator"
"""A role of the account that is allowed everything: what resources deny, they deny even to it."""
ADMITTED = "admitted.amazonaws.com"
"""A service of AWS that the account lets hand its keys on: what keys deny to people, they leave to it."""


@dataclass(frozen=True)
class Condition:
    """What one key of a request must be."""

    operator: str
    key: str
    values: tuple[str, ...]

    def holds(self, context: Mapping[str, tuple[str, ...]]) -> bool:
        """Tell whether a request with these keys, in lower case, fits.

        Examples
        --------
        >>> only = Condition("StringLike", "s3:prefix", ("curated/*",))
        >>> only.holds({"s3:prefix": ("curated/1",)}), only.holds({"s3:prefix": ("raw/",)}), only.holds({})
        (True, False, False)
        """
        quantifier, _, name = self.operator.rpartition(":")
        given = context.get(self.key.lower())
        if name == "Null":
            return (given is None) == (self.values == ("true",))
        if given is None:
            return name.endswith("IfExists") or quantifier == "ForAllValues" or "Not" in name
        name = name.removesuffix("IfExists")
        if quantifier == "ForAnyValue":
            return any(self._fits(name, value) for value in given)
        return all(self._fits(name, value) for value in given)

    def _fits(self, name: str, value: str) -> bool:
        if "Not" in name:
            positive = name.replace("NotEquals", "Equals").replace("NotLike", "Like")
            return not any(_OPERATORS[positive](value, wanted) for wanted in self.values)
        return any(_OPERATORS[name](value, wanted) for wanted in self.values)


@dataclass(frozen=True)
class Statement:
    """A statement of a policy; `principals` are empty in an identity's policy."""

    effect: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: tuple[Condition, ...] = ()
    principals: tuple[str, ...] = ()

    def applies(self, request: Request) -> bool:
        """Tell whether the statement speaks of `request`, whoever makes it."""
        return (
            any(matches(pattern.lower(), request.action.lower()) for pattern in self.actions)
            and any(matches(pattern, request.resource) for pattern in self.resources)
            and all(condition.holds(request.keys) for condition in self.conditions)
        )

    def name(self, action: str, resource: str) -> str:
        """Return words for one action on one resource under this statement's conditions."""
        conditions = " and ".join(f"{c.key} is {' or '.join(c.values)}" for c in self.conditions)
        return f"{action} on {resource}" + (f" if {conditions}" if conditions else "")

    def names(self, principal: str) -> bool:
        """Tell whether the statement of a resource's policy is about `principal`: an ARN of a role, or a service."""
        account = f"arn:aws:iam::{principal.split(':')[4]}:root" if principal.startswith("arn:") else None
        return any(name in ("*", principal, account) for name in self.principals)


@dataclass(frozen=True)
class Request:
    """Who wants to do what with which resource; the names of `context`'s keys are in lower case."""

    principal: str
    action: str
    resource: str
    context: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)

    @property
    def keys(self) -> Mapping[str, tuple[str, ...]]:
        """What conditions look at: the context, and which role asks, whatever its session."""
        if not self.principal.startswith("arn:"):
            return self.context
        return {**self.context, "aws:principalarn": (self.principal,)}


@dataclass(frozen=True)
class Policies:
    """What decides in an account: the policies of its roles, of its resources, and the boundaries of its roles."""

    identities: Mapping[str, tuple[Statement, ...]]
    resources: Mapping[str, tuple[Statement, ...]]
    boundaries: Mapping[str, tuple[Statement, ...]] = field(default_factory=dict)

    def allow(self, request: Request) -> bool:
        """Tell whether `request` is allowed."""
        own = self.identities.get(request.principal, ())
        limits = self.boundaries.get(request.principal)
        of_resource = [s for s in self._of_resource(request.resource) if s.names(request.principal)]
        said = [s for s in (*own, *(limits or ()), *of_resource) if s.applies(request)]
        if any(statement.effect == "Deny" for statement in said):
            return False
        identity = any(s in said for s in own) and (limits is None or any(s in said for s in limits))
        resource = any(s in said for s in of_resource)
        if request.action.startswith("kms:") and request.principal.startswith("arn:"):
            # A key's policy must allow it too; that of a key which is not known here is taken to leave it to the account.
            return identity and (resource or request.resource not in self.resources)
        return identity or resource

    def _of_resource(self, arn: str) -> tuple[Statement, ...]:
        bucket = arn.partition("/")[0] if arn.startswith("arn:aws:s3:::") else arn
        return self.resources.get(bucket, ())


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = {"*": ".*", "?": "."}
    return re.compile("".join(parts.get(sign, re.escape(sign)) for sign in pattern), re.DOTALL)


def matches(pattern: str, value: str) -> bool:
    """Tell whether `value` fits a pattern in which ``*`` is anything, and ``?`` one character.

    >>> matches("arn:aws:s3:::b/raw/*", "arn:aws:s3:::b/raw/1.csv"), matches("a.c", "abc")
    (True, False)
    """
    return _compiled(pattern).fullmatch(value) is not None


def _same_arn(value: str, pattern: str) -> bool:
    return matches(pattern, value)


_OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda value, wanted: value == wanted,
    "StringEqualsIgnoreCase": lambda value, wanted: value.lower() == wanted.lower(),
    "StringLike": lambda value, wanted: matches(wanted, value),
    "ArnEquals": _same_arn,
    "ArnLike": _same_arn,
    "Bool": lambda value, wanted: value.lower() == wanted.lower(),
    "NumericEquals": lambda value, wanted: float(value) == float(wanted),
    "NumericLessThan": lambda value, wanted: float(value) < float(wanted),
    "NumericLessThanEquals": lambda value, wanted: float(value) <= float(wanted),
    "NumericGreaterThan": lambda value, wanted: float(value) > float(wanted),
    "NumericGreaterThanEquals": lambda value, wanted: float(value) >= float(wanted),
}


def statements(document: Mapping[str, Any], resource: str | None = None) -> tuple[Statement, ...]:
    """Read a policy whose references are resolved; in a key's policy, `resource` is what ``*`` means.

    Raises
    ------
    ValueError
        For an element that is not known here, since to leave it out might allow more.

    Examples
    --------
    >>> [read] = statements({"Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}})
    >>> read.actions
    ('s3:GetObject',)
    """
    return tuple(_statement(item, resource) for item in _listed(document["Statement"]))


def _statement(item: Mapping[str, Any], resource: str | None) -> Statement:
    known = {"Sid", "Effect", "Action", "Resource", "Condition", "Principal"}
    if unknown := item.keys() - known:
        raise ValueError(f"{sorted(unknown)} of a policy's statement is not known here")
    conditions = [
        Condition(
            operator,
            key,
            tuple(str(value).lower() if isinstance(value, bool) else str(value) for value in _listed(values)),
        )
        for operator, block in item.get("Condition", {}).items()
        for key, values in block.items()
    ]
    for condition in conditions:
        _refuse_unknown(condition)
    principal = item.get("Principal", ())
    names = principal.values() if isinstance(principal, Mapping) else [principal]
    return Statement(
        item["Effect"],
        tuple(_listed(item["Action"])),
        (resource,) if resource else tuple(_listed(item["Resource"])),
        tuple(conditions),
        tuple(name for group in names for name in _listed(group)),
    )


def _refuse_unknown(condition: Condition) -> None:
    name = condition.operator.rpartition(":")[2].removesuffix("IfExists")
    name = name.replace("NotEquals", "Equals").replace("NotLike", "Like")
    if name != "Null" and name not in _OPERATORS:
        raise ValueError(f"the condition operator {condition.operator} is not known here")


def _listed(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list | tuple) else [value]
