"""Endpoints whose variants are registered with Application Auto Scaling."""

import pytest

from local_cloud.sagemaker.errors import ApiError
from tests.unit.local_cloud.sagemaker.hosting import variant


class Registered:
    """A register of scalable targets."""

    def __init__(self, *names):
        self.names = list(names)

    def variants(self, endpoint):
        return self.names

    def forget(self, endpoint):
        self.names.clear()


def test_a_scalable_target_neither_goes_nor_changes_its_instances(hosting):
    hosting.start("e", variant("a"))
    hosting.configure("other", variant("b"))
    hosting.configure("larger", variant("a", InstanceType="ml.m5.xlarge"))
    hosting.configure("newer", variant("a", ModelName="b"))
    targets = hosting.engine.endpoints.scalable_targets = Registered("a")

    for config in ("other", "larger"):
        with pytest.raises(ApiError, match=r'The variant\(s\) "a" must be deregistered as scalable target'):
            hosting.update("e", config)

    assert hosting.update("e", "newer")["EndpointConfigName"] == "newer"  # another model is no other size
    targets.names.clear()
    assert hosting.update("e", "other")["EndpointConfigName"] == "other"


def test_an_endpoint_that_goes_takes_its_scalable_targets_along(hosting):
    hosting.start("e", variant("a"))
    targets = hosting.engine.endpoints.scalable_targets = Registered("a")

    hosting.call("DeleteEndpoint", EndpointName="e")

    assert targets.names == []
