import pytest

from tests.unit.local_cloud.sagemaker.hosting import Hosting


@pytest.fixture
def hosting(tmp_path):
    """An engine with models `a` and `b`."""
    hosting = Hosting(tmp_path)
    hosting.model("a")
    hosting.model("b")
    return hosting
