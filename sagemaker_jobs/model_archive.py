"""A scikit-learn pipeline as a skops archive that has the same bytes for the same model.

What skops writes differs from run to run: it names objects and files by memory addresses, and files have times. Here they have
numbers in the order in which they occur. The archive is put together from skops' own description of the objects, because
``skops.io.dumps`` takes most of its time to write the description with indents, and to look each array up in a growing list of
files: 3 s for 3,500 trees, where this takes 1 s.
"""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

from sagemaker_jobs.absent import absent

with absent("sklearn.externals.array_api_compat.torch"):  # as in `sagemaker_jobs.model_files`
    import skops.io
    from skops.io._utils import SaveContext, get_state

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first moment that a zip archive can hold
_SCHEMA = "schema.json"


def archive_of(pipeline: Any) -> bytes:
    """Return what `skops.io.load` reads.

    References
    ----------
    .. [1] skops, ``io/_persist.py``: the description of the objects, with protocol and version, is ``schema.json``;
       ``io/_utils.py``: ``__id__`` is Python's ``id`` of an object, and names the file of an array.
    """
    files = _Files()
    context = SaveContext(zip_file=files)  # of a zip file it needs these two methods
    state = get_state(pipeline, context)
    schema = {**state, "protocol": context.protocol, "_skops_version": skops.__version__}
    numbers = _Numbers(files)
    text = json.dumps(numbers.of(schema), separators=(",", ":"))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for old_name, new_name in numbers.names.items():
            _add(archive, new_name, files[old_name])
        _add(archive, _SCHEMA, text.encode())
    return buffer.getvalue()


class _Files(dict[str, bytes]):
    """Files by name, as skops writes them."""

    def namelist(self) -> _Files:
        """Return the names."""
        return self

    def writestr(self, name: str, data: bytes) -> None:
        """Write a file."""
        self[name] = bytes(data)


class _Numbers:
    """Gives objects and files numbers in the order in which they are met.

    Attributes
    ----------
    names : dict of str to str
        The files' new names.
    """

    def __init__(self, files: _Files) -> None:
        self.names: dict[str, str] = {}
        self._files, self._ids = files, dict[int, int]()

    def of(self, node: Any) -> Any:
        """Return a description with numbers instead of addresses."""
        if isinstance(node, list | tuple):
            return [self.of(item) for item in node]
        if not isinstance(node, dict):
            return node
        return {key: self._value(key, value) for key, value in node.items()}

    def _value(self, key: Any, value: Any) -> Any:
        # A key may also be a word of the data, whose value is a node.
        if key == "__id__" and isinstance(value, int):
            return self._ids.setdefault(value, len(self._ids) + 1)
        if key == "file" and isinstance(value, str) and value in self._files:
            suffix = value.rpartition(".")[2]
            return self.names.setdefault(value, f"{len(self.names)}.{suffix}")
        return self.of(value)


def _add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    entry.create_system = 3  # Unix, on every machine
    archive.writestr(entry, data)
