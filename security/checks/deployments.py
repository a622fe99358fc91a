"""The deployments that are checked: every pipeline file of the project, and pipelines that together have every option."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headrace.config.loading import load_pipeline
from infra.code_bundle import REPO

Fields = Mapping[str, Any]

HARDENED = "hardened"
"""The deployment with all that hardens beyond the defaults, and costs money, quota or comfort: nothing may be found in it
without a reason."""

_SMALL: Fields = {"name": "price", "problem": "regression", "target": "price"}
_OF_ROWS: Fields = {**_SMALL, "id": "id", "time": "at", "split": {"by": "time"}}

_EVERYTHING: Fields = {
    **_OF_ROWS,
    "problem": "binary",
    "approval": "manual",
    "endpoint": {
        "kind": "realtime",
        "instances": 2,
        "scaling": {"min": 2, "max": 8, "by": "concurrency", "target": 4},
        "batch": {"instances": 2, "schedule": "rate(1 day)", "format": "parquet", "columns": "all"},
        "front": {
            "principals": ["arn:aws:iam::123456789012:role/shop"],
            "web_acl": "arn:aws:wafv2:us-east-1:123456789012:regional/webacl/shop/1234abcd-12ab-34cd-56ef-1234567890ab",
        },
    },
    "release": {"strategy": "canary"},
    "training": {"tuning": {"trials": 8, "warm_start": True, "target_value": 0.9}},
    "retraining": {"on": ["drift", "new_data", "schedule"]},
    "on_destroy": "retain",
    "notify": "ops@example.org",
    "stream": {"training": True, "scoring": True, "shards": 2},
    "arrival": {"train": "batch", "if_missing": "train"},
    "database": {
        "engine": "postgresql",
        "secret": "shop/reader",
        "secret_key_arn": "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        "table": "public.orders",
        "watermark": "updated_at",
        "vpc": {"subnets": ["subnet-0123456789abcdef0"], "security_groups": ["sg-0123456789abcdef0"]},
    },
    "feedback": {"api": True, "within_days": 60},
    "tracking": {"mlflow": "arn:aws:sagemaker:us-east-1:123456789012:mlflow-tracking-server/ours"},
    "privacy": {"personal": {"id": "hash", "email": "drop"}, "subject": "id", "raw_days": 30},
    "large_data": {"worker": "G.2X", "workers": 10},
    "alarms": {
        "no_data_after": "2 days",
        "no_predictions_after": "6 hours",
        "client_error_share": 0.1,
        "latency_p50_ms": 50,
        "latency_p99_ms": 400,
        "monthly_usd": 20,
        "chat": {"kind": "slack", "secret": "headrace/chat"},
    },
}

_BY_THE_INTERNET = ("alarms", "endpoint")
"""Blocks of which something needs the internet: a private network has no way to it, and callers no public address."""

_HARDENED: Fields = {
    **{name: block for name, block in _EVERYTHING.items() if name not in _BY_THE_INTERNET},
    "alarms": {name: value for name, value in _EVERYTHING["alarms"].items() if name != "chat"},
    "endpoint": {name: value for name, value in _EVERYTHING["endpoint"].items() if name != "front"},
    "compliance": "strict",
    "network": "private",
    "retention": {"object_lock_days": 365},
    "audit": {"ledger": True, "cloudtrail": True},
}

_VARIATIONS: Mapping[str, Fields] = {
    "everything": _EVERYTHING,
    "everything serverless": {
        **_EVERYTHING,
        "release": {},
        "endpoint": {"front": {"principals": ["arn:aws:iam::123456789012:role/shop"]}, "batch": {}},
    },
    "asynchronous": {**_OF_ROWS, "endpoint": {"kind": "asynchronous"}},
    "batch alone": {**_OF_ROWS, "endpoint": {"kind": "batch"}},
    "shadow": {**_OF_ROWS, "endpoint": {"kind": "realtime"}, "release": {"strategy": "shadow"}},
    "spot and search": {
        **_OF_ROWS,
        "endpoint": {"kind": "realtime"},
        "training": {"estimator": "torch", "spot": {}, "tuning": {"strategy": "hyperband", "max_steps": 30}},
    },
    "managed image": {**_OF_ROWS, "image": "managed"},
    "custom image": {
        **_OF_ROWS,
        "image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/team/rides@sha256:" + "0" * 64,
    },
}


def deployments() -> dict[str, Fields]:
    """Return the fields of the pipelines by the deployments' names, the largest first."""
    files = sorted((REPO / "pipelines").glob("*.yaml"))
    return {
        HARDENED: _HARDENED,
        **_VARIATIONS,
        **{file.name: load_pipeline(file).model_dump(mode="json") for file in files},
    }
