"""Where a model comes from: all that is needed to make it again, and to see later why it was made and approved. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from headrace.config.pipeline import Pipeline
from headrace.ml.gate import Decision
from headrace.ml.reproduction.digest import json_sha256

FORMAT = 1
"""Of the document; another number says that its fields mean something else."""


@dataclass(frozen=True)
class Stored:
    """One object that the training read or wrote.

    Parameters
    ----------
    uri : str
        Where it is.
    version_id : str
        S3's name for the version that was used.
    size : int
        In bytes.
    sha256 : str or None
        Of its content, where it is known without reading it.
    """

    uri: str
    version_id: str
    size: int
    sha256: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {"uri": self.uri, "version_id": self.version_id, "size": self.size, "sha256": self.sha256}


@dataclass(frozen=True)
class Facts:
    """What was found about a training, beside the event that asks for a judgement.

    Parameters
    ----------
    code : mapping
        As `infra.code_origin` has written it down when the templates were made.
    code_version : str
        The tag of the image.
    image_uri : str
        Of the container that has trained.
    image_digest : str or None
        Of its content; None if nobody could tell, which `image_says` explains.
    manifest : Stored or None
        The snapshot's ``manifest.json``.
    inputs : sequence of Stored
        The objects that the training read: rows and specification.
    model : Stored or None
        ``model.tar.gz``.
    made : mapping
        The model's own manifest, as the evaluation has read it.
    """

    code: Mapping[str, Any]
    code_version: str
    image_uri: str
    image_digest: str | None
    image_says: str
    manifest: Stored | None
    inputs: Sequence[Stored]
    model: Stored | None
    made: Mapping[str, Any] = field(default_factory=dict)


def provenance(
    event: Mapping[str, Any],
    pipeline: Pipeline,
    facts: Facts,
    decision: Decision,
    metrics: Mapping[str, float],
) -> dict[str, Any]:
    """Return the whole document that lies beside the evaluation as ``provenance.json``."""
    made, trained = facts.made, event.get("training") or {}
    given = trained.get("hyperparameters", pipeline.training.hyperparameters)
    hyperparameters = made.get("hyperparameters", given)
    inputs = [item.as_dict() for item in facts.inputs]
    return {
        "format": FORMAT,
        "pipeline": pipeline.name,
        "run": event["run"],
        "training_job": event["training_job"],
        "data": {
            "content_hash": event["content_hash"],
            "learned_from": event["learned_from"],
            "manifest": facts.manifest and facts.manifest.as_dict(),
            "objects": inputs,
            "objects_sha256": json_sha256(inputs),
        },
        "code": {"code_version": facts.code_version, **facts.code},
        "image": {"uri": facts.image_uri, "digest": facts.image_digest, "says": facts.image_says},
        "environment": {name: made.get(name) for name in ("python", "machine", "packages")},
        "training": {
            "estimator": made.get("estimator", pipeline.training.estimator),
            "seed": made.get("seed", pipeline.training.seed),
            "hyperparameters": hyperparameters,
            "hyperparameters_sha256": json_sha256(hyperparameters),
            "tuning": trained.get("tuning"),
        },
        "model": {"object": facts.model and facts.model.as_dict(), "files": made.get("files", {})},
        "metric": pipeline.metric,
        "metrics": dict(metrics),
        "gate": {"promote": decision.promote, "why": decision.why},
        "parent": _parent(event.get("champion")),
        "reason": {"reason": event["reason"], **(event.get("cause") or {})},
        "approval": _approval(pipeline, decision),
    }


def properties(document: Mapping[str, Any], uri: str) -> dict[str, str]:
    """Return what of a provenance stands in the registry: what is short as it is, what is long by its hash.

    `uri` is where the whole document is.
    """
    data, code, image, parent = (document[name] for name in ("data", "code", "image", "parent"))
    manifest = data["manifest"] or {}
    given = {
        "provenance": uri,
        "content_hash": data["content_hash"],
        "manifest_sha256": manifest.get("sha256"),
        "manifest_version_id": manifest.get("version_id"),
        "objects_sha256": data["objects_sha256"],
        "learned_from": data["learned_from"],
        "run": document["run"],
        "training_job": document["training_job"],
        "code_version": code["code_version"],
        "code_sha256": code.get("content_sha256"),
        "git_commit": code.get("commit") or code.get("git_says"),
        "git_dirty": _word(code.get("dirty")),
        "lock_sha256": code.get("lock_sha256"),
        "image_digest": image["digest"] or image["says"],
        "python": document["environment"]["python"],
        "machine": document["environment"]["machine"],
        "estimator": document["training"]["estimator"],
        "seed": document["training"]["seed"],
        "hyperparameters": json.dumps(document["training"]["hyperparameters"], sort_keys=True),
        "hyperparameters_sha256": document["training"]["hyperparameters_sha256"],
        "parent": f"v{parent['version']}" if parent else "none",
        "parent_arn": parent and parent["model_package_arn"],
        "approved_by": document["approval"]["by"],
        "metric": document["metric"],
    }
    return {name: str(value) for name, value in given.items() if value not in (None, "")}


def _parent(champion: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return the model in service when the training began, which the new one was compared with."""
    if not champion:
        return None
    return {name: champion.get(name) for name in ("version", "model_package_arn", "snapshot", "run")}


def _approval(pipeline: Pipeline, decision: Decision) -> dict[str, Any]:
    """Return who approves: the gate; or a person, who is written down once there is one."""
    if not decision.promote:
        return {"mode": pipeline.approval, "by": None, "why": None}
    if pipeline.approval == "automatic":
        return {"mode": "automatic", "by": "gate", "why": decision.why}
    return {"mode": "manual", "by": None, "why": "it passed the gate, and waits for a person"}


def _word(flag: bool | None) -> str | None:
    return None if flag is None else "yes" if flag else "no"
