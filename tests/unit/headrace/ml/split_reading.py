"""Reads and cleans a file in parts as the Spark job does, without Spark."""

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from headrace.ml.clean_part import clean_parts, finish_part, read_keys
from headrace.ml.duplicates import comes_again, strongest
from headrace.ml.files.ranges import pieces, survey
from headrace.ml.files.split_file import dialect_of, split_file
from headrace.ml.files.split_parquet import footer_place, split_parquet
from headrace.ml.observation import Observer


def split(path, folder, options, piece_bytes):
    """Return a file of this many bytes a piece as parts, and its parts' tables."""
    whole = (split_groups if path.suffix == ".parquet" else split_text)(path, folder, options, piece_bytes)
    tables = [
        whole.table(index, copied(path, whole, index, folder / f"range-{index}"))
        for index in range(whole.count)
    ]
    return whole, tables


def copied(path, whole, index, target):
    """Write the bytes of one part, and no others, to where the part is read from."""
    data = path.read_bytes()
    with target.open("wb") as stream:
        for copy in whole.copies(index):
            stream.seek(copy.target)
            stream.write(data[copy.source.start : copy.source.end])
    return target


def split_groups(path, folder, options, piece_bytes):
    data = path.read_bytes()
    footer = footer_place(data[-8:], len(data))
    hollow = folder / "hollow"
    with hollow.open("wb") as stream:
        stream.seek(footer.start)
        stream.write(data[footer.start :])
    whole = split_parquet(hollow, footer, piece_bytes, options)
    assert whole is not None
    tables = (
        whole.table(index, copied(path, whole, index, folder / "surveyed")) for index in range(whole.count)
    )
    return whole.with_pages([table.pages() for table in tables])


def split_text(path, folder, options, piece_bytes):
    data = path.read_bytes()
    dialect = dialect_of(path, folder, options)
    assert dialect is not None
    found = [
        survey(lambda start, end: data[start:end], piece, dialect, options)
        for piece in pieces(len(data), piece_bytes)
    ]
    return split_file(path, [each for each in found if each], dialect, options)


def cleaned_in_parts(path, folder, options, contract, piece_bytes):
    """Return good rows, refused rows, the number of ranges and what was seen in the good rows."""
    whole, tables = split(path, folder, options, piece_bytes)
    observer = Observer(contract, thorough=True)
    parts, before, rows_before = [], 0, []
    for index, table in enumerate(tables):
        received = 0
        seen = Observer(contract, thorough=True)
        for part_folder, part in clean_parts(
            table, contract, folder / f"part-{index}", seen, rows_of_a_part=100
        ):
            parts.append((part_folder, part))
            rows_before.append(before)
            received += part.received
        before += received
        observer.merge(seen)
    repeats = repeated([read_keys(part_folder) for part_folder, _ in parts])
    finished = [
        finish_part(
            part_folder,
            contract,
            whole.names,
            rows_before=rows_before[index],
            repeats=repeats[index],
        )
        for index, (part_folder, _) in enumerate(parts)
    ]
    good = [pq.read_table(each.good).to_pandas() for each in finished if each.good]
    refused = [pd.read_csv(each.rejected, dtype=str) for each in finished if each.rejected]
    return pd.concat(good, ignore_index=True), by_number(pd.concat(refused)), whole.count, observer


def repeated(parts):
    """Return, for each part, the places of rows that come again and the first key by which they do."""
    found = [[] for _ in parts]
    for key in range(max(map(len, parts))):
        here = [(number, *keys[key]) for number, keys in enumerate(parts) if keys]
        numbers = np.concatenate([np.full(len(places), number) for number, places, _ in here])
        places = np.concatenate([each for _, each, _ in here])
        for row in comes_again(np.concatenate([lanes for *_, lanes in here]), numbers, places):
            found[numbers[row]].append((places[row], key))
    return [strongest(np.array(each, dtype=np.int64).reshape(-1, 2)) for each in found]


def by_number(refused):
    return refused.sort_values("row", key=lambda column: column.astype(int)).reset_index(drop=True)
