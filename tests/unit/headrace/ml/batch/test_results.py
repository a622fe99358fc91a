import json

import pyarrow.parquet as pq
import pytest

from headrace.ml.batch.results import Layout, ResultFile

LABELS = ("no", "yes")


def classified(row, id, yes):
    answer = {"label": "yes" if yes > 0.5 else "no", "probabilities": {"no": 1 - yes, "yes": yes}}
    return {"row": row, "features": {"temp": "0.3"}, "kept": {"id": id}, "SageMakerOutput": answer}


@pytest.fixture
def written(tmp_path):
    def written(layout, format, *groups):
        with ResultFile(tmp_path / "predictions", layout, format) as result:
            for group in groups:
                result.add(group)
        return result.path

    return written


def test_csv_has_a_line_per_row_and_quotes_what_needs_it(written):
    layout = Layout(("id", "temp"), LABELS)

    path = written(layout, "csv", [classified(1, 'a,"b"', 0.75)], [classified(3, None, 0.25)])

    assert path.read_text() == (
        "id,temp,prediction,probability,probability_no,probability_yes\n"
        '"a,""b""",0.3,yes,0.75,0.25,0.75\n'
        ",0.3,no,0.75,0.75,0.25\n"
    )


def test_json_lines_have_the_same_columns(written):
    path = written(Layout(("id",), LABELS), "jsonlines", [classified(1, "ü", 0.75)])

    (line,) = path.read_text(encoding="utf-8").splitlines()
    assert json.loads(line) == {
        "id": "ü",
        "prediction": "yes",
        "probability": 0.75,
        "probability_no": 0.25,
        "probability_yes": 0.75,
    }


def test_parquet_holds_numbers_as_numbers(written):
    number = {"row": 7, "features": {}, "SageMakerOutput": {"score": 12.5}}

    table = pq.read_table(written(Layout((), ()), "parquet", [number], [number]))

    assert table.to_pylist() == [{"row": 7, "prediction": 12.5}] * 2


@pytest.mark.parametrize("format", ["csv", "jsonlines", "parquet"])
def test_a_file_without_rows_can_be_read(written, format):
    path = written(Layout(("id",), ()), format)

    assert path.read_bytes() == {"csv": b"id,prediction\n", "jsonlines": b""}.get(format, path.read_bytes())
    assert format != "parquet" or pq.read_table(path).column_names == ["id", "prediction"]


def test_a_column_of_the_file_may_have_the_name_of_an_answer():
    assert Layout(("prediction", "probability"), LABELS).names[2:4] == ("prediction_2", "probability_2")
