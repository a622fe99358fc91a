"""Hostile CSV and JSON files."""

import codecs
import gzip
import json

from tests.hostile_files.faults import NAMES, ROWS, Fault, csv

MB = 2**20


def changed(row, **cells):
    """The table with some cells of one row changed; rows count from 1."""
    rows = [list(each) for each in ROWS]
    for name, cell in cells.items():
        rows[row - 1][NAMES.index(name)] = cell
    return csv(rows).encode()


def named(**names):
    return csv(names=[names.get(name, name) for name in NAMES]).encode()


def lines(rows=ROWS):
    return [json.dumps(dict(zip(NAMES, row, strict=True)), ensure_ascii=False) for row in rows]


def jsonl(*extra):
    return "\n".join([*lines(), *extra]).encode()


PLAIN = csv().encode()
HTML = b"<!DOCTYPE html><html><body><h1>403 Forbidden</h1></body></html>"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))

CSV = {
    # --- F23 nothing in it
    "empty": Fault(lambda: b"", "refused: empty"),
    "blank lines": Fault(lambda: b"\n \r\n\t\n", "refused: empty"),
    "byte order mark alone": Fault(lambda: codecs.BOM_UTF8, "refused: empty"),
    "header alone": Fault(lambda: b"id,temp,city,cnt\n", "refused: no_rows"),
    "header without a line end": Fault(lambda: b"id,temp,city,cnt", "refused: no_rows"),
    "fifty million blank lines": Fault(lambda: b"\n" * 50 * MB + PLAIN, "refused: no_header", slow=True),
    # --- F24 encodings
    "utf-8 with its mark": Fault(lambda: csv().encode("utf-8-sig"), "10 rows"),
    "utf-16": Fault(lambda: csv().encode("utf-16"), "10 rows"),
    "utf-16 big-endian with its mark": Fault(
        lambda: codecs.BOM_UTF16_BE + csv().encode("utf-16-be"), "10 rows"
    ),
    "utf-16 without its mark": Fault(lambda: csv().encode("utf-16-le"), "10 rows"),
    "cut utf-16": Fault(lambda: csv().encode("utf-16")[:-1], "refused: encoding"),
    "utf-32": Fault(lambda: csv().encode("utf-32"), "refused: encoding"),
    "windows-1252": Fault(lambda: csv().encode("cp1252"), "10 rows"),
    "bytes that no encoding has": Fault(lambda: PLAIN.replace("ü".encode(), b"\x81"), "10 rows"),
    # --- F25 and F26 cut and uneven
    "cut in the last row": Fault(lambda: PLAIN[:-12], "9 rows, 1 broken_row"),
    "cut in a quote": Fault(lambda: PLAIN + b'011,1.5,"Be', "10 rows, 1 broken_row"),
    "quote that is never closed": Fault(
        lambda: PLAIN.replace(b"002,2.5,", b'002,2.5,"'), "1 rows, 1 broken_row"
    ),
    "quote that swallows megabytes": Fault(
        lambda: PLAIN + b'011,1.5,"' + b"x,y\n" * 2 * MB, "refused: line_too_long", slow=True
    ),
    "short row": Fault(lambda: PLAIN + b"011,1.5\n", "10 rows, 1 broken_row"),
    "long row": Fault(lambda: PLAIN + b"011,1.5,Bern,3,4\n", "10 rows, 1 broken_row"),
    "extra cell in every row": Fault(
        lambda: csv([(*row, "x") for row in ROWS]).encode(), "0 rows, 10 broken_row"
    ),
    "delimiter behind every row": Fault(lambda: PLAIN.replace(b"\n", b",\n"), "refused: unnamed_column"),
    "two million broken rows": Fault(
        lambda: PLAIN + b"1\n" * 2 * MB, "refused: too_many_bad_rows", slow=True
    ),
    # --- F27 and F28 names of columns
    "column twice": Fault(lambda: named(city="temp"), "refused: duplicate_column"),
    "column twice but for case": Fault(lambda: named(city="TEMP"), "refused: duplicate_column"),
    "column twice but for what nobody sees": Fault(
        lambda: named(city="te\u200bmp"), "refused: duplicate_column"
    ),
    "column twice in two compositions": Fault(
        lambda: csv(names=("id", "é", "e\u0301", "cnt")).encode(), "refused: duplicate_column"
    ),
    "zero-width space in a name": Fault(lambda: named(cnt="c\u200bnt"), "10 rows"),
    "direction mark in a name": Fault(lambda: named(cnt="\u202ecnt\u202c"), "10 rows"),
    "name of white space": Fault(lambda: named(city=" "), "refused: unnamed_column"),
    "name of nothing visible": Fault(lambda: named(city="\u200b\u2060"), "refused: unnamed_column"),
    "no header, and the columns are known": Fault(lambda: csv(ROWS[1:], ROWS[0]).encode(), "10 rows"),
    "no header, and the columns are not": Fault(
        lambda: csv(ROWS[1:], ROWS[0]).encode(), "refused: no_header", first=True
    ),
    "no header, and a cell too many": Fault(
        lambda: csv([(*row, "1") for row in ROWS], ("001", "1", "x", "1", "1")).encode(), "refused: no_header"
    ),
    "header twice": Fault(lambda: PLAIN + PLAIN, "10 rows, 10 duplicate_id, 1 not_a_number"),
    "comment before the header": Fault(lambda: b"# exported\n" + PLAIN, "refused: contract"),
    # --- F29 no CSV at all
    "NUL bytes": Fault(lambda: PLAIN.replace(b"Bern", b"B\0rn"), "refused: binary"),
    "NUL byte at the end": Fault(lambda: PLAIN + b"\0", "refused: binary"),
    "image": Fault(lambda: PNG, "refused: binary"),
    "JPEG": Fault(lambda: b"\xff\xd8\xff\xe0" + bytes(99), "refused: binary"),
    "PDF": Fault(lambda: b"%PDF-1.7\n1 0 obj", "refused: binary"),
    "program": Fault(lambda: b"\x7fELF\x02\x01\x01" + bytes(64), "refused: binary"),
    "database": Fault(lambda: b"SQLite format 3\0" + bytes(84), "refused: binary"),
    "pickle": Fault(lambda: b"\x80\x04\x95\x1f\0\0\0\0\0\0\0\x8c\x05posix\x94", "refused: binary"),
    "tar": Fault(lambda: b"data.csv" + bytes(249) + b"ustar\x0000" + bytes(247) + PLAIN, "refused: binary"),
    "web page": Fault(lambda: HTML, "refused: not_a_table"),
    "web page behind a mark and blanks": Fault(
        lambda: codecs.BOM_UTF8 + b"\n\n  " + HTML, "refused: not_a_table"
    ),
    "XML": Fault(lambda: b"<?xml version='1.0'?><rows/>", "refused: not_a_table"),
    "message of an error": Fault(lambda: b'{"error": "access denied"}', "refused: contract"),
    "words": Fault(lambda: b"Access denied", "refused: no_rows"),
    "other table": Fault(lambda: b"a,b\nx,y\n", "refused: contract"),
    # --- F30 delimiters, and F41 line ends
    "semicolons": Fault(lambda: csv(delimiter=";").encode(), "10 rows"),
    "tabs": Fault(lambda: csv(delimiter="\t").encode(), "10 rows"),
    "pipes": Fault(lambda: csv(delimiter="|").encode(), "10 rows"),
    "tabs without end": Fault(lambda: b"'a'" + b"\t" * 900_000 + b"\n", "refused: too_wide"),
    "windows line ends": Fault(lambda: csv(newline="\r\n").encode(), "10 rows"),
    "old mac line ends": Fault(lambda: csv(newline="\r").encode(), "10 rows"),
    "mixed line ends": Fault(lambda: PLAIN.replace(b"\n", b"\r\n", 5), "10 rows"),
    "line ends in cells": Fault(lambda: changed(1, city='"Be\nrn"'), "10 rows"),
    # --- F31 and F32 cells
    "not a number": Fault(lambda: changed(1, temp="NaN"), "10 rows"),
    "not a number as the target": Fault(lambda: changed(1, cnt="NaN"), "9 rows, 1 missing"),
    "infinity": Fault(lambda: changed(1, temp="inf"), "9 rows, 1 not_a_number"),
    "more than a number can be": Fault(lambda: changed(1, temp="1e400"), "9 rows, 1 not_a_number"),
    "a whole number of many digits": Fault(lambda: changed(1, temp="9" * 40), "10 rows"),
    "five hundred digits": Fault(lambda: changed(1, temp="9" * 500), "9 rows, 1 not_a_number"),
    "None": Fault(lambda: changed(1, temp="None"), "10 rows"),
    "Namibia": Fault(lambda: changed(1, city="NA"), "10 rows"),
    "no id": Fault(lambda: changed(1, id="NA"), "9 rows, 1 missing"),
    "thousands": Fault(lambda: changed(1, temp='"1,234.5"'), "9 rows, 1 not_a_number"),
    "decimal comma": Fault(lambda: changed(1, temp='"1,5"'), "9 rows, 1 not_a_number"),
    "hexadecimal": Fault(lambda: changed(1, temp="0x1F"), "9 rows, 1 not_a_number"),
    "digits of another script": Fault(lambda: changed(1, temp="١٢"), "9 rows, 1 not_a_number"),
    "date where a number was": Fault(lambda: changed(1, temp="2011-01-01"), "9 rows, 1 not_a_number"),
    "formula": Fault(lambda: changed(1, city="=cmd|'/c calc'!A1"), "10 rows"),
    "formula where a number was": Fault(lambda: changed(1, temp="=1+1"), "9 rows, 1 not_a_number"),
    "long cell": Fault(lambda: changed(1, city="x" * 5000), "9 rows, 1 too_long"),
    # --- F33 and F40 shapes
    "columns in another order": Fault(
        lambda: csv([row[::-1] for row in ROWS], NAMES[::-1]).encode(), "10 rows"
    ),
    "column that is missing": Fault(
        lambda: csv([row[:3] for row in ROWS], NAMES[:3]).encode(), "refused: contract"
    ),
    "column that is new": Fault(
        lambda: csv([(*row, "x") for row in ROWS], (*NAMES, "new")).encode(), "10 rows"
    ),
    "another kind in every row": Fault(
        lambda: csv([(row[0], "warm", *row[2:]) for row in ROWS]).encode(), "0 rows, 10 not_a_number"
    ),
    "one row": Fault(lambda: csv(ROWS[:1]).encode(), "1 rows"),
    "the same row again and again": Fault(lambda: csv(ROWS[:1] * 10).encode(), "1 rows, 9 duplicate_id"),
    "ten thousand columns": Fault(
        lambda: (",".join(f"c{n}" for n in range(10_000)) + "\n" + ",".join("1" * 10_000)).encode(),
        "refused: too_wide",
    ),
    "a million columns": Fault(lambda: b"a," * MB * 4, "refused: line_too_long", slow=True),
    # --- F34 lines without end
    "line of ninety megabytes": Fault(lambda: b"a" * 90 * MB, "refused: line_too_long", slow=True),
    "row of fifty megabytes": Fault(
        lambda: PLAIN + b"011,1.5," + b"x" * 50 * MB, "refused: line_too_long", slow=True
    ),
    "line of a gigabyte in a megabyte": Fault(
        lambda: gzip.compress(b"a" * 64 * MB, 6) * 16, "refused: too_large", slow=True
    ),
    "larger than allowed": Fault(lambda: PLAIN + b"\n" * 101 * MB, "refused: too_large", slow=True),
}

JSON = {
    "list": Fault(lambda: f"[{','.join(lines())}]".encode(), "10 rows"),
    "list in utf-16": Fault(lambda: f"[{','.join(lines())}]".encode("utf-16"), "10 rows"),
    "list that is cut": Fault(lambda: f"[{','.join(lines())}".encode(), "refused: damaged"),
    "list that is cut in a row": Fault(lambda: f"[{','.join(lines())}"[:-9].encode(), "refused: damaged"),
    "list with something behind it": Fault(
        lambda: f"[{','.join(lines())}] and more".encode(), "refused: damaged"
    ),
    "list without commas": Fault(lambda: f"[{' '.join(lines())}]".encode(), "refused: damaged"),
    "list of numbers": Fault(lambda: b"[1, 2, 3]", "refused: not_a_table"),
    "list of nothing": Fault(lambda: b"[]", "refused: not_a_table"),
    "table within an object": Fault(
        lambda: f'{{"data": [{",".join(lines())}]}}'.encode(), "refused: not_a_table"
    ),
    "line that is cut": Fault(lambda: jsonl('{"id": "011", "te'), "10 rows, 1 broken_row"),
    "line that is no object": Fault(lambda: jsonl("[1]", "7"), "10 rows, 2 broken_row"),
    "key twice": Fault(
        lambda: jsonl('{"id": "011", "id": "012", "temp": 1, "cnt": 1}'), "10 rows, 1 broken_row"
    ),
    "list as a cell": Fault(lambda: jsonl('{"id": "011", "temp": [1], "cnt": 1}'), "10 rows, 1 broken_row"),
    "infinite literal": Fault(
        lambda: jsonl('{"id": "011", "temp": Infinity, "cnt": 1}'), "10 rows, 1 not_a_number"
    ),
    "literal beyond numbers": Fault(
        lambda: jsonl('{"id": "011", "temp": 1e400, "cnt": 1}'), "10 rows, 1 not_a_number"
    ),
    "number of five thousand digits": Fault(
        lambda: jsonl(f'{{"id": "011", "temp": {"9" * 5000}, "cnt": 1}}'), "10 rows, 1 too_long"
    ),
    "half a letter": Fault(
        lambda: jsonl('{"id": "011", "temp": 1, "city": "\\ud800", "cnt": 1}'), "10 rows, 1 broken_row"
    ),
    "half a letter in a key": Fault(lambda: b'{"\\ud800": 1}', "refused: not_a_table"),
    "NUL in a cell": Fault(lambda: jsonl('{"id": "011", "temp": 1, "city": "\\u0000", "cnt": 1}'), "11 rows"),
    "key that nobody sees": Fault(
        lambda: "\n".join(lines()).replace('"cnt"', '"\u200bcnt"').encode(), "10 rows"
    ),
    "a million lists in each other": Fault(lambda: b"[" * 10**6, "refused: damaged"),
    "two million lists in each other": Fault(lambda: b"[" * 2 * 10**6, "refused: line_too_long"),
    "objects in each other": Fault(lambda: b'{"a":' * 10**5 + b"1" + b"}" * 10**5, "refused: not_a_table"),
    "ten thousand keys": Fault(
        lambda: json.dumps({f"c{n}": n for n in range(10_000)}).encode(), "refused: too_wide"
    ),
    "other keys in every row": Fault(
        lambda: "\n".join(json.dumps({f"c{n}_{m}": 1 for m in range(100)}) for n in range(100)).encode(),
        "refused: too_wide",
    ),
    "object of fifty megabytes": Fault(
        lambda: b'[{"id": "' + b"x" * 50 * MB + b'"}]', "refused: line_too_long", slow=True
    ),
}
