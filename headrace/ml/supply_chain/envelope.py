"""A signed document on its way: a DSSE envelope, as in-toto, SLSA and Sigstore have them.

References
----------
.. [1] secure-systems-lab/dsse, "DSSE: Dead Simple Signing Envelope", v1: the envelope, and what of it is signed.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Protocol

from headrace.ml.supply_chain.refusal import ModelReason, ModelRefusedError

PAYLOAD_TYPE = "application/vnd.in-toto+json"


class Verifier(Protocol):
    """The key by which signatures are judged."""

    @property
    def key_id(self) -> str:
        """SHA-256 of the public key in DER, in hexadecimal digits."""
        ...

    def has_signed(self, digest: bytes, signature: bytes) -> bool:
        """Tell whether `signature` is this key's, of a message with this SHA-256."""
        ...


@dataclass(frozen=True)
class Envelope:
    """A document and its signature.

    Parameters
    ----------
    payload : bytes
        The document.
    key_id : str
        Of the key that is said to have signed it.
    signature : bytes
        ECDSA in DER.
    """

    payload: bytes
    key_id: str
    signature: bytes

    def to_bytes(self) -> bytes:
        """Return the envelope in the one way in which it may be written."""
        document = {
            "payload": base64.b64encode(self.payload).decode(),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{"keyid": self.key_id, "sig": base64.b64encode(self.signature).decode()}],
        }
        return canonical_json(document)

    @classmethod
    def from_bytes(cls, body: bytes) -> Envelope:
        """Read an envelope.

        Raises
        ------
        ModelRefusedError
            If a single byte is not as `to_bytes` writes it.
        """
        try:
            document = json.loads(body)
            (signature,) = document["signatures"]
            found = cls(
                base64.b64decode(document["payload"], validate=True),
                str(signature["keyid"]),
                base64.b64decode(signature["sig"], validate=True),
            )
        except (ValueError, KeyError, TypeError, RecursionError):
            raise _not_canonical("it is no envelope") from None
        if found.to_bytes() != body:
            raise _not_canonical("its bytes are not those of its content")
        return found

    def verified(self, verifier: Verifier) -> bytes:
        """Return the document.

        Raises
        ------
        ModelRefusedError
            If the key is another one, or has not signed it.
        """
        if self.key_id != verifier.key_id:
            raise ModelRefusedError(
                ModelReason.WRONG_KEY,
                f"it was signed by the key {self.key_id[:16]}…, and the pipeline's is {verifier.key_id[:16]}…",
            )
        if not verifier.has_signed(signed_digest(self.payload), self.signature):
            raise ModelRefusedError(
                ModelReason.BAD_SIGNATURE, "the signature is not one of the pipeline's key over this manifest"
            )
        return self.payload


def signed_digest(payload: bytes) -> bytes:
    """Return the SHA-256 that a key signs: of the payload's type and the payload, each with its length.

    Examples
    --------
    >>> signed_digest(b"{}").hex()[:16]
    '4842cb1ba6fed6e4'
    """
    kind = PAYLOAD_TYPE.encode()
    return hashlib.sha256(b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)).digest()


def canonical_json(document: object) -> bytes:
    r"""Return JSON in the one way in which it may be written.

    Examples
    --------
    >>> canonical_json({"b": 1, "a": "ü"})
    b'{"a":"\\u00fc","b":1}'
    """
    return json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def _not_canonical(why: str) -> ModelRefusedError:
    return ModelRefusedError(ModelReason.NOT_CANONICAL, f"the signed manifest was changed: {why}")
