"""What a model's files may be: told by their first bytes, whatever their names say."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import PurePosixPath

from headrace.ml.supply_chain.refusal import ModelReason, ModelRefusedError

HEAD_BYTES = 64
"""So many bytes tell what a file is."""

_CODE = "code"
"""The folder of the code that AWS's managed image takes from the archive of the model."""

_BEGINS: dict[str, Callable[[bytes], bool]] = {
    ".json": lambda head: head.lstrip()[:1] in (b"{", b"["),
    ".skops": lambda head: head.startswith(b"PK\x03\x04"),
    # The first field of an ONNX ModelProto is its ir_version: field 1, a varint.
    ".onnx": lambda head: head.startswith(b"\x08"),
}
_PICKLE_SUFFIXES = (".pkl", ".pickle", ".joblib", ".dill", ".cloudpickle", ".pt", ".pth", ".bin")
_PROTOCOL = b"\x80"
_PROTOCOLS = range(2, 6)
_TEXT_PROTOCOL = re.compile(rb"\(*[ci][A-Za-z_][\w.]*\n[A-Za-z_]\w*\n")
"""Protocols 0 and 1 name what they call in two lines: module and function."""
_PACKED = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda", b"\x1f\x8b", b"BZh", b"\xfd7zXZ")
"""How joblib's compressed pickles begin: zlib, gzip, bz2, xz."""


def check_content(path: str, head: bytes) -> None:
    """Refuse a file that no model of this project consists of.

    Parameters
    ----------
    path : str
        In the archive.
    head : bytes
        Its first bytes, `HEAD_BYTES` if there are as many.

    Raises
    ------
    ModelRefusedError
        As a pickle where it begins as one or is named as one, else as of a foreign format.

    Examples
    --------
    >>> check_content("metrics.json", b"{}")
    >>> check_content("model.skops", bytes([0x80, 4, 0x95]))
    Traceback (most recent call last):
        ...
    headrace.ml.supply_chain.refusal.ModelRefusedError: pickle: the file model.skops is a pickle
    """
    place = PurePosixPath(path)
    begins = _BEGINS.get(place.suffix)
    if place.suffix in _PICKLE_SUFFIXES or _is_pickle(head):
        raise ModelRefusedError(ModelReason.PICKLE, f"the file {path} is a pickle")
    if place.parts[0] == _CODE and len(place.parts) > 1:
        return
    if begins is None or len(place.parts) > 1:
        raise ModelRefusedError(ModelReason.FOREIGN_FORMAT, f"no model has a file {path}")
    if not begins(head):
        raise ModelRefusedError(
            ModelReason.FOREIGN_FORMAT, f"the content of {path} is not what its name says"
        )


def _is_pickle(head: bytes) -> bool:
    """Tell whether bytes begin as a pickle does, or as joblib packs one."""
    if head[:1] == _PROTOCOL and len(head) > 1 and head[1] in _PROTOCOLS:
        return True
    return bool(_TEXT_PROTOCOL.match(head)) or head.startswith(_PACKED)
