"""What protecting personal data takes of AWS: the keys, and the people who were erased."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import boto3
from boto3.dynamodb.conditions import Key

from headrace.aws.queried_items import query_items
from headrace.aws.secrets import Secret
from headrace.ml.privacy.encryption import CellCipher
from headrace.ml.privacy.protection import Protection, ProtectionRule

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_secretsmanager import SecretsManagerClient

ERASED = "erased"
"""Partition of the ledger: one item for each person who was erased, named by a hash."""


class ErasedPeople:
    """Hashes of the people who were erased; their rows are not taken in again."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def hashes(self) -> list[str]:
        """Return all of them."""
        found = query_items(
            self._table,
            KeyConditionExpression=Key("pk").eq(ERASED),
            ProjectionExpression="sk",
            ConsistentRead=True,
        )
        return [str(item["sk"]) for item in found]

    def add(self, person: str, at: str) -> None:
        """Remember a person by the hash; doing so again changes nothing."""
        self._table.put_item(Item={"pk": ERASED, "sk": person, "erased_at": at})

    def remove(self, person: str) -> bool:
        """Forget a person: rows that come from now on are taken in. False if nobody of that hash was erased."""
        known = self._table.delete_item(Key={"pk": ERASED, "sk": person}, ReturnValues="ALL_OLD")
        return "Attributes" in known


@cache
def _secret_key(client: SecretsManagerClient, arn: str) -> bytes:
    # The key never changes: with another one, nothing that is stored could be found.
    return Secret(client, arn).text().encode()


def protection_key(arn: str, client: SecretsManagerClient | None = None) -> bytes:
    """Return a key, which each process reads once."""
    return _secret_key(client or _client(), arn)


@cache
def _client() -> SecretsManagerClient:
    return boto3.client("secretsmanager")


@dataclass(frozen=True)
class KeySecrets:
    """Where the keys of a pipeline's personal data are; empty where it has none.

    Parameters
    ----------
    hashes, cells : str
        ARNs of the secret of the hashes, and of that of encrypted cells.
    """

    hashes: str = ""
    cells: str = ""

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> KeySecrets:
        """Read what `infra.privacy_key.PrivacyKey` has told a function."""
        return cls(environ.get("PRIVACY_KEY_ARN", ""), environ.get("ENCRYPTION_KEY_ARN", ""))


def protection_of(rule: ProtectionRule | None, secrets: KeySecrets, pipeline: str = "") -> Protection | None:
    """Return a rule with its keys, as far as it needs them; `pipeline` is what encrypted cells are bound to."""
    if rule is None:
        return None
    return Protection(
        rule,
        protection_key(secrets.hashes) if rule.needs_key else b"",
        CellCipher(protection_key(secrets.cells), pipeline) if rule.encrypts else None,
    )
