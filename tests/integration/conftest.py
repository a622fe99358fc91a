import pytest
from moto import mock_aws

from tests.integration import database_servers


@pytest.fixture(scope="session")
def postgresql():
    """A PostgreSQL server that runs."""
    with database_servers.postgresql() as server:
        yield server


@pytest.fixture(scope="session")
def mysql():
    """A MariaDB server that runs."""
    with database_servers.mysql() as server:
        yield server


@pytest.fixture
def account(monkeypatch):
    """An empty account, with AWS's services as moto has them; no variable of the shell leads elsewhere."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        yield
