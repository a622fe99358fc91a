import pytest
from pydantic import ValidationError

from headrace.config.database import Database
from headrace.config.pipeline import Pipeline

BLOCK = {"engine": "postgresql", "secret": "shop/reader", "table": "public.orders", "watermark": "updated_at"}


def complaint(**fields):
    with pytest.raises(ValidationError) as refused:
        Database.model_validate(BLOCK | fields)
    return str(refused.value)


def test_without_the_block_nothing_is_imported():
    assert Pipeline(name="shop", problem="regression", target="price").database is None


def test_four_lines_suffice():
    database = Database.model_validate(BLOCK)

    assert (database.schedule, database.rows_per_file, database.lag_seconds) == ("rate(1 hour)", 100_000, 60)
    assert (database.tls, database.vpc) == ("verify", None)


@pytest.mark.parametrize("table", ["orders", "public.orders", "Größe.Preis je m²", "a$b.c-d"])
def test_a_table_has_a_name_and_maybe_a_schema(table):
    assert Database.model_validate(BLOCK | {"table": table}).source == table


@pytest.mark.parametrize(
    "table", ["", "a.b.c", 'orders"; DROP TABLE x; --', "orders`", ".orders", "a;b", "a\\b", " . "]
)
def test_what_is_no_table_is_refused(table):
    assert "table" in complaint(table=table)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"query": "SELECT 1"}, "name either `table` or `query`"),
        ({"table": None}, "name either `table` or `query`"),
        ({"engine": "oracle"}, "engine"),
        ({"secret": "a secret"}, "secret"),
        ({"secret_key_arn": "alias/mine"}, "secret_key_arn"),
        ({"schedule": "hourly"}, "is no schedule"),
        ({"lag_seconds": -1}, "lag_seconds"),
        ({"rows_per_file": 10}, "rows_per_file"),
        ({"vpc": {"subnets": [], "security_groups": ["sg-0123456789abcdef0"]}}, "subnets"),
        ({"vpc": {"subnets": ["mine"], "security_groups": ["sg-0123456789abcdef0"]}}, "subnets"),
        ({"ca_certificates": "not PEM"}, "is no PEM text of certificates"),
        (
            {"ca_certificates": "-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----"},
            "is no PEM text of certificates",
        ),
        ({"password": "hunter2"}, "password"),
    ],
)
def test_what_cannot_be_is_refused(fields, words):
    assert words in complaint(**fields)


def test_without_a_watermark_an_id_must_tell_which_rows_are_replaced():
    fields = {"name": "shop", "problem": "regression", "target": "price"}
    everything = BLOCK | {"watermark": None}

    with pytest.raises(ValidationError, match=r"database\.watermark: is not named"):
        Pipeline.model_validate({**fields, "database": everything})
    assert Pipeline.model_validate({**fields, "id": "id", "database": everything}).database.watermark is None
