"""Archives of models, whole and hostile ones, for tests of what reads them."""

import functools
import gzip
import io
import operator
import os
import pickle
import tarfile

import joblib
import numpy as np

SKOPS = b"PK\x03\x04" + b"trees" * 40
MODEL = {
    "model.skops": SKOPS,
    "schema.json": b'{"features": []}\n',
    "manifest.json": b'{"files": {}}\n',
}


def packed(members, *, change=None, form=tarfile.PAX_FORMAT):
    """Return a ``.tar.gz`` with these files; `change` may alter the header of each."""
    return gzip.compress(tar_of(members, change=change, form=form), compresslevel=1, mtime=0)


def tar_of(members, *, change=None, form=tarfile.PAX_FORMAT):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as tar:
        for name, content in members.items() if isinstance(members, dict) else members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            if change:
                change(info)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def of_type(kind):
    """Return a change of a header: a member of another kind, which points out of the archive."""

    def change(info):
        if info.name == "extra":
            info.type, info.linkname, info.size = kind, "/etc/passwd", 0

    return change


class _Calls:
    """Is called when it is unpickled."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def _called(path):
    """Return a Python statement that leaves a file behind: whoever runs it is found out."""
    return f"open({str(path)!r}, 'w').close()"


def gadgets(trace):
    """Return nine pickles by name, each of which would create the file `trace` if it were loaded."""
    statement, command = _called(trace), f"touch {trace}"
    nested = io.BytesIO()
    joblib.dump({"weights": np.zeros(4), "payload": _Calls(os.system, command)}, nested)
    return {
        "os.system": pickle.dumps(_Calls(os.system, command), protocol=2),
        "eval": pickle.dumps(_Calls(eval, f"exec({statement!r})")),
        "timeit": b"ctimeit\nmain\n(S'-n1'\nS'-r1'\nS%r\nltR." % statement.encode(),
        "numpy runstring": pickle.dumps(_Calls(np.testing.rundocs, str(trace)), protocol=4),
        "pydoc.pipepager": b"cpydoc\npipepager\n(S''\nS%r\ntR." % command,
        "functools.partial": pickle.dumps(
            _Calls(functools.reduce, operator.call, [functools.partial(os.system, command)]), protocol=5
        ),
        "cProfile.run": b"ccProfile\nrun\n(S%r\ntR." % statement,
        "importlib": pickle.dumps(_Calls(__import__, "antigravity"), protocol=3),
        "nested joblib.load": nested.getvalue(),
    }
