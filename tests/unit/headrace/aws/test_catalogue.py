import pyarrow as pa

from headrace.aws.athena_types import athena_types
from headrace.ml.cleaning import ARROW_TYPES


def test_every_kind_of_cell_has_a_type_in_athena():
    types = athena_types(pa.schema(list(ARROW_TYPES.items())))

    assert types == {
        "number": "double",
        "category": "string",
        "boolean": "boolean",
        "datetime": "timestamp",
        "text": "string",
        "image": "binary",
    }
