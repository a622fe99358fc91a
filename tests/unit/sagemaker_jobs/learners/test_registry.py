"""Every estimator of the pipeline file is a learner, or reads the rows piece by piece."""

import subprocess
import sys

import pytest

from headrace.config.estimators import ESTIMATORS
from headrace.config.hyperparameters import known_hyperparameters
from headrace.config.search_spaces import default_search_space
from headrace.ml.search_space import read_search_space
from sagemaker_jobs.failures import JobError
from sagemaker_jobs.learners.registry import find_learner
from sagemaker_jobs.packages import package_versions

NAMES = ESTIMATORS


@pytest.mark.parametrize("name", [name for name in NAMES if name != "sgd"])
def test_every_estimator_of_the_pipeline_file_is_a_learner(name):
    assert find_learner(name).name == name


def test_the_packages_of_keras_are_keras_and_the_tensorflow_of_this_machine():
    names = package_versions(find_learner("keras").packages).keys() - package_versions().keys()

    assert "keras" in names
    assert names & {"tensorflow", "tensorflow-cpu"}


@pytest.mark.parametrize("problem", ["regression", "binary", "multiclass"])
@pytest.mark.parametrize("name", NAMES)
def test_a_search_space_names_hyperparameters_that_the_file_may_name(name, problem):
    space = read_search_space(default_search_space(name, problem))

    assert space
    assert space.keys() <= known_hyperparameters(name, problem)


def test_an_unknown_estimator_is_told_which_there_are():
    with pytest.raises(JobError, match="no estimator 'forest'; there are hist_gradient_boosting, "):
        find_learner("forest")


def test_finding_one_learner_imports_no_other():
    code = "import sys, sagemaker_jobs.learners.registry; print('sklearn' in sys.modules)"

    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert told.stdout == "False\n"
