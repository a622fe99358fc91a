"""The same steps as ours in pandas, as one would write them with care: `python -m benchmarks.cleaning.by_pandas FILE FOLDER`."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pandas as pd

from benchmarks.cleaning.columns import BOOLEAN, CATEGORIES, ID, NUMBERS, TARGET, TIME
from headrace.ml.words import FALSE_WORDS, MISSING_TOKENS, TRUE_WORDS

_TRUTH = dict.fromkeys(TRUE_WORDS, True) | dict.fromkeys(FALSE_WORDS, False)


def main(source: Path, folder: Path) -> dict[str, int]:
    """Read text, trim it, tell what is missing, type it, judge every row, drop duplicates, write Parquet and the refused."""
    text = pd.read_csv(source, dtype=str, keep_default_na=False)
    for name in text.columns:
        cells = text[name].str.strip()
        text[name] = cells.mask(cells.str.lower().isin(MISSING_TOKENS))
    typed, reason = pd.DataFrame(index=text.index), pd.Series("", index=text.index)
    for name in NUMBERS:
        typed[name] = pd.to_numeric(text[name], errors="coerce")
        _note(reason, text[name].notna() & typed[name].isna(), f"{name}: not_a_number")
    typed[TIME] = pd.to_datetime(text[TIME], format="ISO8601", errors="coerce")
    _note(reason, typed[TIME].isna(), f"{TIME}: not_a_datetime")
    typed[BOOLEAN] = text[BOOLEAN].str.lower().map(_TRUTH).astype("boolean")
    _note(reason, text[BOOLEAN].notna() & typed[BOOLEAN].isna(), f"{BOOLEAN}: not_a_boolean")
    for name in (ID, TARGET, *CATEGORIES):
        typed[name] = text[name]
        _note(reason, text[name].str.len() > 1000, f"{name}: too_long")  # noqa: PLR2004
    for name in (ID, TARGET):
        _note(reason, text[name].isna(), f"{name}: missing")
    again = typed.loc[reason == "", ID].duplicated(keep="last")
    reason.loc[again.index[again]] = f"{ID}: duplicate_id"
    good = reason == ""
    typed[good].to_parquet(folder / "good.parquet", index=False, compression="snappy")
    text[~good].assign(reason=reason[~good]).to_csv(folder / "rejected.csv")
    return {"accepted": int(good.sum()), "quarantined": int((~good).sum())}


def _note(reason: pd.Series, wrong: pd.Series, text: str) -> None:
    """Keep the first fault of every row."""
    reason.mask(wrong.fillna(False).astype(bool) & (reason == ""), text, inplace=True)


if __name__ == "__main__":
    started = time.perf_counter()
    counts = main(Path(sys.argv[1]), Path(sys.argv[2]))
    print(json.dumps({"seconds": time.perf_counter() - started, "counts": counts}))
