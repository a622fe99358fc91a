"""A small file with all that makes cutting hard: quoted line breaks and quotes, faults, ids that come again far away."""

import random

from headrace.ml.files.small import read_bytes

CELLS = ('"two\nlines"', '"a ""b"", c"', "plain", '5" pipe', '"', "", "NA", "größer", '"\n\n"', "=1+1")
HEADER = "id,text,temp,cnt"


def hard_csv(rows=600, seed=3):
    """Return CSV: of 20 rows about one has a fault, and of 10 rows one has an id that another has."""
    draw = random.Random(seed)
    lines = [HEADER]
    for number in range(rows):
        identity = draw.randrange(number) if number and draw.random() < 0.1 else number
        text = draw.choice(CELLS)
        if text == '"':
            text = "'"
        temp = "warm" if draw.random() < 0.03 else f"{draw.random():.3f}"
        cnt = "" if draw.random() < 0.02 else str(draw.randrange(100))
        lines.append(f"{identity},{text},{temp},{cnt}" + (",more" if draw.random() < 0.02 else ""))
        if draw.random() < 0.02:
            lines.append("")
    return "\n".join(lines) + "\n"


def hard_table(rows=600):
    """Return the rows of `hard_csv` that Parquet can have, with absent cells where they are empty."""
    return read_bytes(hard_csv(rows).encode()).cells
