import pytest

from tests.e2e.cloud import Cloud, new_name, running


@pytest.fixture(scope="session")
def cloud(tmp_path_factory):
    """The local cloud that all tests of this worker share: their names must be their own."""
    with running(Cloud(tmp_path_factory.mktemp("cloud"))) as cloud:
        yield cloud


@pytest.fixture(scope="session")
def client(cloud):
    """Make a client of the shared cloud, as the account's root."""
    return cloud.client


@pytest.fixture(scope="session")
def new_cloud(tmp_path_factory):
    """Make a cloud for one test alone, to be stopped, killed or emptied; not started yet."""
    made = []

    def new_cloud(port=None):
        made.append(Cloud(tmp_path_factory.mktemp("own-cloud"), port))
        return made[-1]

    yield new_cloud
    for cloud in made:
        cloud.stop()


@pytest.fixture
def name():
    """A name that no other test has."""
    return new_name()
