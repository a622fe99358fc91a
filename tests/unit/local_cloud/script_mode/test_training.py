import json
import sys

import pytest

from local_cloud.script_mode.training import train


@pytest.fixture
def container(tmp_path):
    """Lay out ``/opt/ml`` with a script in it, and return the environment; keywords are hyperparameters."""

    def container(script, **hyperparameters):
        config = tmp_path / "input" / "config"
        config.mkdir(parents=True)
        given = {"sagemaker_program": '"main.py"', **hyperparameters}
        (config / "hyperparameters.json").write_text(json.dumps(given))
        (config / "inputdataconfig.json").write_text('{"train": {}}')
        (config / "resourceconfig.json").write_text("{}")
        (tmp_path / "code").mkdir()
        (tmp_path / "code" / "main.py").write_text(script)
        return {"SAGEMAKER_BASE_DIR": str(tmp_path), "PATH": "/usr/bin:/bin"}

    return container


def test_success_is_noted_where_sagemaker_looks(container, tmp_path):
    assert train(container("print('done')")) == 0
    assert (tmp_path / "output" / "success").read_text() == ""


def test_the_scripts_own_words_about_its_failure_are_kept(container, tmp_path):
    script = "import pathlib, sys; pathlib.Path('../output').mkdir(); pathlib.Path('../output/failure').write_text('no rows'); sys.exit(3)"

    assert train(container(script)) == 3
    assert (tmp_path / "output" / "failure").read_text() == "no rows"


def test_a_silent_failure_is_described_by_the_command(container, tmp_path):
    assert train(container("raise SystemExit(2)", max_iter="5")) == 2

    failure = (tmp_path / "output" / "failure").read_text()
    assert failure == f'ExecuteUserScriptError:\nExitCode 2\nCommand "{sys.executable} main.py --max_iter 5"'


def test_a_job_that_names_no_script_fails(container, tmp_path):
    assert train(container("", sagemaker_program='""')) == 1
    assert "no entry point" in (tmp_path / "output" / "failure").read_text()


def test_code_that_is_not_there_fails_the_job(container, tmp_path):
    environment = container("", sagemaker_submit_directory='"/opt/ml/input/data/code/sourcedir.tar.gz"')
    (tmp_path / "code" / "main.py").unlink()

    assert train(environment) == 1
    assert "sourcedir.tar.gz is no gzipped tar archive" in (tmp_path / "output" / "failure").read_text()
