"""Deletes what installed packages bring and no job needs. The image's build runs it where the packages were installed.

Nothing here is a matter of versions: a pattern that matches nothing deletes nothing. What a job does need is imported at the
end of the build (`import_all`), so an image that has lost too much is never pushed.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

TESTS = ("tests", "test")
SOURCES = (".pyx", ".pxd", ".pxi", ".pyi", ".h", ".hpp", ".c", ".cc", ".cpp", ".a", ".cmake", ".proto")
PARTS = (
    "PIL/_avif.*",  # formats of images that are not read here, and fonts
    "PIL/_imagingft.*",
    "PIL/_webp.*",
    "pillow.libs/libavif*",
    "pillow.libs/libfreetype*",
    "pillow.libs/libharfbuzz*",
    "onnx/reference",  # an engine in Python
    "onnxruntime/backend",
    "onnxruntime/capi/libonnxruntime.so.*",  # for C; Python's module has all of it inside
    "onnxruntime/datasets",
    "onnxruntime/quantization",
    "onnxruntime/tools",
    "onnxruntime/transformers",
    "pyarrow/*flight*",  # Arrow over a network
    "pyarrow/include",
    "pyarrow/libarrow_python.so",  # copies of libarrow_python.so.<number>, which is the one that is linked
    "pyarrow/libarrow_python.so.*.*",
    "pyarrow/src",
)


def trim(site_packages: Path) -> int:
    """Delete tests, sources in other languages and `PARTS`; return how many bytes that was.

    Raises
    ------
    NotADirectoryError
        If there is no such folder.
    """
    if not site_packages.is_dir():
        raise NotADirectoryError(f"{site_packages} is no folder")
    before = _size(site_packages)
    unwanted = [path for part in PARTS for path in site_packages.glob(part)]
    unwanted += [path for name in TESTS for path in site_packages.rglob(name) if path.is_dir()]
    unwanted += [path for path in site_packages.rglob("*") if path.suffix in SOURCES]
    for path in unwanted:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    return before - _size(site_packages)


def _size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())


if __name__ == "__main__":
    for folder in sys.argv[1:]:
        print(f"{folder}: {trim(Path(folder)) / 2**20:.0f} MB deleted")  # noqa: T201 - the build's log
