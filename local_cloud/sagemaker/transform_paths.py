"""The JSONPath expressions that filter what a transform job reads and writes.

References
----------
.. [1] SageMaker developer guide, "Associate Prediction Results with Input Records", Supported JSONPath Operators.
"""

from __future__ import annotations

import functools
import re
from typing import Any

from local_cloud.sagemaker.errors import JobError, invalid

_QUOTED = r"'[^']*'|\"[^\"]*\""
_STEP = re.compile(
    rf"""\.?\[\s*(?P<names>(?:{_QUOTED})(?:\s*,\s*(?:{_QUOTED}))*)\s*\]"""
    r"""|\.?\[\s*(?P<slice>-?\d*\s*:\s*-?\d*)\s*\]"""
    r"""|\.?\[\s*(?P<places>(?:-?\d+|-?\d*:-?\d*)(?:\s*,\s*(?:-?\d+|-?\d*:-?\d*))*)\s*\]"""
    r"""|\.?\[\s*(?P<any>\*)\s*\]|\.(?P<wild>\*)|\.(?P<name>[^.\[\]*'", ]+)"""
)
_Step = tuple[str, Any]


def check_path(path: str, field: str) -> None:
    """Raise ``ValidationException`` if `path`, the value of `field`, is of no kind that transform jobs know."""
    if _steps(path) is None:
        raise invalid(f"{field}: {path} is not a JSONPath expression that is supported.")


def select(path: str, document: Any) -> Any:
    """Return the part of a record that a path names.

    Parameters
    ----------
    path : str
        ``$``, names, lists of names, indices, lists and slices of them, wildcards.
    document : object
        JSON; a row of CSV is a list.

    Returns
    -------
    object
        A value; of several names an object, of several indices or a wildcard a list.

    Raises
    ------
    JobError
        If the record has no such part.

    Examples
    --------
    >>> record = {"id": 7, "features": {"a": 1}, "SageMakerOutput": 0.5}
    >>> select("$.features", record), select("$['id','SageMakerOutput']", record)
    ({'a': 1}, {'id': 7, 'SageMakerOutput': 0.5})
    >>> select("$[1:]", [1, 2, 3]), select("$[0,-1]", [1, 2, 3]), select("$[0,1:]", [1, 2, 3])
    ([2, 3], [1, 3], [1, 2, 3])
    """
    for step, what in _steps(path) or ():
        try:
            document = _TAKE[step](document, what)
        except (KeyError, IndexError, TypeError, AttributeError):
            raise JobError(f"ClientError: the filter {path} names what is not in every record") from None
    return document


@functools.lru_cache(maxsize=256)
def _steps(path: str) -> tuple[_Step, ...] | None:
    """Split a path; None if it is of no kind that is known."""
    if not path.startswith("$"):
        return None
    steps: list[_Step] = []
    position = 1
    while position < len(path):
        found = _STEP.match(path, position)
        if found is None:
            return None
        steps.append(_step(found))
        position = found.end()
    return tuple(steps)


def _step(found: re.Match[str]) -> _Step:
    if found["name"] is not None:
        return "name", found["name"]
    if found["names"] is not None:
        names = [quoted[1:-1] for quoted in re.findall(_QUOTED, found["names"])]
        return ("name", names[0]) if len(names) == 1 else ("names", names)
    if found["slice"] is not None:
        return "places", [_place(found["slice"])]
    if found["places"] is not None:
        places = [_place(part) for part in found["places"].split(",")]
        return ("name", places[0]) if len(places) == 1 else ("places", places)
    return "all", None


def _place(text: str) -> int | slice:
    start, colon, stop = (part.strip() for part in text.partition(":"))
    return slice(int(start) if start else None, int(stop) if stop else None) if colon else int(start)


def _places(document: list[Any], places: list[int | slice]) -> list[Any]:
    chosen: list[Any] = []
    for place in places:
        chosen += document[place] if isinstance(place, slice) else [document[place]]
    return chosen


def _all(document: Any, _: None) -> list[Any]:
    return list(document.values()) if isinstance(document, dict) else list(document[:])


_TAKE: dict[str, Any] = {
    "name": lambda document, name: document[name],
    "names": lambda document, names: {name: document[name] for name in names},
    "places": _places,
    "all": _all,
}
