import random
from pathlib import Path

import pyarrow as pa
import pytest

from headrace.ml.files.options import ReadOptions
from headrace.ml.files.refusal import FileReason, FileRefusedError
from headrace.ml.files.small import first_rows
from headrace.ml.privacy.checksums import is_card, is_iban
from headrace.ml.privacy.detection import MOST_ROWS, find_personal, look_for_personal
from headrace.ml.privacy.protection import ProtectionRule

HOURS = Path(__file__).parents[5] / "demo" / "data" / "bike_sharing" / "hour.csv"
FOUND = {
    "email": ["ann@example.org", "b.c+d@mail.example.co.uk", "E_F@x-y.de", "g@h.museum"],
    # The test numbers of the card networks.
    "payment_card": ["4111 1111 1111 1111", "5555555555554444", "378282246310005", "6011-1111-1111-1117"],
    # The examples of the IBAN registry.
    "iban": [
        "DE89370400440532013000",
        "GB29 NWBK 6016 1331 9268 19",
        "FR1420041010050500013M02606",
        "NO9386011117947",
    ],
    "us_social_security": ["219-09-9999", "457-55-5462", "123-45-6789", "001-01-0001"],
    "ip_address": [
        "84.17.46.2",
        "10.0.0.1",
        "192.168.0.1",
        "172.16.0.9",
        "2a02:908:e842::1",
        "::ffff:8.8.8.8",
    ],
    "telephone": ["+49 30 1234567", "(030) 123 4567", "030/1234567", "+1-202-555-0143"],
}


def found(cells, **options):
    return find_personal(pa.table({"x": pa.array(cells, pa.string())}), **options)


@pytest.mark.parametrize("kind", FOUND)
def test_each_kind_is_found_by_how_it_looks(kind):
    assert found(FOUND[kind]) == {"x": kind}


@pytest.mark.parametrize(
    "cells",
    [
        ["2011-01-01", "2011-01-02", "2011-01-03 10:00:00", "2011-01-04T10:00:00+01:00"],
        ["1.0.0.0", "4.8.0.1", "10.0.0.3", "3.11.9.0", "1.2.3"],
        ["120.0.6099.109", "120.0.99.1", "121.0.200.4", "119.0.6045.199"],
        ["255.255.255.0", "255.255.0.0", "127.0.0.1", "0.0.0.0", "224.0.0.1"],
        ["12:30:00", "00:00:01", "23:59:59", "1:2:3"],
        ["aa:bb:cc:dd:ee:ff", "00:1b:44:11:3a:b7", "00:1b:44:11:3a:b8"],
        ["2011.12.31.1", "2011.1.1.2", "2012.1.1.3"],
        ["1234567890", "2345678901", "3456789012", "4567890123"],
        ["0.1234567890123456", "1e-5", "-12.5", "1234567890123456789.5"],
        ["550e8400-e29b-41d4-a716-446655440000"] * 4,
        ["12-345-6789", "000-12-3456", "666-12-3456", "900-12-3456"],
        ["@home", "a@b", "mail to me", "x @ y.z"],
        ["DE88370400440532013000", "XX89370400440532013000", "DE8937040044053201300", "AB12"],
        ["978-3-16-148410-0", "978-0-306-40615-7", "979-10-90636-07-1", "978-1-86197-876-9"],
    ],
)
def test_what_is_not_personal_is_left_alone(cells):
    assert found(cells) == {}


def test_digits_that_pass_a_checksum_by_chance_make_no_column_personal():
    seeded = random.Random(7)
    numbers = [str(seeded.randrange(4 * 10**15, 5 * 10**15)) for _ in range(MOST_ROWS)]

    assert 0.05 < sum(map(is_card, numbers)) / MOST_ROWS < 0.15  # one in ten does
    assert found(numbers) == {}


def test_addresses_within_texts_are_found_though_they_are_rare():
    texts = ["the delivery was late"] * 200 + ["write to ann@example.org please"] * 4

    assert found(texts) == {"x": "email"}
    assert found(["the delivery was late"] * 200) == {}


def test_no_column_of_the_demo_is_taken_for_personal():
    table = first_rows(HOURS, ReadOptions(), rows=MOST_ROWS)

    assert find_personal(table.cells) == {}


def test_most_random_addresses_and_no_random_versions_are_found():
    seeded = random.Random(7)
    addresses = [".".join(str(seeded.randrange(1, 224)) for _ in range(4)) for _ in range(200)]
    versions = [".".join(str(seeded.randrange(most)) for most in (6, 30, 40, 60)) for _ in range(200)]

    assert found(addresses) == {"x": "ip_address"}
    assert found(versions) == {}


def test_an_altered_digit_fails_the_checksum():
    for place in range(2, 22):
        digit = "DE89370400440532013000"[place]
        altered = (
            "DE89370400440532013000"[:place]
            + str((int(digit) + 1) % 10)
            + "DE89370400440532013000"[place + 1 :]
        )
        assert not is_iban(altered)


def test_declared_columns_and_those_that_are_no_personal_data_are_not_looked_at():
    cells = pa.table({"a": FOUND["email"], "b": FOUND["email"], "c": FOUND["email"]})
    rule = ProtectionRule({"a": "hash"}, not_personal=("b",))

    assert look_for_personal(cells, rule) == {"c": "email"}
    assert look_for_personal(cells, ProtectionRule({}, undeclared="off")) == {}
    assert look_for_personal(cells, None) == {}


def test_a_file_is_refused_with_columns_and_kinds_and_without_any_value():
    with pytest.raises(FileRefusedError, match=r"'x' like email") as caught:
        look_for_personal(pa.table({"x": FOUND["email"]}), ProtectionRule({}, undeclared="quarantine"))

    assert caught.value.reason == FileReason.PERSONAL_DATA
    assert "ann@example.org" not in caught.value.why
