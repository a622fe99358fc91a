import botocore.session
import pytest
from botocore.loaders import JSONFileLoader
from ministack.core import iam_actions

from local_cloud.adapters import service_models


@pytest.fixture
def read(monkeypatch):
    """What is read from files after the adapter has been installed; what it replaces is put back."""
    monkeypatch.setattr(
        botocore.session, "create_loader", lambda search_path_string=None: botocore.loaders.create_loader()
    )
    monkeypatch.setattr(iam_actions, "_load_botocore_model", iam_actions._load_botocore_model)
    files, load = [], JSONFileLoader.load_file

    def reading(loader, path):
        files.append(path)
        return load(loader, path)

    monkeypatch.setattr(JSONFileLoader, "load_file", reading)
    service_models.install(None)
    return files


def test_a_model_is_read_once_for_all_sessions_and_the_emulator(read):
    first, second = (botocore.session.Session().get_service_model("sqs") for _ in range(2))
    operations = iam_actions._load_botocore_model("sqs")["operations"]

    assert sorted(operations) == sorted(first.operation_names) == sorted(second.operation_names)
    assert len([path for path in read if path.endswith("service-2")]) == 1


def test_a_service_that_botocore_does_not_know_has_no_operations(read):
    assert iam_actions._load_botocore_model("no-such-service") == {}
