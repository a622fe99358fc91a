"""A public key, by which a container without a network judges signatures."""

from __future__ import annotations

import base64
import hashlib

from headrace.ml.supply_chain.refusal import ModelReason, ModelRefusedError


class PublicKey:
    """An ECDSA key on the curve P-256, which is KMS's ``ECC_NIST_P256``.

    Parameters
    ----------
    der : bytes
        A SubjectPublicKeyInfo, as KMS's GetPublicKey answers.
    """

    def __init__(self, der: bytes) -> None:
        self._der = der

    @classmethod
    def from_text(cls, text: str) -> PublicKey:
        """Return the key of a text in base64.

        Raises
        ------
        ModelRefusedError
            If it is none.
        """
        try:
            return cls(base64.b64decode(text, validate=True))
        except ValueError:
            raise _unusable("the public key is not in base64") from None

    def to_text(self) -> str:
        """Return the key in base64."""
        return base64.b64encode(self._der).decode()

    @property
    def key_id(self) -> str:
        """SHA-256 of the key in DER, in hexadecimal digits."""
        return hashlib.sha256(self._der).hexdigest()

    def has_signed(self, digest: bytes, signature: bytes) -> bool:
        """Tell whether `signature` is this key's, of a message with this SHA-256.

        Raises
        ------
        ModelRefusedError
            If the key is none on P-256.
        """
        # Imported where there is something to verify: a function of Lambda asks KMS, and does not have it.
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric import ec, utils  # noqa: PLC0415
        from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415
        from cryptography.hazmat.primitives.serialization import load_der_public_key  # noqa: PLC0415

        try:
            key = load_der_public_key(self._der)
        except ValueError:
            raise _unusable("the public key cannot be read") from None
        if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
            raise _unusable("the public key is not one on the curve P-256")
        try:
            key.verify(signature, digest, ec.ECDSA(utils.Prehashed(SHA256())))
        except InvalidSignature:
            return False
        return True


def _unusable(why: str) -> ModelRefusedError:
    return ModelRefusedError(ModelReason.KEY_UNUSABLE, why)
