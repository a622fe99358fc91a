"""Nothing in the project loads a pickle, nor unpacks an archive but where that is done safely."""

import ast
import functools
from pathlib import Path

import pytest

REPO = Path(__file__).parents[2]
FOLDERS = (
    "headrace",
    "sagemaker_jobs",
    "lambdas",
    "glue_jobs",
    "infra",
    "local_cloud",
    "security",
    "demo",
    "benchmarks",
    "pipelines",
)
SOURCES = [path for folder in FOLDERS for path in sorted((REPO / folder).rglob("*.py"))]
MODULES = {
    "pickle",
    "_pickle",
    "cPickle",
    "joblib",
    "cloudpickle",
    "dill",
    "shelve",
    "marshal",
    "jsonpickle",
    "pickletools",
}
CALLS = {"read_pickle", "load_pickle"}
RIVALS = {"benchmarks/serving/problem.py", "benchmarks/serving/rival.py"}
"""What our server is measured against: it loads its model as others do."""

UNPACKERS = {"extractall", "extract", "unpack_archive"}
MAY_UNPACK = {
    # These stand for AWS's own services, and know nothing of the project.
    "local_cloud/sagemaker/transfer.py",
    "local_cloud/script_mode/source.py",
    "local_cloud/adapters/codebuild.py",
    "local_cloud/adapters/lambda_functions.py",
    # The rules of a checker, out of a package that is pinned with its checksum.
    "security/checks/guard.py",
}
MAY_READ_TAR = {
    "headrace/ml/supply_chain/archive.py",
    "infra/code_bundle.py",  # writes one
    *MAY_UNPACK,
}


parsed = functools.cache(ast.parse)


def dangers(source):
    """Yield what in a source could load a pickle."""
    for node in ast.walk(parsed(source)):
        if isinstance(node, ast.Import):
            yield from (f"import {name.name}" for name in node.names if name.name.split(".")[0] in MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module:
            if node.module.split(".")[0] in MODULES:
                yield f"from {node.module}"
            yield from (f"import {n.name}" for n in node.names if n.name in MODULES)
        elif isinstance(node, ast.Call):
            yield from _dangerous_call(node)


def _dangerous_call(node):
    name = ast.unparse(node.func)
    given = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
    first = str(getattr(node.args[0], "value", "")) if node.args else ""
    complaints = {
        "allows pickles": given.get("allow_pickle", "False") != "False",
        "does not say that it allows none": name in ("np.load", "numpy.load") and "allow_pickle" not in given,
        "trusts all types": given.get("trusted") == "True",
        "reads a pickle": name.rpartition(".")[2] in CALLS,
        "without weights_only": name == "torch.load" and given.get("weights_only") != "True",
        "without safe_mode": given.get("safe_mode") == "False",
        f"of {first}": "import" in name and first.split(".")[0] in MODULES,
    }
    yield from (f"{name} {complaint}" for complaint, holds in complaints.items() if holds)


def unpackers(source):
    """Yield the calls that unpack archives."""
    for node in ast.walk(parsed(source)):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in UNPACKERS
        ):
            name = ast.unparse(node.func)
            if not name.endswith(".str.extract"):  # of pandas, by a regular expression
                yield name


def name_of(path):
    return path.relative_to(REPO).as_posix()


def test_the_whole_source_is_looked_at():
    assert len(SOURCES) > 500
    assert {REPO / "sagemaker_jobs" / "model_files.py", REPO / "security" / "__main__.py"} <= set(SOURCES)


def test_no_source_can_load_a_pickle():
    found = {name_of(path): list(dangers(path.read_text())) for path in SOURCES}

    assert {name: what for name, what in found.items() if what and name not in RIVALS} == {}
    assert all(found[name] == ["import joblib"] for name in RIVALS)


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "import _pickle as harmless",
        "from joblib import load",
        "import cloudpickle.cloudpickle",
        "from sklearn.externals import joblib",
        "def f():\n    import dill",
        "import importlib\nimportlib.import_module('pickle')",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "np.load(path, allow_pickle=True)",
        "np.load(path, allow_pickle=flag)",
        "np.load(path)",
        "pd.read_pickle(path)",
        "skops.io.load(path, trusted=True)",
        "shelve.open(path)\nimport shelve",
        "import marshal",
    ],
)
def test_a_source_that_loads_one_is_found(source):
    assert list(dangers(source))


@pytest.mark.parametrize(
    "source",
    [
        "torch.load(path, weights_only=True)",
        "np.load(path, allow_pickle=False)",
        "skops.io.load(path, trusted=[])",
        "json.load(file)",
    ],
)
def test_a_source_that_loads_none_is_left_alone(source):
    assert not list(dangers(source))


def test_archives_are_unpacked_in_one_place():
    found = {name_of(path): list(unpackers(path.read_text())) for path in SOURCES}

    assert {name for name, what in found.items() if what} == MAY_UNPACK


def test_tar_is_read_in_one_place():
    found = {name_of(path) for path in SOURCES if "import tarfile" in path.read_text()}

    assert found == MAY_READ_TAR - {
        "local_cloud/adapters/codebuild.py",
        "local_cloud/adapters/lambda_functions.py",
    }
