import gzip
import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from headrace.ml.files.small import read_bytes
from headrace.ml.privacy.encryption import ENCRYPTED, CellCipher, NotReadableError
from headrace.ml.privacy.protection import Protection, ProtectionRule
from headrace.ml.privacy.restoring import restored_csv

SECRET = b"s" * 64
CIPHER = CellCipher(SECRET, "shop")
RULE = ProtectionRule({"email": "encrypt"})


def hidden(data, cipher=CIPHER):
    return Protection(RULE, cipher=cipher).hide(read_bytes(data)).cells.column("email").to_pylist()


def test_the_library_gives_the_vector_of_the_standard():
    # RFC 5297, appendix A.1.
    key = bytes.fromhex("fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff")
    data = bytes.fromhex("101112131415161718191a1b1c1d1e1f2021222324252627")

    sealed = AESSIV(key).encrypt(bytes.fromhex("112233445566778899aabbccddee"), [data])

    assert sealed.hex() == "85632d07c6e8f37f950acd320a2ecc9340c02b9690c4dc04daef7f6afe5c"


def test_equal_values_are_equal_texts_and_others_are_not():
    first, other, again = hidden(b"email,y\na@b.org,1\nc@d.org,2\na@b.org,3\n")

    assert first == again != other
    assert ENCRYPTED.fullmatch(first)
    assert first not in hidden(b"email,y\na@b.org,1\n", CellCipher(b"another" * 9, "shop"))
    assert first not in hidden(b"email,y\na@b.org,1\n", CellCipher(SECRET, "another"))


def test_a_value_comes_back_as_it_was_and_what_is_missing_stays_missing():
    cells = hidden("email,y\n 007.0 ,1\nn/a,2\nÅsa Öberg <å@ö.se>,3\n".encode())

    assert cells[1] is None
    assert [CIPHER.decrypted(cell, ["email"]) for cell in (cells[0], cells[2])] == [
        "007.0",
        "Åsa Öberg <å@ö.se>",
    ]


def test_a_cell_that_was_moved_or_altered_is_not_read():
    cell = CIPHER.encrypted("a@b.org", "email")
    for place in range(4, len(cell)):
        altered = cell[:place] + ("A" if cell[place] != "A" else "B") + cell[place + 1 :]
        with pytest.raises(NotReadableError):
            CIPHER.decrypted(altered, ["email"])
    with pytest.raises(NotReadableError):
        CIPHER.decrypted(cell, ["phone"])
    with pytest.raises(NotReadableError):
        CellCipher(SECRET, "another").decrypted(cell, ["email"])


def test_what_was_encrypted_is_not_encrypted_again_and_what_only_looks_so_is():
    once = hidden(b"email,y\na@b.org,1\n")

    assert hidden(f"email,y\n{once[0]},1\n".encode()) == once
    foreign = "siv-" + "A" * 30
    assert CIPHER.decrypted(CIPHER.encrypted(foreign, "email"), ["email"]) == foreign


def test_the_key_is_in_no_text_of_the_cipher():
    assert "sss" not in repr(CIPHER) + repr(Protection(RULE, cipher=CIPHER))


def test_nothing_of_a_value_is_in_its_text():
    seeded = random.Random(3)
    for _ in range(50):
        value = "".join(seeded.choice("abcdefgh") for _ in range(12))
        assert value not in CIPHER.encrypted(value, "email")


@pytest.mark.parametrize("form", ["csv", "csv.gz", "parquet", "jsonl"])
def test_a_file_is_restored_whatever_its_form(tmp_path, form):
    cells = {"id": ["1", "2"], "e_mail": [CIPHER.encrypted('a@b.org, "A"', "email"), None]}
    path = tmp_path / "file"
    text = f"id,e_mail\n1,{cells['e_mail'][0]}\n2,\n".encode()
    if form == "parquet":
        pq.write_table(pa.table(cells), path)
    elif form == "jsonl":
        path.write_text(f'{{"id": 1, "e_mail": "{cells["e_mail"][0]}"}}\n{{"id": 2, "e_mail": null}}\n')
    else:
        path.write_bytes(gzip.compress(text) if form.endswith("gz") else text)

    lines, count = restored_csv(path, CIPHER, ["phone", "email"])

    assert lines == ["id,e_mail\n", '1,"a@b.org, ""A"""\n', "2,\n"]
    assert count == 1
