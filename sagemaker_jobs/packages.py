"""Which versions of which packages make a model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, version

_ALWAYS = ("numpy", "pandas", "pyarrow", "scikit-learn", "scipy", "skops")
_GRAPHS = ("onnx", "onnxruntime")
"""They write and try the graph; AWS's own container has none of them."""


def package_versions(of_the_learner: Iterable[str] = ()) -> dict[str, str]:
    """Return versions by the name of the package.

    Parameters
    ----------
    of_the_learner : iterable of str
        Packages that `sagemaker_jobs.learners.interface.Learner.packages` names; those that are not installed are left out, for
        some have several names, of which each machine has one.

    Examples
    --------
    >>> sorted(package_versions(["no-such-package"]))[:2]
    ['numpy', 'onnx']
    """
    return {name: version(name) for name in _ALWAYS} | dict(_installed([*_GRAPHS, *of_the_learner]))


def _installed(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    for name in names:
        try:
            yield name, version(name)
        except PackageNotFoundError:
            continue
