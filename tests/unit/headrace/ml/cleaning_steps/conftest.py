"""Steps of a user's own, for the time of one test."""

import sys

import pytest

from headrace.ml.cleaning_steps import registry


@pytest.fixture
def own_step(tmp_path, monkeypatch):
    """Write ``pipelines/steps/<name>.py`` into a folder of the test's own, and register it there."""
    folder = tmp_path / "pipelines" / "steps"
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    for module in [name for name in sys.modules if name.partition(".")[0] == "pipelines"]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setattr(registry, "_STEPS", dict(registry._STEPS))

    def write(name, function):
        text = f"from headrace.ml.cleaning_steps.registry import cleaning_step\n\n@cleaning_step({name!r})\n"
        imports, _, body = function.rpartition("def ")
        (folder / f"{name}.py").write_text(f"{imports}{text}def {body}\n")

    yield write
    for module in [name for name in sys.modules if name.partition(".")[0] == "pipelines"]:
        del sys.modules[module]
