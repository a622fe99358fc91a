"""Secrets that others keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


class Secret:
    """One secret of Secrets Manager, read each time, so that a new value counts at once.

    Parameters
    ----------
    name : str
        Its name or ARN.
    """

    def __init__(self, client: SecretsManagerClient, name: str) -> None:
        self._client, self._name = client, name

    def text(self) -> str:
        """Return its text, without blanks around it; ``ValueError`` if it holds bytes."""
        value = self._client.get_secret_value(SecretId=self._name).get("SecretString")
        if value is None:
            raise ValueError("the secret holds no text")
        return value.strip()
