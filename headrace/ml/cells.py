"""What the text of a cell means: missing, number, boolean, moment, category. Column by column, without loops.

Each reading tries the quick way first, which holds for columns without a fault, and looks at every cell by a regular
expression only if that fails. Both ways give the same values.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headrace.ml.arrays import Flags, Labels
from headrace.ml.words import FALSE_WORDS, MISSING_TOKENS, TRUE_WORDS, image_file

_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
_WHOLE_AS_DECIMAL = r"^([+-]?\d+)\.0+$"
_MOMENT = r"^\d{4}-\d\d-\d\d([T ]\d\d|[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?\s?(Z|[+-]\d\d:?\d\d)?)?$"
_MICROSECONDS = pa.timestamp("us")
_NO_TEXT = pa.scalar(None, pa.string())
_LONGEST_TOKEN = max(map(len, MISSING_TOKENS))
_MINUTES_US = 60_000_000
_CELLS_OF_A_TEXT, _WORDS_OF_A_TEXT = 20, 4


def trimmed(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the cells without white space around them; those that mean "not known" become null.

    Examples
    --------
    >>> trimmed(pa.chunked_array([[" a ", "N/A", ""]])).to_pylist()
    ['a', None, None]
    """
    text = pc.utf8_trim_whitespace(cells)
    short = pc.less_equal(pc.binary_length(text), _LONGEST_TOKEN)
    if not pc.any(short).as_py():
        return text
    candidates = pc.if_else(short, text, _NO_TEXT)
    missing = pc.is_in(pc.utf8_lower(candidates), value_set=pa.array(MISSING_TOKENS))
    return pc.if_else(missing, _NO_TEXT, text)


def as_numbers(text: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the cells as finite numbers; null where a cell is none.

    Examples
    --------
    >>> as_numbers(pa.chunked_array([["1", "-2.5e3", "+.5", "inf", "1e999", "0x1", "1,5"]])).to_pylist()
    [1.0, -2500.0, 0.5, None, None, None, None]
    """
    try:
        numbers = pc.cast(text, pa.float64())
    except pa.ArrowInvalid:
        plain = pc.if_else(pc.match_substring_regex(text, _NUMBER), text, _NO_TEXT)
        numbers = pc.cast(plain, pa.float64())
    finite = pc.is_finite(numbers)
    return numbers if pc.all(finite).as_py() else pc.if_else(finite, numbers, pa.scalar(None, pa.float64()))


def as_booleans(text: pa.ChunkedArray, *, words_only: bool = False) -> pa.ChunkedArray:
    """Return the cells as booleans; null where a cell is none. `words_only` knows only true and false.

    Examples
    --------
    >>> as_booleans(pa.chunked_array([["Yes", "f", "1", "maybe"]])).to_pylist()
    [True, False, True, None]
    """
    lower = pc.utf8_lower(text)
    words = ("true", "false") if words_only else TRUE_WORDS + FALSE_WORDS
    known = pc.is_in(lower, value_set=pa.array(words))
    return pc.if_else(known, pc.is_in(lower, value_set=pa.array(TRUE_WORDS)), pa.scalar(None, pa.bool_()))


def as_datetimes(text: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return ISO 8601 moments in UTC, to the microsecond; null where a cell is none. No offset means UTC.

    Examples
    --------
    >>> cells = pa.chunked_array([["2011-01-31", "2011-01-31T10:00:00+02:00", "2011-02-30", "31.01.2011"]])
    >>> [moment and moment.isoformat() for moment in as_datetimes(cells).to_pylist()]
    ['2011-01-31T00:00:00', '2011-01-31T08:00:00', None, None]
    """
    try:
        return pc.cast(text, _MICROSECONDS)
    except pa.ArrowInvalid:
        return _moments_one_by_one(text)


def as_categories(text: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the cells as category names: a whole number that some tool wrote with decimals loses them.

    Examples
    --------
    >>> as_categories(pa.chunked_array([["2", "2.0", "2.5", "red"]])).to_pylist()
    ['2', '2', '2.5', 'red']
    """
    if not pc.any(pc.match_substring(text, ".0")).as_py():
        return text
    return pc.replace_substring_regex(text, _WHOLE_AS_DECIMAL, r"\1")


def as_texts(text: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the cells as they are: a text is anything."""
    return text


def as_images(text: pa.ChunkedArray) -> pa.ChunkedArray:
    r"""Return the bytes of PNG and JPEG files from their base64; null where a cell is none. They are not opened here.

    Examples
    --------
    >>> as_images(pa.chunked_array([["iVBORw0KGgo=", "aGVsbG8=", "#"]])).to_pylist()
    [b'\x89PNG\r\n\x1a\n', None, None]
    """
    return pa.chunked_array([pa.array(map(image_file, text.to_pylist()), pa.binary())])


def are_images(text: pa.ChunkedArray) -> bool:
    """Tell whether cells are image files in base64, by the first twenty of them.

    Examples
    --------
    >>> are_images(pa.chunked_array([["iVBORw0KGgo=", "/9j/4AAQ"]])), are_images(pa.chunked_array([["red"]]))
    (True, False)
    """
    return all(image_file(cell) is not None for cell in text.slice(0, _CELLS_OF_A_TEXT).to_pylist())


def is_free_text(text: pa.ChunkedArray) -> bool:
    """Tell whether cells are sentences rather than categories: many words, and hardly one cell like another.

    At least 20 cells, more than 4 words on average, and more than half of the cells different from all before. On real data
    that takes short messages (16 words, 93 % different), and no category of census, credit and abalone data (one word, 1 %
    different at most).

    Examples
    --------
    >>> is_free_text(pa.chunked_array([[f"call me back at {n} please" for n in range(20)]]))
    True
    >>> is_free_text(pa.chunked_array([[f"customer {n}" for n in range(20)]]))
    False
    """
    if len(text) < _CELLS_OF_A_TEXT:
        return False
    words = pc.mean(pc.count_substring_regex(text, r"\s+")).as_py() + 1
    return bool(words > _WORDS_OF_A_TEXT and pc.count_distinct(text).as_py() > len(text) / 2)


def as_flags(values: pa.ChunkedArray) -> Flags:
    """Return booleans without nulls as an array."""
    return np.asarray(values.to_numpy(zero_copy_only=False), dtype=bool)


def value_classes(cells: pa.ChunkedArray) -> Labels:
    """Return what a refusal says of each cell, which may be private: nothing, number, date or text.

    Examples
    --------
    >>> value_classes(pa.chunked_array([["n/a", "12.5", "2026-01-31", "warm"]])).tolist()
    ['nothing', 'number', 'date', 'text']
    """
    text = trimmed(cells)
    tests = [pc.is_null(text), pc.is_valid(as_numbers(text)), pc.is_valid(as_datetimes(text))]
    return np.select([as_flags(test) for test in tests], ["nothing", "number", "date"], "text")


def _moments_one_by_one(text: pa.ChunkedArray) -> pa.ChunkedArray:
    valid = pc.match_substring_regex(text, _MOMENT)
    plain = pc.if_else(valid, pc.replace_substring(text, "T", " "), _NO_TEXT)
    zone = r"\s?(?P<sign>[+-])(?P<hours>\d\d):?(?P<minutes>\d\d)$"
    # A date alone ends like an offset: "-31" needs the colon of a time before it.
    timed = pc.match_substring(plain, ":")
    offset = pc.extract_regex(pc.if_else(timed, plain, _NO_TEXT), zone)
    local = pc.if_else(timed, pc.replace_substring_regex(plain, r"\s?(Z|[+-]\d\d:?\d\d)$", ""), plain)
    moments = _parsed(pc.replace_substring_regex(local, r"(\.\d{6})\d+$", r"\1"))
    return pc.subtract(moments, pc.cast(_offset_us(offset), pa.duration("us")))


def _parsed(text: pa.ChunkedArray) -> pa.ChunkedArray:
    """Parse moments without a zone; what looks like one and is none, such as 30 February, becomes null."""
    try:
        return pc.cast(text, _MICROSECONDS)
    except pa.ArrowInvalid:
        cells = [_parsed_one(cell) for cell in text.to_pylist()]
        return pa.chunked_array([pa.array(cells, _MICROSECONDS)])


def _parsed_one(cell: str | None) -> object:
    try:
        return pa.scalar(cell, pa.string()).cast(_MICROSECONDS).as_py()
    except pa.ArrowInvalid:
        return None


def _offset_us(parts: pa.ChunkedArray) -> pa.ChunkedArray:
    hours = pc.cast(pc.struct_field(parts, "hours"), pa.int64())
    minutes = pc.cast(pc.struct_field(parts, "minutes"), pa.int64())
    size = pc.multiply(pc.add(pc.multiply(hours, 60), minutes), _MINUTES_US)
    signed = pc.if_else(pc.equal(pc.struct_field(parts, "sign"), "-"), pc.negate(size), size)
    return pc.fill_null(signed, 0)
