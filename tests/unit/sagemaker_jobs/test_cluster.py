"""The hosts of a training job, as the job reads them."""

import json

import pytest

from sagemaker_jobs.cluster import ALONE, Cluster, port_of, read_cluster
from sagemaker_jobs.failures import JobError
from sagemaker_jobs.learners.registry import check_learns_together
from sagemaker_jobs.paths import MlPaths


def cluster_of(base, said=None, **environ):
    paths = MlPaths.from_environ({"SAGEMAKER_BASE_DIR": str(base)})
    if said is not None:
        paths.resources.parent.mkdir(parents=True)
        paths.resources.write_text(json.dumps(said))
    return read_cluster(paths, environ)


RESOURCES = {"current_host": "algo-2", "hosts": ["algo-2", "algo-1"], "network_interface_name": "eth0"}


def test_a_container_that_is_told_nothing_is_alone(tmp_path):
    assert cluster_of(tmp_path) == ALONE


def test_every_host_knows_its_place_and_the_port_of_the_job(tmp_path):
    cluster = cluster_of(tmp_path, RESOURCES, TRAINING_JOB_NAME="bike-1-0")

    assert (cluster.hosts, cluster.rank, cluster.leads) == (("algo-1", "algo-2"), 1, False)
    assert (cluster.port, cluster.interface) == (port_of("bike-1-0"), "eth0")
    assert port_of("bike-1-0") != port_of("bike-2-0")


def test_an_address_of_the_local_cloud_stands_for_a_name(tmp_path):
    addresses = json.dumps({"algo-1": "127.64.1.1", "algo-2": "127.64.1.2"})

    cluster = cluster_of(tmp_path, RESOURCES, HEADRACE_LOCAL_HOST_ADDRESSES=addresses)

    assert cluster.first_address() == "127.64.1.1"


def test_a_host_that_is_not_among_the_hosts_is_refused(tmp_path):
    with pytest.raises(JobError, match="this is algo-3, which is not among algo-1"):
        cluster_of(tmp_path, {**RESOURCES, "current_host": "algo-3", "hosts": ["algo-1"]})


def test_a_name_that_nobody_knows_is_told():
    lost = Cluster(("no-such-host.invalid", "algo-2"), 1)

    with pytest.raises(JobError, match="algo-2 does not find no-such-host"):
        lost.first_address(patience_s=-1)


@pytest.mark.parametrize("estimator", ["hist_gradient_boosting", "random_forest", "linear", "sgd"])
def test_an_estimator_that_learns_on_one_instance_refuses_several(estimator):
    check_learns_together(estimator, ALONE)

    with pytest.raises(JobError, match=f"{estimator} learns on one instance, and the job has 2"):
        check_learns_together(estimator, Cluster(("algo-1", "algo-2")))


def test_xgboost_learns_on_several():
    check_learns_together("xgboost", Cluster(("algo-1", "algo-2")))
