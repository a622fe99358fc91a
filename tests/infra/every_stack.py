"""All stacks of pipelines that differ in whatever changes a template, as `cdk synth` writes them."""

import json

import aws_cdk as cdk

from headrace.config.pipeline import Pipeline
from infra.pipeline_app import add_stacks
from tests.infra.pipeline_stacks import CDK_JSON

MINIMAL = {"name": "price", "problem": "regression", "target": "price"}
PIPELINES = {
    "minimal": MINIMAL,
    "everything": {
        **MINIMAL,
        "problem": "binary",
        "id": "id",
        "time": "at",
        "split": {"by": "time"},
        "approval": "manual",
        "endpoint": {
            "kind": "realtime",
            "instances": 2,
            "scaling": {"min": 2, "max": 8, "by": "concurrency", "target": 4},
            "batch": {"instances": 2, "schedule": "rate(1 day)", "format": "parquet", "columns": "all"},
            "front": {"principals": ["arn:aws:iam::123456789012:role/shop"]},
        },
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
        "audit": {"ledger": True, "cloudtrail": True},
        "retention": {"object_lock_days": 365},
        "alarms": {
            "no_data_after": "2 days",
            "no_predictions_after": "6 hours",
            "client_error_share": 0.1,
            "latency_p50_ms": 50,
            "latency_p99_ms": 400,
            "monthly_usd": 20,
            "chat": {"kind": "slack", "secret": "headrace/chat"},
        },
    },
    "hardened": {
        **MINIMAL,
        "id": "id",
        "endpoint": {
            "kind": "realtime",
            "scaling": {"min": 2, "max": 4, "by": "concurrency", "target": 4},
            "batch": {"schedule": "rate(1 day)"},
        },
        "training": {"instances": 2, "estimator": "xgboost", "tuning": {"trials": 8}},
        "stream": {"training": True, "scoring": True},
        "privacy": {"personal": {"id": "hash"}, "subject": "id"},
        "feedback": {"api": True},
        "notify": "ops@example.org",
        "on_destroy": "retain",
        "tracking": {"mlflow": "arn:aws:sagemaker:us-east-1:123456789012:mlflow-tracking-server/ours"},
        "network": "private",
        "compliance": "strict",
        "retention": {"object_lock_days": 365, "mode": "compliance"},
        "owner": "Pricing",
        "data_class": "restricted",
    },
}
CONTEXTS = {"hardened": {"permissions_boundary": "platform-boundary"}}
"""What `-c` gives, by the pipeline."""
STACKS = ("data", "training", "serving", "monitoring")
OPTIONAL = ("stream", "batches", "database", "large-data", "feedback", "batch", "front", "tracking")
"""Stacks that only some pipelines have."""


class Synthesised:
    """An app, what it wrote, and where; the CDK takes two seconds to validate it, which the tests of every stack have it do."""

    def __init__(self, fields, folder, *, validate=True, **context):
        self.fields, self.context = fields, context
        pipeline = Pipeline.model_validate(fields)
        validation = {} if validate else {"builtin_cloud_formation_validation": False}
        self.app = cdk.App(context={**CDK_JSON, **context}, outdir=str(folder), **validation)
        add_stacks(self.app, pipeline)
        self.assembly = self.app.synth()
        self.folder = folder
        self.name = pipeline.name
        self.kinds = [
            kind for kind in (*STACKS, *OPTIONAL) if self.app.node.try_find_child(f"{self.name}-{kind}")
        ]

    def stack(self, kind):
        return self.app.node.find_child(f"{self.name}-{kind}")

    def path(self, kind):
        return self.folder / f"{self.name}-{kind}.template.json"

    def template(self, kind):
        return json.loads(self.path(kind).read_text())

    def resources(self):
        """Yield (stack, logical id, resource) of everything."""
        for kind in self.kinds:
            for name, resource in self.template(kind)["Resources"].items():
                yield kind, name, resource
