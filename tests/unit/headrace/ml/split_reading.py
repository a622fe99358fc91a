"""Reads and cleans a file in parts as the Spark job does, without Spark."""

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from headrace.ml.clean_part import clean_parts, finish_part, read_keys
from headrace.ml.duplicates import comes_again, strongest
from headrace.ml.files.ranges import pieces, survey
from headrace.ml.files.split_file import dialect_of, split_file
from headrace.ml.observation import Observer


def split(path, folder, options, piece_bytes):
    """Return a file of this many bytes a piece as parts, and its parts' tables."""
    data = path.read_bytes()
    dialect = dialect_of(path, folder, options)
    assert dialect is not None
    found = [
        survey(lambda start, end: data[start:end], piece, dialect, options)
        for piece in pieces(len(data), piece_bytes)
    ]
    whole = split_file(path, [each for each in found if each], dialect, options)
    tables = []
    for index, place in enumerate(whole.ranges):
        part = folder / f"range-{index}"
        part.write_bytes(data[place.start : place.end])
        tables.append(whole.table(index, part))
    return whole, tables


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
    return pd.concat(good, ignore_index=True), by_number(pd.concat(refused)), len(whole.ranges), observer


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
