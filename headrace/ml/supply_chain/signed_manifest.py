"""What is signed about a model: an in-toto statement on its archive and every file in it.

References
----------
.. [1] in-toto Attestation Framework, Statement v1: subjects with digests, and a predicate about them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath

from headrace.ml.supply_chain.envelope import canonical_json
from headrace.ml.supply_chain.refusal import ModelReason, ModelRefusedError

ARCHIVE = "model.tar.gz"
_STATEMENT = "https://in-toto.io/Statement/v1"
_PREDICATE = "urn:headrace:signed-model:v1"


@dataclass(frozen=True)
class SignedManifest:
    """What a key vouches for.

    Parameters
    ----------
    pipeline : str
        Whose model it is.
    version : int
        Of the model package; of two models of a pipeline, the later one has the larger number.
    run : str
        Name of the training's jobs.
    archive_sha256 : str
        Of ``model.tar.gz``, as the evaluation has read it.
    archive_bytes : int
        Its size.
    members : mapping of str to str
        Checksums, as `member_digests` gives them.
    data_sha256, data_manifest_sha256 : str
        Of the rows that it learned from, and of the snapshot's ``manifest.json``.
    image_digest : str
        Of the image that trained it; empty where nobody could tell.
    code_commit, code_sha256 : str
        Of the code in that image: git's name for it, and the hash of its content.
    lock_sha256, sbom_sha256 : str
        Of the files that pin packages, and of the bill of materials.
    signed_at : str
        ISO 8601, UTC.
    """

    pipeline: str
    version: int
    run: str
    archive_sha256: str
    archive_bytes: int
    members: Mapping[str, str]
    data_sha256: str
    data_manifest_sha256: str
    image_digest: str
    code_commit: str
    code_sha256: str
    lock_sha256: str
    sbom_sha256: str
    signed_at: str

    def to_bytes(self) -> bytes:
        """Return the document that is signed."""
        told = asdict(self)
        members = told.pop("members")
        named = {ARCHIVE: told.pop("archive_sha256"), **{f"{ARCHIVE}/{k}": v for k, v in members.items()}}
        subject = [{"name": name, "digest": {"sha256": named[name]}} for name in sorted(named)]
        return canonical_json(
            {"_type": _STATEMENT, "subject": subject, "predicateType": _PREDICATE, "predicate": told}
        )

    @classmethod
    def from_bytes(cls, payload: bytes) -> SignedManifest:
        """Read a document whose signature has been verified.

        Raises
        ------
        ModelRefusedError
            If it is a statement of another kind.
        """
        try:
            document = json.loads(payload)
            named = {item["name"]: item["digest"]["sha256"] for item in document["subject"]}
            archive = named.pop(ARCHIVE)
            members = {name.removeprefix(f"{ARCHIVE}/"): digest for name, digest in named.items()}
            found = cls(archive_sha256=archive, members=members, **document["predicate"])
        except (ValueError, KeyError, TypeError):
            found = None
        if found is None or found.to_bytes() != payload:
            raise ModelRefusedError(ModelReason.NOT_CANONICAL, "what was signed is no manifest of a model")
        return found

    def check(self, *, pipeline: str | None = None, version: int | None = None) -> None:
        """Refuse a manifest of another pipeline's model, or of another version.

        Raises
        ------
        ModelRefusedError
            With what was signed, and what was expected.
        """
        if pipeline is not None and self.pipeline != pipeline:
            raise ModelRefusedError(
                ModelReason.FOREIGN_PIPELINE,
                f"the model was signed for the pipeline {self.pipeline}, not for {pipeline}",
            )
        if version is not None and self.version != version:
            raise ModelRefusedError(
                ModelReason.OTHER_VERSION,
                f"the model was signed as v{self.version}, and is presented as v{version}",
            )

    def check_archive(self, sha256: str) -> None:
        """Refuse an archive with another checksum, before anything of it is unpacked.

        Raises
        ------
        ModelRefusedError
            If it is not the one that was signed.
        """
        if sha256 != self.archive_sha256:
            raise ModelRefusedError(ModelReason.CHANGED, f"{ARCHIVE} is not the archive that was signed")

    def check_members(self, found: Mapping[str, str], *, unseen: tuple[str, ...] = ()) -> None:
        """Compare the files of a folder with those that were signed.

        Parameters
        ----------
        found : mapping of str to str
            Checksums, as `member_digests` gives them.
        unseen : tuple of str
            Names that nobody has looked at.

        Raises
        ------
        ModelRefusedError
            Naming the first that is missing, changed or not listed.
        """
        signed = {name: digest for name, digest in self.members.items() if name not in unseen}
        check_listed(signed, found, by="that was signed")


def check_listed(listed: Mapping[str, str], found: Mapping[str, str], *, by: str) -> None:
    """Compare checksums with those of a list; `by` says of which, as the end of a sentence.

    Raises
    ------
    ModelRefusedError
        Naming the first file that is missing, changed or not listed.
    """
    for name in sorted(listed):
        if name not in found:
            raise ModelRefusedError(ModelReason.MISSING_FILE, f"the model has no file {name} {by}")
        if found[name] != listed[name]:
            raise ModelRefusedError(ModelReason.CHANGED, f"the model's file {name} is not the one {by}")
    if more := sorted(found.keys() - listed.keys()):
        raise ModelRefusedError(ModelReason.UNLISTED_FILE, f"the model has a file {more[0]}, and none {by}")


def member_digests(files: Mapping[str, str]) -> dict[str, str]:
    """Return a checksum for each file at the root, and one for each folder there, of all names and checksums in it.

    A model has a dozen files. AWS's managed image adds the whole code to it, in one folder.

    Examples
    --------
    >>> sorted(member_digests({"schema.json": "ab", "code/a.py": "cd", "code/b/c.py": "ef"}))
    ['code/', 'schema.json']
    """
    found, folders = dict[str, str](), dict[str, list[str]]()
    for name in sorted(files):
        first, *rest = PurePosixPath(name).parts
        if rest:
            folders.setdefault(f"{first}/", []).append(f"{files[name]}  {name}\n")
        else:
            found[name] = files[name]
    listings = {name: hashlib.sha256("".join(lines).encode()).hexdigest() for name, lines in folders.items()}
    return {**found, **listings}
