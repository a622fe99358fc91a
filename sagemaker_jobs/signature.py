"""What a container can tell of its model by itself, without a network: that it is the one that was signed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from headrace.ml.supply_chain.envelope import Envelope
from headrace.ml.supply_chain.public_key import PublicKey
from headrace.ml.supply_chain.refusal import ModelRefusedError
from headrace.ml.supply_chain.signed_manifest import SignedManifest, check_listed
from headrace.ml.supply_chain.variables import KEY, from_variables
from sagemaker_jobs.failures import JobError
from sagemaker_jobs.model_folder import MANIFEST, read_json, sha256_of

SIGNED = "signed_manifest.json"
CHAMPION_VERSION = "HEADRACE_CHAMPION_VERSION"
_SIGNED = "that was signed"
_CODE = "code/"
"""What AWS's managed image adds: it runs before anything can be verified, and the deployment has verified it."""


def check_served(folder: Path, environ: Mapping[str, str]) -> None:
    """Verify what a container that serves is given, if it is given a key.

    The signature vouches for the model's own manifest, which lists a checksum for every other file; those are compared when
    the model is loaded, before anything in it is read.

    Raises
    ------
    JobError
        With the reason: nothing was signed, by another key, for another version, or a file is missing, changed or added.
    """
    if KEY not in environ:
        return
    try:
        manifest = _verified(from_variables(environ), environ)
        told = environ.get("HEADRACE_MODEL_VERSION", "").removeprefix("v")
        manifest.check(version=int(told) if told.isdigit() else None)
        _check_files(folder, manifest)
    except ModelRefusedError as error:
        raise refused(error) from None


def check_champion(signed: Path, environ: Mapping[str, str], sha256: str, pipeline: str) -> None:
    """Verify the model in service by the checksum of its archive, before that is unpacked.

    Raises
    ------
    JobError
        If it is not the one that was deployed.
    """
    try:
        manifest = _verified(Envelope.from_bytes(signed.read_bytes()), environ)
        manifest.check(pipeline=pipeline, version=int(environ[CHAMPION_VERSION]))
        manifest.check_archive(sha256)
    except OSError:
        raise JobError("the model in service has no signed manifest beside it") from None
    except ModelRefusedError as error:
        raise refused(error) from None


def refused(error: ModelRefusedError) -> JobError:
    """Return the refusal as a job tells it."""
    return JobError(f"the model is refused: {error}")


def _check_files(folder: Path, manifest: SignedManifest) -> None:
    path = folder / MANIFEST
    own = {MANIFEST: sha256_of(path)} if path.is_file() else {}
    check_listed({MANIFEST: manifest.members.get(MANIFEST, "")}, own, by=_SIGNED)
    manifest.check_members({**own, **read_json(path).get("files", {})}, unseen=(_CODE,))


def _verified(envelope: Envelope, environ: Mapping[str, str]) -> SignedManifest:
    return SignedManifest.from_bytes(envelope.verified(PublicKey.from_text(environ[KEY])))
