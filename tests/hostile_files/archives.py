"""Hostile archives, compressed files and images."""

import base64
import bz2
import gzip
import io
import lzma
import random
import struct
import zipfile
import zlib

from headrace.ml.files.unpacking import zstd
from tests.hostile_files.faults import Fault
from tests.hostile_files.texts import MB, PLAIN, PNG

BOMB = bytes(64 * MB)


def zipped(members, method=zipfile.ZIP_DEFLATED):
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return sink.getvalue()


def patched(data, signature, offset, value, count=1):
    """The archive with bytes behind its records' signature overwritten."""
    place = 0
    for _ in range(count):
        place = data.index(signature, place)
        data = data[: place + offset] + value + data[place + offset + len(value) :]
        place += 4
    return data


def link(name="data.csv", target="/etc/passwd"):
    entry = zipfile.ZipInfo(name)
    entry.create_system, entry.external_attr = 3, 0o120777 << 16
    return zipped([(entry, target)])


def twice():
    """Two entries of one name; the library warns, and writes them."""
    return zipped([("a.csv", PLAIN), ("b.csv", PLAIN)]).replace(b"b.csv", b"a.csv")


def overlapping():
    """Two entries in the directory that point to the same bytes."""
    data = zipped([("a.csv", PLAIN), ("b.csv", PLAIN)])
    second = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 4)
    return data[: second + 42] + struct.pack("<L", 0) + data[second + 46 :]


def many_entries(count):
    """A directory of many entries that all point to one file of no bytes."""
    local = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 0, 0, 0, 0, 0, 0, 1, 0) + b"a"
    entry = struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, count * len(entry), len(local), 0)
    return local + entry * count + end


def zstd_window(log):
    """A frame that says how far it looks back, as two to the power of `log` bytes, with its content as it is."""
    block = (len(PLAIN) << 3 | 1).to_bytes(3, "little")
    return b"\x28\xb5\x2f\xfd\x00" + bytes([(log - 10) << 3]) + block + PLAIN


def png(width=2, height=2, *, pixels=b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0"):
    def chunk(name, data):
        return struct.pack(">L", len(data)) + name + data + struct.pack(">L", zlib.crc32(name + data))

    head = chunk(b"IHDR", struct.pack(">LLBBBBB", width, height, 8, 2, 0, 0, 0))
    return PNG[:8] + head + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")


def jpeg(width=2, height=2):
    """A JPEG file's structure, without pixels that would decode."""
    frame = b"\xff\xc0" + struct.pack(">HBHHB", 11, 8, height, width, 1) + b"\1\x11\0"
    return b"\xff\xd8\xff\xe0" + struct.pack(">H", 4) + b"JF" + frame + b"\xff\xda\0\2\0\0\xff\xd9"


COMPRESSED = {
    "gzip": Fault(lambda: gzip.compress(PLAIN), "10 rows"),
    "gzip of two streams": Fault(lambda: gzip.compress(PLAIN) + gzip.compress(b"011,1.5,x,1\n"), "11 rows"),
    "gzip that is cut": Fault(lambda: gzip.compress(PLAIN)[:-9], "refused: broken_archive"),
    "gzip with a wrong sum": Fault(lambda: gzip.compress(PLAIN)[:-8] + bytes(8), "refused: broken_archive"),
    "gzip with something behind it": Fault(lambda: gzip.compress(PLAIN) + b"more", "refused: broken_archive"),
    "gzip of gzip": Fault(lambda: gzip.compress(gzip.compress(PLAIN)), "refused: archive_content"),
    "gzip of an image": Fault(lambda: gzip.compress(PNG), "refused: binary"),
    "gzip of nothing": Fault(lambda: gzip.compress(b""), "refused: empty"),
    "gzip of gigabytes": Fault(lambda: gzip.compress(BOMB, 6) * 64, "refused: too_large", slow=True),
    "bzip2": Fault(lambda: bz2.compress(PLAIN), "10 rows"),
    "bzip2 of two streams": Fault(lambda: bz2.compress(PLAIN) + bz2.compress(b"011,1.5,x,1\n"), "11 rows"),
    "bzip2 that is cut": Fault(lambda: bz2.compress(PLAIN)[:-9], "refused: broken_archive"),
    "bzip2 of gigabytes": Fault(lambda: bz2.compress(BOMB) * 64, "refused: too_large", slow=True),
    "xz": Fault(lambda: lzma.compress(PLAIN), "10 rows"),
    "xz that is cut": Fault(lambda: lzma.compress(PLAIN)[:-9], "refused: broken_archive"),
    "xz that wants a gigabyte": Fault(
        lambda: lzma.compress(PLAIN, filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 2**30}]),
        "refused: broken_archive",
    ),
    "xz of gigabytes": Fault(lambda: lzma.compress(BOMB) * 64, "refused: too_large", slow=True),
    "zstd": Fault(lambda: zstd().compress(PLAIN), "10 rows"),
    "zstd of two frames": Fault(
        lambda: zstd().compress(PLAIN) + zstd().compress(b"011,1.5,x,1\n"), "11 rows"
    ),
    "zstd that is cut": Fault(lambda: zstd().compress(PLAIN)[:-9], "refused: broken_archive"),
    "zstd that looks back a little": Fault(lambda: zstd_window(20), "10 rows"),
    "zstd that looks far back": Fault(lambda: zstd_window(30), "refused: broken_archive"),
    "zstd of gigabytes": Fault(lambda: zstd().compress(BOMB) * 64, "refused: too_large", slow=True),
}

ZIP = {
    "one table": Fault(lambda: zipped([("x/data.csv", PLAIN)]), "10 rows"),
    "one table and what systems add": Fault(
        lambda: zipped([("data.csv", PLAIN), ("__MACOSX/._data.csv", b"\0"), ("x/.DS_Store", b"\0")]),
        "10 rows",
    ),
    "two tables": Fault(lambda: zipped([("a.csv", PLAIN), ("b.csv", PLAIN)]), "refused: archive_content"),
    "nothing": Fault(lambda: zipped([]), "refused: archive_content"),
    "folders alone": Fault(lambda: zipped([("a/", b""), ("a/b/", b"")]), "refused: archive_content"),
    "cut": Fault(lambda: zipped([("data.csv", PLAIN)])[:-30], "refused: broken_archive"),
    "damaged": Fault(
        lambda: patched(zipped([("data.csv", PLAIN)], zipfile.ZIP_STORED), b"Bern", 0, b"Born"),
        "refused: broken_archive",
    ),
    "password": Fault(
        lambda: patched(patched(zipped([("data.csv", PLAIN)]), b"PK\1\2", 8, b"\1\0"), b"PK\3\4", 6, b"\1\0"),
        "refused: encrypted",
    ),
    "name that leads out": Fault(lambda: zipped([("../../etc/cron.d/x", PLAIN)]), "refused: archive_content"),
    "name from the root": Fault(lambda: zipped([("/etc/passwd", PLAIN)]), "refused: archive_content"),
    "name for Windows": Fault(lambda: zipped([("C:\\x\\data.csv", PLAIN)]), "refused: archive_content"),
    "name with a NUL": Fault(
        lambda: zipped([("data_csv", PLAIN)]).replace(b"data_csv", b"data\0csv"), "refused: archive_content"
    ),
    "link": Fault(link, "refused: archive_content"),
    "name twice": Fault(twice, "refused: archive_content"),
    "entries that overlap": Fault(overlapping, "refused: archive_content"),
    "archive in an archive": Fault(
        lambda: zipped([("a.zip", zipped([("data.csv", PLAIN)]))]), "refused: archive_content"
    ),
    "archive in gzip": Fault(lambda: gzip.compress(zipped([("a.csv", PLAIN)])), "refused: archive_content"),
    "gzip in an archive": Fault(
        lambda: zipped([("a.csv.gz", gzip.compress(PLAIN))]), "refused: archive_content"
    ),
    "bzip2 within": Fault(lambda: zipped([("a.csv", PLAIN)], zipfile.ZIP_BZIP2), "refused: codec"),
    "lzma within": Fault(lambda: zipped([("a.csv", PLAIN)], zipfile.ZIP_LZMA), "refused: codec"),
    "something before it": Fault(lambda: b"MZ\0\0" + zipped([("a.csv", PLAIN)]), "refused: binary"),
    "says less than it holds": Fault(
        lambda: patched(zipped([("a.csv", PLAIN)]), b"PK\1\2", 24, struct.pack("<L", 40)),
        "refused: broken_archive",
    ),
    "says more than it holds": Fault(
        lambda: patched(zipped([("a.csv", PLAIN)]), b"PK\1\2", 24, struct.pack("<L", 4000)),
        "10 rows",
    ),
    "a million entries": Fault(lambda: many_entries(10**6), "refused: archive_content", slow=True),
    "a hundred thousand entries": Fault(lambda: many_entries(10**5), "refused: archive_content"),
    "hundreds of megabytes": Fault(
        lambda: zipped([(f"{n}.csv", BOMB) for n in range(3)]), "refused: too_large", slow=True
    ),
    "hundreds of megabytes that say they are few": Fault(
        lambda: patched(zipped([("a.csv", BOMB * 3)]), b"PK\1\2", 24, struct.pack("<L", 90 * MB)),
        "refused: broken_archive",
        slow=True,
    ),
}


def folders(kind, *members):
    ending, good = {"text": ("txt", b"well done"), "image": ("png", png())}[kind]
    return zipped([(f"all/{label}/{n}.{ending}", good) for label in "ab" for n in range(3)] + list(members))


def listing(text, *members):
    return zipped([("all/list.csv", text.encode()), ("all/1.png", png()), ("all/x/2.jpg", jpeg()), *members])


LIST = "id,content,label\n1,1.png,a\n2,x/2.jpg,b\n"

CORPORA = {
    "texts by class": Fault(lambda: folders("text"), "6 rows", corpus="text"),
    "images by class": Fault(lambda: folders("image", ("c/1.JPG", jpeg())), "7 rows", corpus="image"),
    "images by class that nobody declares": Fault(lambda: folders("image"), "refused: archive_content"),
    "image in no folder": Fault(
        lambda: folders("image", ("1.png", png())), "refused: archive_content", corpus="image"
    ),
    "images and two lists": Fault(
        lambda: folders("image", ("a.csv", b""), ("b.csv", b"")), "refused: archive_content", corpus="image"
    ),
    "texts and a list": Fault(
        lambda: folders("text", ("a.csv", b"")), "refused: archive_content", corpus="text"
    ),
    "cut image": Fault(
        lambda: folders("image", ("a/9.png", png()[:-9])), "6 rows, 1 not_an_image", corpus="image"
    ),
    "cut JPEG": Fault(
        lambda: folders("image", ("a/9.jpg", jpeg()[:-2])), "6 rows, 1 not_an_image", corpus="image"
    ),
    "empty image": Fault(
        lambda: folders("image", ("a/9.png", b"")), "6 rows, 1 not_an_image", corpus="image"
    ),
    "image with a flipped bit": Fault(
        lambda: folders("image", ("a/9.png", png().replace(b"IHDR\0\0\0\2", b"IHDR\0\0\0\3"))),
        "6 rows, 1 not_an_image",
        corpus="image",
    ),
    "image of four billion pixels": Fault(
        lambda: folders("image", ("a/9.png", png(65_535, 65_535))), "6 rows, 1 not_an_image", corpus="image"
    ),
    "JPEG of four billion pixels": Fault(
        lambda: folders("image", ("a/9.jpg", jpeg(65_535, 65_535))), "6 rows, 1 not_an_image", corpus="image"
    ),
    "image of no pixels": Fault(
        lambda: folders("image", ("a/9.png", png(0, 5))), "6 rows, 1 not_an_image", corpus="image"
    ),
    "image of many megabytes": Fault(
        lambda: folders("image", ("a/9.png", png(pixels=random.Random(1).randbytes(5 * MB)))),
        "6 rows, 1 not_an_image",
        corpus="image",
        slow=True,
    ),
    "GIF with another name": Fault(
        lambda: folders("image", ("a/9.png", b"GIF89a" + bytes(20))), "6 rows, 1 not_an_image", corpus="image"
    ),
    "web page with another name": Fault(
        lambda: folders("image", ("a/9.jpg", b"<html></html>")), "6 rows, 1 not_an_image", corpus="image"
    ),
    "text of a megabyte": Fault(
        lambda: folders("text", ("a/9.txt", b"x" * MB)), "6 rows, 1 too_long", corpus="text"
    ),
    "text that is binary": Fault(
        lambda: folders("text", ("a/9.txt", b"\x7fELF\0")), "refused: binary", corpus="text"
    ),
    "text in another encoding": Fault(
        lambda: folders("text", ("a/9.txt", "grün".encode("cp1252"))), "7 rows", corpus="text"
    ),
    "listed images": Fault(lambda: listing(LIST), "2 rows", corpus="image"),
    "listed images by another name": Fault(
        lambda: listing(LIST.replace("content", "file_name")), "2 rows", corpus="image"
    ),
    "listed image that is missing": Fault(
        lambda: listing(LIST + "3,3.png,a\n"), "2 rows, 1 not_an_image", corpus="image"
    ),
    "listed image outside": Fault(
        lambda: listing(LIST + "3,../../etc/passwd,a\n"), "2 rows, 1 not_an_image", corpus="image"
    ),
    "list without images": Fault(
        lambda: listing(LIST.replace("content", "scan")), "refused: contract", corpus="image"
    ),
    "image by itself": Fault(png, "1 rows", corpus="image", key="incoming/day1/cats/1.png"),
    "image by itself, in no class": Fault(png, "refused: binary", corpus="image", key="incoming/1.png"),
    "text by itself": Fault(lambda: b"well done", "1 rows", corpus="text", key="incoming/day1/ham/1.txt"),
    "image in a cell": Fault(
        lambda: b"id,content,label\n1," + base64.b64encode(png()) + b",a\n2,aGVsbG8=,b\n",
        "1 rows, 1 not_an_image",
        corpus="image",
    ),
}
