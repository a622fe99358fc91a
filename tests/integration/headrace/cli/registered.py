"""A pipeline with a registered model that was really trained, with AWS's services as moto has them."""

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from functools import cache
from pathlib import Path

import boto3

from headrace.aws.deployed_pipeline import DeployedPipeline
from headrace.aws.object_versions import ObjectVersions
from headrace.aws.signed_models import SignedModels
from headrace.aws.signing_key import SigningKey
from headrace.config.pipeline import Pipeline
from headrace.ml.gate import Decision
from infra.code_origin import code_origin
from lambdas.judge_model.provenance import Facts, Stored, properties, provenance
from tests.integration.ledger import create_ledger
from tests.integration.sagemaker_jobs.opt_ml import OptMl, rows
from tests.signing import manifest_of

BUCKET, DATA, GROUP = "artifacts", "data", "headrace-rides"
CONTENT_HASH = "0123456789abcdef" * 4
SNAPSHOT = f"snapshots/{CONTENT_HASH[:16]}"


class Account:
    """An account in which the pipeline `rides` is deployed, as far as versions are looked at."""

    def __init__(self):
        self.s3, self.sagemaker = boto3.client("s3"), boto3.client("sagemaker")
        for bucket in (BUCKET, DATA):
            self.s3.create_bucket(Bucket=bucket)
            self.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        self.sagemaker.create_model_package_group(
            ModelPackageGroupName=GROUP, ModelPackageGroupDescription="rides"
        )
        self.ledger = create_ledger()
        self.kms = boto3.client("kms")
        key = self.kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
        self.key_arn = key["KeyMetadata"]["Arn"]

    def pipeline(self, name="rides"):
        outputs = {
            "LedgerTableName": "ledger",
            "ModelPackageGroupName": GROUP,
            "EndpointName": GROUP,
            "ArtifactsBucketName": BUCKET,
            "DataBucketName": DATA,
            "SigningKeyArn": self.key_arn,
        }
        return DeployedPipeline(name, outputs, boto3.Session())

    def train(self, base, *, status="PendingManualApproval", code=None, **training):
        """Train on some rows, store and register all that a training stores and registers; return the version."""
        return self.store(learnt(base, **training), status=status, code=code)

    def store(self, opt, *, status="PendingManualApproval", code=None, files=()):
        """Store and register what was learnt; `files` are those of the manifest."""
        base = opt.base
        self._store_snapshot(base, files)
        model = self._store_model(opt)
        name = f"headrace-rides-{base.name}"
        document = self._provenance(opt, name, model, code or code_origin().as_dict())
        where = f"evaluations/{name}/provenance.json"
        self.put(where, json.dumps(document).encode())
        evaluation = {
            "rows": 80,
            "metric": "rmse",
            "challenger": {"rmse": 5.0, "mae": 4.0},
            "intervals": {"challenger": [4.5, 5.5]},
            "content_hash": CONTENT_HASH,
        }
        self.put(f"evaluations/{name}/evaluation.json", json.dumps(evaluation).encode())
        version = self.register(
            status,
            {
                **properties(document, f"s3://{BUCKET}/{where}"),
                "reason": "drift",
                "reason:about": "temp",
                "metric:mae": "4",
                "metric:rmse": "5",
            },
            model.uri,
        )
        self.sign(model.uri, version)
        return version

    def sign(self, url, version):
        """Sign the archive at `url` as a version of the pipeline's models."""
        key = url.removeprefix(f"s3://{BUCKET}/")
        body = self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        manifest = manifest_of(io.BytesIO(body), pipeline="rides", version=version)
        SignedModels(self.s3, SigningKey(self.kms, self.key_arn)).sign(manifest, url)

    def register(self, status="PendingManualApproval", metadata=None, url=f"s3://{BUCKET}/none/model.tar.gz"):
        arn = self.sagemaker.create_model_package(
            ModelPackageGroupName=GROUP,
            ModelApprovalStatus=status,
            CustomerMetadataProperties=metadata or {"run": "r"},
            InferenceSpecification={
                "Containers": [{"Image": "image", "ModelDataUrl": url}],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
        )["ModelPackageArn"]
        return int(arn.rsplit("/", 1)[1])

    def describe(self, version):
        arn = self.pipeline().package_arn(version)
        return self.sagemaker.describe_model_package(ModelPackageName=arn)

    def put(self, key, body):
        return self.s3.put_object(Bucket=BUCKET, Key=key, Body=body).get("VersionId")

    def document(self, key):
        return json.loads(self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())

    def _store_snapshot(self, base, files):
        parts = {}
        for part in ("train", "validation", "spec"):
            for path in sorted((base / "input" / "data" / part).iterdir()):
                body = path.read_bytes()
                self.put(f"{SNAPSHOT}/{part}/{path.name}", body)
                parts.setdefault(part, []).append(
                    {"name": path.name, "sha256": hashlib.sha256(body).hexdigest()}
                )
        self.put(f"{SNAPSHOT}/manifest.json", json.dumps({"parts": parts, "files": list(files)}).encode())

    def _store_model(self, opt):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
            for path in sorted(opt.model.iterdir()):
                tar.add(path, path.name)
        key = f"training/{opt.base.name}/output/model.tar.gz"
        return Stored(f"s3://{BUCKET}/{key}", self.put(key, buffer.getvalue()), buffer.tell())

    def _provenance(self, opt, name, model, code):
        latest = ObjectVersions(self.s3).latest(f"s3://{BUCKET}/{SNAPSHOT}/")
        stored = {
            item.key: Stored(f"s3://{BUCKET}/{item.key}", item.version_id, item.size, self._sha256(item.key))
            for item in latest
        }
        manifest = stored.pop(f"{SNAPSHOT}/manifest.json")
        facts = Facts(
            code,
            "tag",
            "image",
            None,
            "no image",
            manifest,
            list(stored.values()),
            model,
            opt.document("manifest.json"),
        )
        event = {
            "run": name,
            "training_job": f"{name}-0",
            "content_hash": CONTENT_HASH,
            "learned_from": "all",
            "reason": "drift",
        }
        pipeline = Pipeline.model_validate({**opt.spec["pipeline"], "approval": "manual"})
        return provenance(event, pipeline, facts, Decision(True, "better"), {"rmse": 5.0, "mae": 4.0})

    def _sha256(self, key):
        return hashlib.sha256(self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()).hexdigest()


def learnt(base, **training):
    """Train on some rows below `base`, as a container does, and return what lies there.

    The same training is done once, and copied: that it gives the same bytes again is tested elsewhere.
    """
    trained = _trained(json.dumps(training, sort_keys=True))
    shutil.copytree(trained.name, base)
    return OptMl(base, estimator="linear", **training)


@cache
def _trained(training):
    """Return the folder of a training, which lasts as long as this process."""
    folder = tempfile.TemporaryDirectory()
    opt = OptMl(Path(folder.name), estimator="linear", **json.loads(training))
    opt.lay_out(rows(300), rows(80, 1))
    _train(opt.base)
    return folder


def _train(base):
    """Train as a container does: in a process of its own, which sets its threads before anything is imported."""
    environment = {
        "PATH": os.environ["PATH"],
        "SAGEMAKER_BASE_DIR": str(base),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    repository = Path(__file__).parents[4]
    command = [sys.executable, "-m", "sagemaker_jobs", "train"]
    subprocess.run(command, cwd=repository, env=environment, check=True, capture_output=True)
