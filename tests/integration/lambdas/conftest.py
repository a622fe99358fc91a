import io

import pytest
import requests
from moto import mock_aws

from lambdas.ingest_file import handler as ingest_file
from tests.integration.lambdas.ingestion import ENVIRONMENT, PIPELINE, Cloud


@pytest.fixture(scope="module")
def function():
    """The function as it is deployed; its clients are made once, as in Lambda."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        patch.delenv("AWS_ENDPOINT_URL", raising=False)
        patch.setattr(ingest_file, "bundled_pipeline", lambda: PIPELINE)
        ingest_file._deps.cache_clear()
        yield ingest_file._deps()
        ingest_file._deps.cache_clear()


@pytest.fixture
def cloud(function, monkeypatch):
    requests.post("http://motoapi.amazonaws.com/moto-api/reset", timeout=10)
    function.ports.curated._registered.clear()
    cloud = Cloud()
    cloud.create()

    def put_events(Entries):  # noqa: N803 - AWS's name
        cloud.events += Entries
        return {"FailedEntryCount": 0}

    monkeypatch.setattr(function.ports.announcements._client, "put_events", put_events)
    return cloud


@pytest.fixture
def log():
    """What the function logs; its handler has taken hold of the standard output long before."""
    written, handler = io.StringIO(), ingest_file.logger.handlers[0]
    before = handler.setStream(written)
    yield written
    handler.setStream(before)
