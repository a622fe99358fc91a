"""Requests that nobody here has a reason to make, and that the policies must refuse."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from security.policies import ADMINISTRATOR, Request
from security.templates import ACCOUNT

_EMPTIES = {"s3:DeleteObject", "s3:DeleteObjectVersion"}
"""Whoever empties a bucket before it is deleted deletes whatever lies in it."""
_OTHER_ACCOUNT = "210987654321"
_OTHER_REGION = "eu-foreign-1"
_DEFAULTS = {"aws:securetransport", "s3:tlsversion", "aws:sourceaccount", "aws:principalisawsservice"}
_FOR_AWS = "kms:grantisforawsresource"
_UNASKED = {"events:detail-type", "s3:if-match", "s3:if-none-match"}
"""Keys of requests that no policy needs to ask for: who may publish events of the pipeline may publish them all, and who may put an
object may put it whatever is there. The audit ledger's policy asks, and its statement that denies is changed like others."""


def probes(needed: Iterable[Request]) -> list[Request]:
    """Return requests like `needed`, each with one thing wrong, and each role's requests in the names of all others."""
    needed = list(needed)
    wanted = {_family(r) for r in needed}
    found = [
        *(probe for request in needed for probe in _misuses(request)),
        *_by_others(needed),
    ]
    distinct = {(p.principal, p.action, p.resource, tuple(sorted(p.context.items()))): p for p in found}
    return [probe for probe in distinct.values() if _is_wrong(probe) or _family(probe) not in wanted]


def _misuses(request: Request) -> Iterator[Request]:
    """Yield the request for another resource, from another account, and with another value of each key."""
    for resource in _others(request.resource) if request.principal != ADMINISTRATOR else ():
        if not (request.action in _EMPTIES and "/elsewhere/" in resource):
            yield replace(request, resource=resource)
    for key in request.context.keys() - _DEFAULTS - _unasked(request) - {"aws:sourcearn"}:
        if not any("#" in value for value in request.context[key]):  # of a table that is all one function's
            yield _with(request, key, "false" if key == _FOR_AWS else "foreign")
    if not request.principal.startswith("arn:") and not _passed_here(request):
        yield _from_other_account(request)
    if (
        request.action.startswith(("s3:", "sqs:", "sns:")) and ":::cdk-" not in request.resource
    ):  # not our bucket
        yield _with(request, "aws:securetransport", "false")
    if request.action.startswith("s3:") and ":::cdk-" not in request.resource:
        yield _with(request, "s3:tlsversion", "1.1")


def _unasked(request: Request) -> set[str]:
    """Return the keys that no policy needs to ask for: describing is allowed on everything, whatever it is asked about."""
    if request.resource == "*" and ":Describe" in request.action:
        return _UNASKED | request.context.keys()
    return _UNASKED


def _passed_here(request: Request) -> bool:
    """Tell whether a service takes on a role for resources of the role's own account alone: whoever makes one must pass it."""
    services = {f"{name}.amazonaws.com" for name in ("apigateway", "cloudtrail", "firehose", "lambda")}
    return request.action == "sts:AssumeRole" and request.principal in services


def halves(needed: Iterable[Request]) -> Iterator[Request]:
    """Yield requests in which one of two things is wrong that policies ask for.

    One of the two is enough to refuse them, so one that is allowed is no leak; but where policies ask for both, each counts:
    the two keys by which services say for whom they act; a grant on a key, which the role's policy leaves to AWS as the key's does;
    who may put an object, and that it is put over nothing.
    """
    for request in needed:
        if _FOR_AWS in request.context:  # what is neither true nor false does not meet the key's denial
            yield _with(request, _FOR_AWS, "neither")
        if "s3:if-none-match" in request.context:
            rest = {key: value for key, value in request.context.items() if key != "s3:if-none-match"}
            yield replace(request, context=rest)
        if not request.principal.startswith("arn:"):
            yield _with(request, "aws:sourceaccount", _OTHER_ACCOUNT)
            if "aws:sourcearn" in request.context:
                yield _with(request, "aws:sourcearn", "foreign")


def _with(request: Request, key: str, value: str) -> Request:
    return replace(request, context={**request.context, key: (value,)})


def _from_other_account(request: Request) -> Request:
    context = {
        key: tuple(v.replace(ACCOUNT, _OTHER_ACCOUNT) for v in values)
        for key, values in request.context.items()
    }
    return replace(request, context=context)


def _others(resource: str) -> Iterator[str]:
    """Yield resources of the same kind that are not the pipeline's, and keys of its buckets outside of every prefix.

    >>> list(_others("arn:aws:sagemaker:us-east-1:123456789012:model-package/headrace-bike/3"))
    ['arn:aws:sagemaker:us-east-1:123456789012:model-package/foreign/3']
    """
    if not resource.startswith("arn:"):
        return
    *head, name = resource.split(":", 5)
    if name.startswith("scalable-target/"):
        head[3] = _OTHER_REGION  # their names are random: conditions say of which service they are
    elif name.startswith("log-group:"):
        name = "log-group:foreign:log-stream:s"
    elif resource.startswith("arn:aws:s3:::"):
        bucket, slash, key = name.partition("/")
        if key:
            yield ":".join([*head, f"{bucket}/elsewhere/{key}"])
        name = f"foreign{slash}{key}"
    elif found := re.fullmatch(r"(\w[\w-]*[:/])([^:/]+)(.*)", name):
        name = f"{found[1]}foreign{found[3]}"
    else:
        name = "foreign"
    yield ":".join([*head, name])


def _by_others(needed: list[Request]) -> Iterator[Request]:
    """Yield for each role one request of each action on each resource that some other role makes."""
    roles = sorted({r.principal for r in needed if r.principal.startswith("arn:")} - {ADMINISTRATOR})
    kinds = {(r.action, _place(r.resource)): r for r in needed if r.principal.startswith("arn:")}
    emptying = {r.principal for r in needed if r.action == "s3:DeleteObjectVersion"}
    yield from (
        replace(request, principal=role)
        for request in kinds.values()
        for role in roles
        if not (role in emptying and request.action in _EMPTIES)
    )
    passed = {r.resource for r in needed if r.action == "sts:AssumeRole"}
    for role in roles:
        for target in sorted(passed):
            keys = {"iam:passedtoservice": ("sagemaker.amazonaws.com",)}
            yield Request(role, "iam:PassRole", target, keys)


def _family(request: Request) -> tuple[str, str, str]:
    return request.principal, request.action, _place(request.resource)


def _place(resource: str) -> str:
    """Return what tells a resource from others: all but what is named at run time.

    >>> _place("arn:aws:s3:::artifacts/curated/2026/part.parquet")
    'arn:aws:s3:::artifacts/curated'
    """
    if resource.startswith("arn:aws:s3:::"):
        return "/".join(resource.split("/")[:2])
    return re.sub(r"(-v\d+.*|-0?\d{5,}.*|:log-stream:.*|/\d+)$", "", resource)


def _is_wrong(probe: Request) -> bool:
    """Tell whether the request is wrong in itself, whoever makes it."""
    text = [probe.resource, *(value for values in probe.context.values() for value in values)]
    if probe.context.get(_FOR_AWS) == ("false",) and probe.principal.startswith("arn:"):
        return True  # nobody hands a key on
    insecure = probe.context.get("aws:securetransport") == ("false",) or probe.context.get(
        "s3:tlsversion"
    ) == ("1.1",)
    return insecure or any(
        word in part for part in text for word in ("foreign", "/elsewhere/", _OTHER_ACCOUNT)
    )
