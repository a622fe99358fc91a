import socket

import boto3
import pytest
from botocore.config import Config

from local_cloud.launcher import LocalCloud
from local_cloud.settings import Settings


@pytest.fixture(scope="session")
def probed_cloud(tmp_path_factory):
    """Start a local cloud that only the contract tests use: they fill it with alarms and state machines."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    cloud = LocalCloud(Settings(port, tmp_path_factory.mktemp("probed-cloud")))
    cloud.start()
    yield cloud
    cloud.stop()


@pytest.fixture(scope="session")
def client(probed_cloud):
    """Make a client of the local cloud."""
    session = boto3.session.Session(
        aws_access_key_id="123456789012", aws_secret_access_key="local", region_name="us-east-1"
    )
    # Express workflows are started at sync-<endpoint>, a name that only AWS has.
    config = Config(retries={"max_attempts": 0}, inject_host_prefix=False)
    made = {}

    def client(service):
        if service not in made:
            endpoint = probed_cloud.settings.endpoint
            made[service] = session.client(service, endpoint_url=endpoint, config=config)
        return made[service]

    return client
