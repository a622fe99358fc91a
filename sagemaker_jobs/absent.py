"""Imports that must not happen on the way to another one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def absent(name: str) -> Iterator[None]:
    """Let a module seem not to be installed for a while; a module that is imported already stays.

    Parameters
    ----------
    name : str
        Full name of the module, such as ``package.part``.

    References
    ----------
    .. [1] The Python Language Reference, 5.3.1: None in ``sys.modules`` makes an import raise ModuleNotFoundError.

    Examples
    --------
    >>> with absent("tabnanny"):
    ...     try:
    ...         import tabnanny
    ...     except ModuleNotFoundError:
    ...         print("not there")
    not there
    >>> import tabnanny
    """
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[name]
