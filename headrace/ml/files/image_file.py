"""PNG and JPEG files, judged by their structure without being decoded: a few kilobytes may unpack to gigabytes of pixels.

References
----------
.. [1] W3C, Portable Network Graphics (PNG) Specification, 5 "Datastream structure" and 11.2.2 "IHDR".
.. [2] ITU-T T.81 (JPEG), B.1.1 and B.2.2: markers, and the frame header with the size.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

PNG, JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
LARGEST_BYTES = 4_500_000
"""Of one image file; in base64 these are the 6,000,000 characters that a cell may have."""
MOST_PIXELS = 2**25
"""Width times height: 100 MB in three colours."""

_CHUNK_FRAME_BYTES = 12  # length, name and checksum around the data of a PNG chunk
_ALONE = (0x01, *range(0xD0, 0xD9))  # JPEG markers without a segment: TEM, RST0 to RST7, SOI
_SCAN, _END = 0xDA, 0xD9
_NO_FRAMES = (0xC4, 0xC8, 0xCC)  # of the markers that look like frame headers: tables and an extension
_FIRST_FRAME, _LAST_FRAME = 0xC0, 0xCF


def is_image(head: bytes) -> bool:
    """Tell whether a file begins as PNG and JPEG files do."""
    return head.startswith((PNG, JPEG))


def image_fault(data: bytes) -> str | None:
    r"""Return what is wrong with an image file, or None.

    Parameters
    ----------
    data : bytes
        The file.

    Examples
    --------
    >>> image_fault(b"\xff\xd8\xff\xe0 no more")
    'it is cut or damaged'
    >>> image_fault(b"GIF89a")
    'it is neither PNG nor JPEG'
    """
    if len(data) > LARGEST_BYTES:
        return f"it is larger than {LARGEST_BYTES} bytes"
    if not is_image(data):
        return "it is neither PNG nor JPEG"
    size = image_size(data)
    if size is None:
        return "it is cut or damaged"
    width, height = size
    if width * height > MOST_PIXELS:
        return f"it has {width} x {height} pixels, more than {MOST_PIXELS}"
    return None


def image_size(data: bytes) -> tuple[int, int] | None:
    """Return width and height in pixels; None for what is no whole PNG or JPEG file."""
    if not is_image(data):
        return None
    try:
        return _png_size(data) if data.startswith(PNG) else _jpeg_size(data)
    except (ValueError, struct.error, IndexError):
        return None


def _png_size(data: bytes) -> tuple[int, int]:
    """Return width and height; ``ValueError`` if a chunk is cut or damaged, or the last is missing."""
    names: list[bytes] = []
    size = (0, 0)
    for name, chunk in png_chunks(data):
        if not names:
            size = struct.unpack_from(">LL", chunk)
        names.append(name)
    if names[:1] != [b"IHDR"] or names[-1] != b"IEND" or b"IDAT" not in names or 0 in size:
        raise ValueError
    return size


def png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield name and data of each chunk; ``ValueError`` or ``struct.error`` if one is damaged or cut."""
    place, name = len(PNG), b""
    while name != b"IEND":
        length, name = struct.unpack_from(">L4s", data, place)
        chunk = data[place + 8 : place + 8 + length]
        (checksum,) = struct.unpack_from(">L", data, place + 8 + length)
        if zlib.crc32(chunk, zlib.crc32(name)) != checksum:
            raise ValueError
        yield name, chunk
        place += length + _CHUNK_FRAME_BYTES


def _jpeg_size(data: bytes) -> tuple[int, int]:
    """Return width and height of the first frame; ``ValueError`` if there is none before the scan, or the end is missing."""
    # Cameras may put zeros or a thumbnail behind the end.
    if data.rfind(bytes((0xFF, _END))) < len(JPEG):
        raise ValueError
    for marker, place in _jpeg_segments(data):
        if _FIRST_FRAME <= marker <= _LAST_FRAME and marker not in _NO_FRAMES:
            height, width = struct.unpack_from(">HH", data, place + 3)
            if not height or not width:
                raise ValueError
            return width, height
    raise ValueError


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield marker and place of each segment before the pixels."""
    place = 2
    while True:
        if data[place] != 0xFF:  # noqa: PLR2004 - what every marker begins with
            raise ValueError
        marker = data[place + 1]
        if marker == 0xFF:  # noqa: PLR2004 - a marker may be preceded by any number of these
            place += 1
            continue
        if marker in (_SCAN, _END):
            return
        place += 2
        if marker in _ALONE:
            continue
        yield marker, place
        (length,) = struct.unpack_from(">H", data, place)
        if length < 2:  # noqa: PLR2004 - it counts its own two bytes
            raise ValueError
        place += length
