"""The key that signs a pipeline's models: it never leaves KMS."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Literal, TypedDict

from botocore.exceptions import ClientError

from headrace.ml.supply_chain.public_key import PublicKey
from headrace.ml.supply_chain.refusal import ModelReason, ModelRefusedError

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

_UNUSABLE = (
    "AccessDeniedException",
    "DisabledException",
    "InvalidKeyUsageException",
    "KMSInvalidStateException",
    "NotFoundException",
)


class _How(TypedDict):
    MessageType: Literal["DIGEST"]
    SigningAlgorithm: Literal["ECDSA_SHA_256"]


_HOW: _How = {"MessageType": "DIGEST", "SigningAlgorithm": "ECDSA_SHA_256"}
"""A manifest may be longer than the 4,096 bytes that KMS takes as they are."""


class SigningKey:
    """A KMS key of the kind ``ECC_NIST_P256`` that signs and verifies.

    Parameters
    ----------
    client : KMSClient
        May sign with it, or verify and read its public key.
    arn : str
        Of the key.
    """

    def __init__(self, client: KMSClient, arn: str) -> None:
        self._client, self._arn = client, arn

    @cached_property
    def public_key(self) -> PublicKey:
        """The public key, as KMS has it now.

        Raises
        ------
        ModelRefusedError
            If the key is disabled or deleted, or may not be read.
        """
        try:
            return PublicKey(self._client.get_public_key(KeyId=self._arn)["PublicKey"])
        except ClientError as error:
            raise self._refused(error) from None

    @property
    def key_id(self) -> str:
        """SHA-256 of the public key in DER, in hexadecimal digits."""
        return self.public_key.key_id

    @property
    def public_text(self) -> str:
        """The public key in base64."""
        return self.public_key.to_text()

    def sign(self, digest: bytes) -> bytes:
        """Return the signature of a message with this SHA-256, in DER."""
        try:
            return self._client.sign(KeyId=self._arn, Message=digest, **_HOW)["Signature"]
        except ClientError as error:
            raise self._refused(error) from None

    def has_signed(self, digest: bytes, signature: bytes) -> bool:
        """Tell whether `signature` is this key's, of a message with this SHA-256.

        Raises
        ------
        ModelRefusedError
            If the key is disabled or deleted, or may not be used.
        """
        try:
            return self._client.verify(KeyId=self._arn, Message=digest, Signature=signature, **_HOW)[
                "SignatureValid"
            ]
        except ClientError as error:
            if error.response["Error"]["Code"] == "KMSInvalidSignatureException":
                return False
            raise self._refused(error) from None

    def _refused(self, error: ClientError) -> Exception:
        code = error.response["Error"]["Code"]
        if code not in _UNUSABLE:
            return error
        return ModelRefusedError(ModelReason.KEY_UNUSABLE, f"KMS refuses the key {self._arn}: {code}")
