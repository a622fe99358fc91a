import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headrace.ml.privacy.hashing import hashed_value
from sagemaker_jobs.serve_model.personal_columns import refuse_personal
from sagemaker_jobs.serve_model.requests import RequestError

NAMES = ("email", "straße")
HASH = hashed_value("ann@example.org", b"key")


def parquet(**columns):
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


def as_json(document):
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"temp,email\n0.3,ann@example.org\n", "text/csv"),
        (b"\xef\xbb\xbf email ,temp\nann@example.org,0.3\n", "text/csv; charset=utf-8"),
        (as_json({"instances": [{"temp": 1}, {"temp": 1, "email": "ann@example.org"}]}), "application/json"),
        (as_json([{"temp": 1, "email": 7}]), "application/json"),
        (as_json({"columns": ["temp", "email"], "data": [[1, "ann@example.org"]]}), "application/json"),
        (as_json({"temp": 1, "straße": "x"}), "application/json"),  # written as stra\\u00dfe
        (b'{"temp": 1}\n{"temp": 1, "email": "ann@example.org"}\n', "application/jsonlines"),
        (parquet(temp=[0.3], email=["ann@example.org"]), "application/x-parquet"),
    ],
)
def test_a_request_with_a_personal_cell_is_refused_without_repeating_it(body, kind):
    with pytest.raises(RequestError, match="is personal") as caught:
        refuse_personal(body, kind, NAMES)

    assert "ann@" not in str(caught.value)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"temp\n0.3\n", "text/csv"),
        (b"0.3,7\n", "text/csv"),
        (b"temp,email\n0.3,\n", "text/csv"),
        (f"temp,email\n0.3,{HASH}\n".encode(), "text/csv"),
        (
            as_json({"instances": [{"temp": 1, "email": None}, {"temp": 2, "email": HASH}]}),
            "application/json",
        ),
        (as_json([{"temp": "email"}]), "application/json"),
        (b"not JSON, but it says email", "application/json"),
        (b"my email is personal", "text/plain"),
        (parquet(temp=[0.3]), "application/x-parquet"),
    ],
)
def test_what_is_missing_hashed_or_elsewhere_is_answered(body, kind):
    refuse_personal(body, kind, NAMES)
