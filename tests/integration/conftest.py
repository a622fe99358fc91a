import pytest

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
