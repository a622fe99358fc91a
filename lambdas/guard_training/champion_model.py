"""What the evaluation is given of the model in service: its archive, and by what it can tell that it is the one that was signed."""

from __future__ import annotations

from typing import Any, Protocol

from headrace.aws.signed_models import manifest_url
from headrace.aws.training_log import Champion
from headrace.ml.supply_chain.variables import KEY

_FOLDER = "/opt/ml/processing/input"


class Key(Protocol):
    """What this function needs of the key that signs."""

    @property
    def public_text(self) -> str:
        """The public key in base64."""
        ...


def champion_input(champion: Champion | None) -> list[dict[str, Any]]:
    """Return the evaluation job's inputs that hold the model in service, and what was signed about it, if anything was."""
    if champion is None:
        return []
    signed = {"champion_signature": manifest_url(champion.model_data_url)} if champion.signed else {}
    return [_input(name, uri) for name, uri in {"champion": champion.model_data_url, **signed}.items()]


def evaluation_environment(champion: Champion | None, key: Key) -> dict[str, str]:
    """Return the evaluation job's variables: the key, as KMS has it, and the version that was signed."""
    if champion is None or not champion.signed:
        return {}
    return {KEY: key.public_text, "HEADRACE_CHAMPION_VERSION": str(champion.version)}


def _input(name: str, uri: str) -> dict[str, Any]:
    return {
        "InputName": name,
        "S3Input": {
            "S3Uri": uri,
            "LocalPath": f"{_FOLDER}/{name}",
            "S3DataType": "S3Prefix",
            "S3InputMode": "File",
        },
    }
