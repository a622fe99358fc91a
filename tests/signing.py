"""A key that signs models, with KMS's methods, for tests; the real one is tried where the local cloud runs."""

import hashlib

from botocore.exceptions import ClientError
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from headrace.aws.signing_key import SigningKey
from headrace.ml.supply_chain.archive import Archive, scan
from headrace.ml.supply_chain.envelope import Envelope, signed_digest
from headrace.ml.supply_chain.signed_manifest import SignedManifest, member_digests

_ECDSA = ec.ECDSA(utils.Prehashed(SHA256()))
HOW = {"MessageType": "DIGEST", "SigningAlgorithm": "ECDSA_SHA_256"}


class Kms:
    """One key of KMS."""

    def __init__(self, seed=1):
        self._key = ec.derive_private_key(seed, ec.SECP256R1())
        self.disabled = False

    def get_public_key(self, **_):
        self._check("GetPublicKey")
        key = self._key.public_key()
        return {"PublicKey": key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)}

    def sign(self, **request):
        self._check("Sign")
        assert request.items() >= HOW.items()
        return {"Signature": self._key.sign(request["Message"], _ECDSA)}

    def verify(self, **request):
        self._check("Verify")
        assert request.items() >= HOW.items()
        try:
            self._key.public_key().verify(request["Signature"], request["Message"], _ECDSA)
        except InvalidSignature:
            raise ClientError({"Error": {"Code": "KMSInvalidSignatureException"}}, "Verify") from None
        return {"SignatureValid": True}

    def _check(self, operation):
        if self.disabled:
            raise ClientError({"Error": {"Code": "DisabledException"}}, operation)


def signing_key(seed=1):
    return SigningKey(Kms(seed), "arn:aws:kms:us-east-1:123456789012:key/k")


def manifest_of(archive, *, pipeline="bike", version=4, **said):
    """Return the manifest of an archive's bytes, or of what was found in it."""
    found = archive if isinstance(archive, Archive) else scan(archive, lambda _, chunks: list(chunks))
    digest = hashlib.sha256(b"").hexdigest()
    given = {
        "run": "headrace-bike-260131-120000-0a1b2c3d",
        "data_sha256": digest,
        "data_manifest_sha256": digest,
        "image_digest": f"sha256:{digest}",
        "code_commit": digest[:40],
        "code_sha256": digest,
        "lock_sha256": digest,
        "sbom_sha256": digest,
        "signed_at": "2026-01-31T12:00:00+00:00",
        **said,
    }
    return SignedManifest(
        pipeline=pipeline,
        version=version,
        archive_sha256=found.sha256,
        archive_bytes=found.size,
        members=member_digests(found.members),
        **given,
    )


def enveloped(manifest, key):
    payload = manifest.to_bytes()
    return Envelope(payload, key.key_id, key.sign(signed_digest(payload)))
