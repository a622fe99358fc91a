"""Bills of materials: valid CycloneDX, complete by the locks, and the same for the same locks."""

import json
import subprocess
import sys
import tarfile

import pytest
from cyclonedx.model.bom import Bom
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from headrace.config.pipeline import Pipeline
from infra.bill_of_materials import REPO, functions_bom, image_bom, managed_bom, sha256_of_bill, write_boms
from infra.code_bundle import image_bundle, lambda_bundle, source_archive
from infra.locked_packages import locked_packages

LOCK = (REPO / "sagemaker_jobs" / "requirements.txt").read_text()


@pytest.fixture(scope="module")
def bills(tmp_path_factory):
    return {path.name: json.loads(path.read_text()) for path in write_boms(tmp_path_factory.mktemp("sbom"))}


def names(bill):
    return {each["name"] for each in bill["components"]}


def test_there_is_one_for_each_image_and_the_functions(bills):
    assert bills.keys() == {
        f"{name}.cdx.json"
        for name in (
            "image",
            "training-image-keras",
            "training-image-torch",
            "training-image-xgboost",
            "managed-image",
            "functions",
        )
    }


def test_all_are_valid_by_the_strict_schema_of_cyclonedx(bills):
    validator = JsonStrictValidator(SchemaVersion.V1_6)

    for name, bill in bills.items():
        assert validator.validate_str(json.dumps(bill)) is None, name
        assert len(Bom.from_json(bill).components) == len(bill["components"])


def test_the_image_has_every_package_of_its_lock_with_the_checksums_of_its_files(bills):
    found = {each["name"]: each for each in bills["image.cdx.json"]["components"]}

    for package in locked_packages(LOCK):
        part = found[package.name]
        assert part["purl"] == f"pkg:pypi/{package.name}@{package.version}"
        assert {each["content"] for each in part["hashes"]} == set(package.hashes)
        assert package.hashes
    assert found["python"]["version"] in (REPO / "sagemaker_jobs" / "Dockerfile").read_text()


def test_the_frameworks_are_in_the_image_that_trains_alone(bills):
    assert "torch" in names(bills["training-image-torch.cdx.json"])
    assert "torch" not in names(bills["image.cdx.json"])
    assert names(bills["image.cdx.json"]) < names(bills["training-image-torch.cdx.json"])


def test_what_needs_what_is_told(bills):
    needs = {each["ref"]: set(each.get("dependsOn", ())) for each in bills["image.cdx.json"]["dependencies"]}
    reference = {each["name"]: each["bom-ref"] for each in bills["image.cdx.json"]["components"]}

    assert reference["cffi"] in needs[reference["cryptography"]]
    assert reference["cryptography"] in needs["headrace-image"]


def test_the_functions_name_the_layers_that_carry_their_libraries(bills):
    assert names(bills["functions.cdx.json"]) == {"AWSLambdaPowertoolsPythonV3", "AWSSDKPandas"}


def test_the_same_locks_give_the_same_bytes_in_another_process(tmp_path):
    environ = {"PYTHONHASHSEED": "7", "PATH": "/usr/bin:/bin"}
    subprocess.run(
        [sys.executable, "-m", "infra.bill_of_materials", str(tmp_path)],
        check=True,
        cwd=REPO,
        env=environ,
        capture_output=True,
    )

    assert (tmp_path / "image.cdx.json").read_bytes() == image_bom()
    assert (tmp_path / "functions.cdx.json").read_bytes() == functions_bom()
    assert b"timestamp" not in image_bom()


def test_another_lock_gives_another_bill_with_another_serial_number(tmp_path):
    jobs = tmp_path / "sagemaker_jobs"
    jobs.mkdir()
    (jobs / "Dockerfile").write_text("FROM scratch\n")
    bills = []
    for version in ("1.0", "1.1"):
        (jobs / "requirements.txt").write_text(f"numpy=={version} \\\n    --hash=sha256:{'a' * 64}\n")
        bills.append(image_bom((), tmp_path))

    first, second = (json.loads(bill)["serialNumber"] for bill in bills)
    assert first != second
    assert sha256_of_bill(bills[0]) != sha256_of_bill(bills[1])


def test_a_line_that_pins_nothing_is_refused():
    with pytest.raises(ValueError, match="numpy>=2 pins no version"):
        list(locked_packages("numpy>=2\n"))


def test_the_bills_lie_in_what_they_are_about():
    image, functions = (
        image_bundle(("xgboost",)),
        lambda_bundle(Pipeline(name="bike", problem="regression", target="cnt")),
    )

    assert (image / "sbom" / "image.cdx.json").read_bytes() == image_bom()
    assert (image / "sbom" / "training-image.cdx.json").read_bytes() == image_bom(("xgboost",))
    assert (functions / "sbom" / "functions.cdx.json").read_bytes() == functions_bom()
    with tarfile.open(source_archive()) as managed:
        bills = [name for name in managed.getnames() if name.startswith("sbom/")]
        assert bills == ["sbom/managed-image.cdx.json"]
        assert managed.extractfile(bills[0]).read() == managed_bom()
