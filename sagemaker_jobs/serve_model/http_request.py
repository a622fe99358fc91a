"""A whole HTTP request."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache


@dataclass(slots=True)
class Request:
    """What a caller has sent, once all of it is there.

    Parameters
    ----------
    method, path : bytes
        ``POST``, ``/invocations``.
    headers : dict of bytes to bytes
        Those that are looked at, by their names in lower case.
    body : bytes
        All of it.
    keep : bool
        Whether the caller may send another one on the same connection.
    """

    method: bytes
    path: bytes
    headers: dict[bytes, bytes]
    body: bytes
    keep: bool


@lru_cache(64)
def path_of(target: bytes) -> bytes:
    """Return the path of a request's target, without its query.

    Examples
    --------
    >>> path_of(b"/ping?x=1"), path_of(b"http://localhost:8080/ping")
    (b'/ping', b'/ping')
    """
    if target.startswith(b"http://"):
        target = b"/" + target.removeprefix(b"http://").partition(b"/")[2]
    return target.partition(b"?")[0]
