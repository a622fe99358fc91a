import atexit
import gc
from functools import cache

import botocore.session
import pytest
from botocore.client import ClientCreator
from hypothesis import settings

from tests.scheduling import Scheduling, line_of

settings.register_profile(
    "headrace", deadline=None
)  # how long an example takes says more of the machine than of the code
settings.load_profile("headrace")

collect_ignore_glob = [
    "*_program.py",
    "*toy_script.py",
    "*toy_model.py",
    "*cdk_app.py",
]  # what tests run, not tests


def pytest_configure():
    """Look for cycles seldom: among the millions of objects that are imported and collected, it takes a fifth of the time."""
    gc.set_threshold(20_000, 20, 20)
    atexit.register(gc.unfreeze)  # else a library counts what is frozen as leaked


@pytest.hookimpl(trylast=True)
def pytest_collection_finish():
    """Look for cycles only among what tests make."""
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(items):
    """Begin with what takes longest."""
    items.sort(key=lambda item: line_of(item.nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Deal out files whole, and files that share what is dear to one worker."""
    return Scheduling(config, log) if config.getoption("dist") == "loadfile" else None


@pytest.fixture(scope="session", autouse=True)
def models_of_aws():
    """Read each of AWS's models once: moto makes a new session for every test, which would read them all anew."""
    load = ClientCreator._load_service_model
    models = {}

    def load_once(creator, *names):
        if names not in models:
            models[names] = load(creator, *names)
        return models[names]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", cache(botocore.session.create_loader))
        patch.setattr(ClientCreator, "_load_service_model", load_once)
        yield
