import pytest

from tests.hostile_files.catalogue import FAULTS
from tests.hostile_files.faults import verdict_on

QUICK = {name: fault for name, fault in FAULTS.items() if not fault.slow}


@pytest.mark.parametrize("name", QUICK)
def test_each_hostile_file_gets_its_verdict(name, tmp_path):
    fault = QUICK[name]
    path = tmp_path / "dropped"
    path.write_bytes(fault.make())

    assert verdict_on(path, fault) == fault.verdict
