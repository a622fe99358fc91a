"""What roles asked for while pipelines ran on the local cloud, in the names of `security.templates`.

A recording is made of what ``HEADRACE_LOCAL_RECORD_IAM`` wrote. Times, hashes and counters in names are cut to one form, so that
two runs of the same pipeline make almost the same recording.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from security.policies import Request
from security.templates import ACCOUNT, Templates

FOLDER = Path(__file__).parent / "recordings"
_NOISE = {
    "aws:tagkeys",
    "dynamodb:select",
    "dynamodb:attributes",
    "s3:x-amz-server-side-encryption",
    "s3:delimiter",
    "s3:max-keys",
}
"""Keys that no policy here asks for."""

_ASSETS = "arn:aws:s3:::cdk-"
"""What the CDK uploads is named by its content; who reads it follows from the templates."""
_SHORTEST = 12
"""Of a name that CloudFormation made; a layer's version is a number."""

_SECRET = re.compile(r"(?<=:secret:)(.+-)\w{6}$")
_VARYING = (
    (re.compile(r"(?<=#)[0-9a-f]{32,}"), "0" * 8),
    (re.compile(r"\d{4}-\d\d-\d\dT?[\d:.\-]*Z?"), "2026-01-31"),
    (re.compile(r"\d{4}/\d\d/\d\d(/\d\d)?"), "2026/01/31"),
    (re.compile(r"\b\d{6}-\d{6}\b"), "260131-120000"),
    (re.compile(r"(hyper-parameter-tuning-job/[\w-]+-t)[0-9a-z]{6}\b"), r"\g<1>000000"),
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "0" * 8),
    (
        re.compile(rf"(?<![A-Za-z0-9.])(?!{ACCOUNT}|\d{{12}}:)(?=[0-9a-f]*\d)[0-9a-f]{{8,64}}(?![A-Za-z])"),
        "0" * 8,
    ),
    (re.compile(r"(part-|/)\d{3,}(?=\.)"), r"\g<1>0"),
)


def normalised(lines: Iterable[str], templates: Templates) -> list[dict[str, Any]]:
    """Return the distinct calls of a recording that roles of `templates` made, sorted."""
    facts = [fact for line in lines if "pipeline" not in (fact := json.loads(line))]
    known = {(stack, logical) for stack, logical, _ in templates.resources()}
    names = {
        _last(fact["physical"]): _name(fact["stack"], fact["logical"], templates)
        for fact in facts
        if len(_last(fact.get("physical") or "")) > _SHORTEST
        and (fact["stack"], fact["logical"].partition(".")[0]) in known
    }
    roles = {
        templates.name(stack, logical)
        for stack, logical, kind in templates.resources()
        if kind == "AWS::IAM::Role"
    }
    pattern = re.compile("|".join(re.escape(name) for name in sorted(names, key=len, reverse=True)))
    distinct = set()
    for fact in facts:
        if "role" not in fact or names.get(fact["role"]) not in roles or fact["resource"].startswith(_ASSETS):
            continue
        call = {
            "role": names[fact["role"]],
            "action": fact["action"],
            "resource": _plain(fact["resource"], pattern, names),
            "context": {
                key: [
                    _plain(str(item), pattern, names)
                    for item in (value if isinstance(value, list) else [value])
                ]
                for key, value in fact["context"].items()
                if key not in _NOISE
            },
            "allowed": fact["decision"] == "Allow",
        }
        distinct.add(json.dumps(call, sort_keys=True))
    return [json.loads(call) for call in sorted(distinct)]


def pipeline_of(lines: Iterable[str]) -> dict[str, Any]:
    """Return the fields of the pipeline that a recording says it is of, without what is made anew for each run."""
    found: dict[str, Any] = next(
        fact["pipeline"] for line in lines if "pipeline" in (fact := json.loads(line))
    )
    if "database" in found:
        found["database"].pop("ca_certificates", None)
    return found


def _name(stack: str, logical: str, templates: Templates) -> str:
    """Return the name of a resource, or of what AWS makes beside one, which is an attribute of it."""
    resource, _, attribute = logical.partition(".")
    return ".".join([templates.name(stack, resource), *filter(None, [attribute])])


def _last(physical: str) -> str:
    name = physical.rstrip("*").rstrip(":")
    return name if name.startswith("/") else re.split(r"[:/]", name)[-1]


def _plain(text: str, pattern: re.Pattern[str], names: Mapping[str, str]) -> str:
    parts = re.split(f"({pattern.pattern})", text)
    plain = "".join(names[part] if part in names else _without_varying(part) for part in parts)
    return _SECRET.sub(r"\g<1>000000", plain)


def _without_varying(text: str) -> str:
    for varying, fixed in _VARYING:
        text = varying.sub(fixed, text)
    return text


def requests(calls: Iterable[Mapping[str, Any]]) -> list[Request]:
    """Return the calls of a recording that were allowed, as requests over TLS."""
    return [
        request(
            f"arn:aws:iam::{ACCOUNT}:role/{call['role']}", call["action"], call["resource"], call["context"]
        )
        for call in calls
        if call["allowed"]
    ]


def request(principal: str, action: str, resource: str, context: Mapping[str, Any] | None = None) -> Request:
    """Return a request as AWS's clients and services make it: over TLS 1.2, in the account."""
    keys = {"aws:securetransport": ("true",), "s3:tlsversion": ("1.2",), "aws:sourceaccount": (ACCOUNT,)}
    for key, value in (context or {}).items():
        keys[key.lower()] = tuple(value) if isinstance(value, list | tuple) else (str(value),)
    return Request(principal, action, resource, keys)
