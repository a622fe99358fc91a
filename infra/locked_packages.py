"""What a file of pinned requirements says: packages, the checksums of their files, and what needs them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_VIA = re.compile(r"^\s*#(?:\s+via)?\s+([A-Za-z0-9][\w.-]*)\s*$", re.MULTILINE)


@dataclass(frozen=True)
class LockedPackage:
    """A package that is pinned.

    Parameters
    ----------
    name, version : str
        As its index has it.
    marker : str
        Where it is installed, as PEP 508 says; empty if everywhere.
    hashes : tuple of str
        SHA-256 of each of its files, one of which is installed.
    needed_by : tuple of str
        Packages that depend on it.
    """

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]
    needed_by: tuple[str, ...]


def locked_packages(text: str) -> Iterator[LockedPackage]:
    r"""Yield the packages of a compiled requirements file.

    Raises
    ------
    ValueError
        If a line pins no version.

    Examples
    --------
    >>> [(one.name, one.version, one.needed_by) for one in locked_packages("cffi==2.1\n    # via\n    #   cryptography\n")]
    [('cffi', '2.1', ('cryptography',))]
    """
    for entry in re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]:
        line = entry.splitlines()[0].rstrip("\\ ")
        found = Requirement(line)
        pins = [one.version for one in found.specifier if one.operator == "=="]
        if len(pins) != 1:
            raise ValueError(f"{line} pins no version")
        yield LockedPackage(
            canonicalize_name(found.name),
            pins[0],
            str(found.marker or ""),
            tuple(sorted(set(_HASH.findall(entry)))),
            tuple(canonicalize_name(name) for name in _VIA.findall(entry)),
        )
