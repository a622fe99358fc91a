from functools import cache

import botocore.session
import pytest
from hypothesis import settings

LONGEST = "test_readme_by_hand.py"

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


def pytest_collection_modifyitems(items):
    """Begin with the longest file, so that the workers end at about the same time."""
    items.sort(key=lambda item: item.path.name != LONGEST)


@pytest.fixture(scope="session", autouse=True)
def models_of_aws():
    """Read each of AWS's models once: moto makes a new session for every test, which would read them all anew."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", cache(botocore.session.create_loader))
        yield
