"""How arrays are read and written where the script does not say."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np

TEXT_TYPES = ("application/json", "text/csv")
"""Content types whose body is handed over as text."""

_NPY = "application/x-npy"


class FormatError(ValueError):
    """The content type is none of those that are known."""


def decode(body: str | bytes, content_type: str) -> Any:
    r"""Return the array that a request holds; of 32-bit floats if it is text.

    Examples
    --------
    >>> decode("1,2\n3,4\n", "text/csv").tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    """
    if content_type == "application/json":
        return np.array(json.loads(body), dtype=np.float32)
    if content_type == "text/csv":
        return np.genfromtxt(io.StringIO(str(body)), dtype=np.float32, delimiter=",")
    if content_type == _NPY:
        return np.load(io.BytesIO(body if isinstance(body, bytes) else body.encode()), allow_pickle=False)
    raise FormatError(f"Content type {content_type} is not supported by this framework.")


def encode(prediction: Any, accept: str) -> tuple[str | bytes, str]:
    """Return the answer's body and type.

    Examples
    --------
    >>> encode(np.array([1.5, 2.0]), "application/json")
    ('[1.5, 2.0]', 'application/json')
    """
    array = np.asarray(prediction)
    buffer = io.BytesIO()
    if accept == "application/json":
        return json.dumps(array.tolist()), accept
    if accept == "text/csv":
        np.savetxt(buffer, array, delimiter=",", fmt="%s")
        return buffer.getvalue().decode(), accept
    if accept == _NPY:
        np.save(buffer, array)
        return buffer.getvalue(), accept
    raise FormatError(f"Content type {accept} is not supported by this framework.")
