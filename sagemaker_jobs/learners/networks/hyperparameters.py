"""What can be said about a network and its training, by plain names that are the same in every framework."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from sagemaker_jobs.failures import JobError


@dataclass(frozen=True)
class Hyperparameters:
    """How large a network is, and how it is trained.

    Parameters
    ----------
    hidden_layers : int
        Layers behind the branches, 0 to 8; without any the network is linear in what the branches say.
    hidden_units : int
        Width of each.
    dropout : float
        Share of a layer that is left out at random in training, in [0, 1).
    embedding_size : int
        Numbers that are learned for each word of a text.
    filters : int
        Of the first block of convolutions; the second has twice as many, all later ones four times.
    picture : str
        "8x8" or "32x32x3": the columns of numbers are the points of a picture of this height, width and colours, row by row.
        By default only columns of kind image are pictures.
    learning_rate : float
        Of AdamW at the start; it falls to 0 along half a cosine.
    weight_decay : float
        Of AdamW.
    batch_size : int
        Rows that are learned from at once; by default a 32nd of the training rows, from 32 to 256.
    epochs : int
        Most times that all rows are read.
    patience : int
        Epochs without an improvement on the validation rows, after which training ends.

    Raises
    ------
    JobError
        If a value is out of its range.
    """

    hidden_layers: int = 2
    hidden_units: int = 256
    dropout: float = 0.1
    embedding_size: int = 64
    filters: int = 16
    picture: str = ""
    learning_rate: float = 0.002
    weight_decay: float = 0.01
    batch_size: int = 0
    epochs: int = 40
    patience: int = 10

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Self:
        """Return hyperparameters as they are given by name.

        Raises
        ------
        JobError
            Naming what is unknown or out of its range.

        Examples
        --------
        >>> Hyperparameters.read({"hidden_units": 64}).hidden_units
        64
        """
        known = [field.name for field in fields(cls)]
        if unknown := sorted(set(given) - set(known)):
            raise JobError(f"a network has no hyperparameter {', '.join(unknown)}; it has {', '.join(known)}")
        return cls(**{name: _read(name, value) for name, value in given.items()})

    @property
    def picture_shape(self) -> tuple[int, int, int] | None:
        """Height, width and colours that `picture` says; None without."""
        if not self.picture:
            return None
        parts = self.picture.lower().split("x")
        if len(parts) not in (2, 3) or not all(part.isdigit() and int(part) for part in parts):
            raise JobError(
                f"training.hyperparameters: picture is written 28x28 or 32x32x3, not {self.picture!r}"
            )
        height, width, *colours = map(int, parts)
        return height, width, colours[0] if colours else 1

    def rows_at_once(self, rows: int) -> int:
        """Return the size of a batch of so many training rows.

        Examples
        --------
        >>> Hyperparameters().rows_at_once(100), Hyperparameters().rows_at_once(30_000)
        (32, 256)
        """
        if self.batch_size:
            return self.batch_size
        return min(max(1 << (rows // 32).bit_length(), 32), 256)


_RANGES: dict[str, tuple[float, float]] = {
    "hidden_layers": (0, 8),
    "hidden_units": (1, 4096),
    "dropout": (0, 0.95),
    "embedding_size": (1, 1024),
    "filters": (1, 512),
    "learning_rate": (1e-7, 1),
    "weight_decay": (0, 10),
    "batch_size": (0, 65_536),
    "epochs": (1, 10_000),
    "patience": (1, 10_000),
}
"""Smallest and largest value by name. A batch of size 0 stands for the default."""


def _read(name: str, value: Any) -> Any:
    if name not in _RANGES:
        return str(value)
    lowest, highest = _RANGES[name]
    whole = isinstance(getattr(Hyperparameters, name), int)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not lowest <= value <= highest or (whole and value != int(value)):
        kind = "a whole number" if whole else "a number"
        raise JobError(
            f"training.hyperparameters: {name} is {kind} from {lowest:g} to {highest:g}, not {value!r}"
        )
    return int(value) if whole else float(value)
