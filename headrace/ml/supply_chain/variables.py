"""A signed manifest in the environment of a container: that is all that can be given to one beside its model."""

from __future__ import annotations

from collections.abc import Mapping

from headrace.ml.supply_chain.envelope import Envelope
from headrace.ml.supply_chain.refusal import ModelReason, ModelRefusedError

KEY = "HEADRACE_SIGNING_KEY"
_MANIFEST = "HEADRACE_SIGNED_MANIFEST"
_LONGEST = 1000
"""SageMaker takes values of 1,024 characters."""
_MOST = 40
"""SageMaker takes 100 variables."""


def to_variables(envelope: Envelope, public_key: str) -> dict[str, str]:
    """Return the variables of a container.

    Raises
    ------
    ModelRefusedError
        If the manifest is longer than a container's environment can be.
    """
    text = envelope.to_bytes().decode()
    pieces = [text[start : start + _LONGEST] for start in range(0, len(text), _LONGEST)]
    if len(pieces) > _MOST:
        raise ModelRefusedError(
            ModelReason.TOO_MANY,
            f"the signed manifest has {len(text)} characters, more than a container is given",
        )
    return {KEY: public_key, **{f"{_MANIFEST}_{place}": piece for place, piece in enumerate(pieces, 1)}}


def from_variables(environ: Mapping[str, str]) -> Envelope:
    """Return the manifest that a container is given.

    Raises
    ------
    ModelRefusedError
        If it is given none.
    """
    pieces: list[str] = []
    while piece := environ.get(f"{_MANIFEST}_{len(pieces) + 1}"):
        pieces.append(piece)
    if not pieces:
        raise ModelRefusedError(ModelReason.UNSIGNED, "the container is given a key and no signed manifest")
    return Envelope.from_bytes("".join(pieces).encode())
