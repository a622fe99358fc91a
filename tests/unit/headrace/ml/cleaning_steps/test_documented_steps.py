"""What docs/cleaning.md shows is what comes out."""

import re
from pathlib import Path

import yaml

from headrace.config.declared import declared_fields
from headrace.config.pipeline import Pipeline
from headrace.ml.cleaning import clean
from headrace.ml.contract import Fields, infer_contract
from headrace.ml.declared_steps import DeclaredStep
from headrace.ml.files.small import read_bytes
from headrace.ml.rejections import Reason

PAGE = Path(__file__).parents[5].joinpath("docs", "cleaning.md").read_text()


def blocks(language):
    found = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return [text for kind, text in found if kind == language]


def test_the_first_example_cleans_its_file_as_the_page_says():
    file, table = blocks("")
    pipeline = Pipeline.model_validate(yaml.safe_load(blocks("yaml")[0]))
    rows = read_bytes(file.encode())

    cleaned = clean(rows, infer_contract(rows, declared_fields(pipeline)))

    assert cleaned.good.to_pandas().to_string().split() == table.split()
    assert [(rejection.row, rejection.reason) for rejection in cleaned.rejections] == [(4, Reason.FILTERED)]


def test_the_step_of_ones_own_works_as_it_stands_there(own_step):
    (code,) = blocks("python")
    own_step("fahrenheit", code[code.index("import") :].replace('@cleaning_step("fahrenheit")\n', ""))
    steps = (DeclaredStep("fahrenheit", ("temp",), {"digits": 0}),)
    rows = read_bytes(b"temp,y\n212,1\n50,2\n")

    cleaned = clean(rows, infer_contract(rows, Fields("regression", "y", steps=steps)))

    assert cleaned.good["temp"].to_pylist() == [100.0, 10.0]
