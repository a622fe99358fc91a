"""Opens pictures that came from outside: two formats, a limit of points, and nothing but points comes out."""

from __future__ import annotations

import io
import warnings

from PIL import Image, ImageOps

from headrace.ml.files.image_file import MOST_PIXELS

FORMATS = ("PNG", "JPEG")


def open_picture(data: bytes, colour: str = "rgb") -> Image.Image | None:
    """Return a picture upright and without transparency, which becomes white; None if it cannot be read.

    Parameters
    ----------
    data : bytes
        A PNG or JPEG file.
    colour : {"grey", "rgb"}
        One number for each point, or three.
    """
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(data), formats=FORMATS) as image:
            # before they are unpacked: a few kilobytes can stand for gigabytes
            if image.width * image.height > MOST_PIXELS:
                return None
            upright = ImageOps.exif_transpose(image)
            if upright.has_transparency_data:
                whole = Image.new("RGBA", upright.size, "white")
                whole.alpha_composite(upright.convert("RGBA"))
                upright = whole
            return upright.convert("L" if colour == "grey" else "RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):  # what Pillow raises on damage
        return None


def as_png(image: Image.Image) -> bytes:
    """Return the PNG file of a picture, packed quickly rather than tightly."""
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=1)
    return file.getvalue()
