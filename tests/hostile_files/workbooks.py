"""Hostile workbooks."""

import datetime as dt
import io
import zipfile

import openpyxl

from tests.hostile_files.archives import zipped
from tests.hostile_files.faults import NAMES, ROWS, Fault
from tests.hostile_files.texts import MB

SHEET, TEXTS, BOOK = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/workbook.xml"


def workbook(rows=ROWS, change=lambda book: None):
    book = openpyxl.Workbook()
    for row in [NAMES, *rows]:
        book.active.append(row)
    change(book)
    sink = io.BytesIO()
    book.save(sink)
    return sink.getvalue()


def with_parts(**parts):
    """A good workbook with parts added or replaced; a function is given what the part was."""
    good = zipfile.ZipFile(io.BytesIO(workbook()))
    found = {name: good.read(name) for name in good.namelist()}
    for name, part in parts.items():
        found[name] = part(found[name]) if callable(part) else part
    return zipped(sorted(found.items(), key=lambda each: each[0] != "[Content_Types].xml"))


def sheet(rows):
    space = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    return b'<worksheet xmlns="%s"><sheetData>%s</sheetData></worksheet>' % (space, rows)


def replaced(old, new):
    return lambda part: part.replace(old, new, 1)


HEADER = b"<row>%s</row>" % b"".join(
    b'<c t="inlineStr"><is><t>%s</t></is></c>' % name.encode() for name in NAMES
)
ROW = b'<row><c t="str"><v>001</v></c><c><v>1.5</v></c><c t="str"><v>x</v></c><c><v>2</v></c></row>'
XXE = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
LAUGHS = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'
HEAD = b"<?xml version='1.0'?>"


def with_sheet(rows):
    return with_parts(**{SHEET: sheet(rows)})


def hidden(book):
    book.create_sheet("visible")
    book.worksheets[0].sheet_state = "hidden"


WORKBOOKS = {
    "good": Fault(workbook, "10 rows"),
    "written cell by cell": Fault(lambda: with_sheet(HEADER + ROW), "1 rows"),
    "first row is lower": Fault(
        lambda: with_sheet(b'<row r="7">' + HEADER[5:] + b'<row r="9">' + ROW[5:]), "1 rows"
    ),
    "error in a cell": Fault(
        lambda: workbook([("001", "#REF!", "x", 1), ("002", 1.5, "x", 1)]), "1 rows, 1 not_a_number"
    ),
    "moment where a number was": Fault(
        lambda: workbook([("001", dt.datetime(2011, 1, 1), "x", 1)]), "0 rows, 1 not_a_number"
    ),
    "formula with its value": Fault(
        lambda: with_sheet(HEADER + ROW.replace(b"<v>1.5", b"<f>1+0.5</f><v>1.5")), "1 rows"
    ),
    "formula without its value": Fault(
        lambda: with_sheet(HEADER + ROW.replace(b"<v>2</v>", b"<f>1+1</f>")), "0 rows, 1 missing"
    ),
    "formula that runs a program": Fault(
        lambda: with_sheet(HEADER + ROW.replace(b"<v>x", b"<f>cmd|'/c calc'!A1</f><v>x")), "1 rows"
    ),
    "cells that are too many": Fault(
        lambda: workbook([*ROWS, ("011", 1, "x", 1, "more")]), "10 rows, 1 broken_row"
    ),
    "no rows": Fault(lambda: workbook([]), "refused: no_rows"),
    "nothing": Fault(lambda: with_sheet(b""), "refused: empty"),
    "no visible sheet with anything in it": Fault(lambda: workbook(change=hidden), "refused: empty"),
    "size that is a lie": Fault(
        lambda: with_parts(**{SHEET: replaced(b'ref="A1:D11"', b'ref="A1:XFD1048576"')}), "10 rows"
    ),
    "macros": Fault(
        lambda: with_parts(**{"xl/vbaProject.bin": b"\xd0\xcf\x11\xe0"}), "refused: active_content"
    ),
    "links to other files": Fault(
        lambda: with_parts(**{"xl/externalLinks/externalLink1.xml": b"<x/>"}), "refused: active_content"
    ),
    "controls": Fault(lambda: with_parts(**{"xl/activeX/activeX1.xml": b"<x/>"}), "refused: active_content"),
    "entity from a file": Fault(
        lambda: with_parts(**{SHEET: lambda part: HEAD + XXE + part.replace(HEAD, b"")}),
        "refused: active_content",
    ),
    "entity in utf-16": Fault(
        lambda: with_parts(**{SHEET: (XXE + sheet(HEADER + ROW)).decode().encode("utf-16")}),
        "refused: active_content",
    ),
    "a billion laughs": Fault(
        lambda: with_parts(**{TEXTS: HEAD + LAUGHS + b"<sst><si><t>&b;</t></si></sst>"}),
        "refused: active_content",
    ),
    "row beyond all": Fault(
        lambda: with_sheet(HEADER + b'<row r="999999999999">' + ROW[5:]), "refused: damaged"
    ),
    "row that goes back": Fault(
        lambda: with_sheet(HEADER + ROW + b'<row r="1">' + ROW[5:]), "refused: damaged"
    ),
    "column beyond all": Fault(
        lambda: with_sheet(HEADER + ROW.replace(b"<c>", b'<c r="ZZZZZZZZ2">', 1)), "refused: damaged"
    ),
    "reference that is none": Fault(
        lambda: with_sheet(HEADER + ROW.replace(b"<c>", b'<c r="\xc3\xa42">', 1)), "refused: damaged"
    ),
    "text that is not in the table of texts": Fault(
        lambda: with_sheet(HEADER + ROW.replace(b"<c>", b'<c t="s">', 1)), "refused: damaged"
    ),
    "cells far to the right": Fault(
        lambda: with_sheet(HEADER + b'<row><c r="XFD2"><v>1</v></c></row>' * 1000),
        "0 rows, 1000 broken_row",
    ),
    "header far to the right": Fault(
        lambda: with_sheet(b'<row><c r="XFD1" t="str"><v>id</v></c></row>'), "refused: too_wide"
    ),
    "elements in each other": Fault(lambda: with_sheet(b"<a>" * 10**5), "refused: damaged"),
    "cut XML": Fault(lambda: with_parts(**{SHEET: lambda part: part[:-40]}), "refused: damaged"),
    "no sheet": Fault(lambda: with_parts(**{BOOK: replaced(b"rId1", b"rId7")}), "refused: damaged"),
    "no workbook": Fault(lambda: zipped([("[Content_Types].xml", b"<x/>")]), "refused: damaged"),
    "document": Fault(
        lambda: zipped([("[Content_Types].xml", b"<x/>"), ("word/document.xml", b"<x/>")]), "refused: damaged"
    ),
    "cut archive": Fault(lambda: workbook()[:-40], "refused: broken_archive"),
    "old format, or a password": Fault(
        lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504), "refused: encrypted"
    ),
    "attribute of megabytes": Fault(
        lambda: with_sheet(HEADER + b'<row r="' + b"1" * 8 * MB + b'"/>'), "refused: damaged", slow=True
    ),
    "cell of megabytes": Fault(
        lambda: with_sheet(HEADER + ROW.replace(b"x", b"x" * 60 * MB, 1)), "0 rows, 1 too_long", slow=True
    ),
    "texts of megabytes": Fault(
        lambda: with_parts(**{TEXTS: b"<sst>" + b"<si><t>a</t></si>" * 2 * MB + b"</sst>"}),
        "refused: too_large",
        slow=True,
    ),
    "sheet of hundreds of megabytes": Fault(
        lambda: with_sheet(HEADER + b" " * 200 * MB), "refused: too_large", slow=True
    ),
}
