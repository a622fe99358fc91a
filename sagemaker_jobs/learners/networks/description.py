"""What a network is made of: which columns come in how, the layers, and the shapes of what is learned."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import prod

Shape = tuple[int, ...]

KERNEL = 3
"""Width and height of what a convolution looks at, in points."""


@dataclass(frozen=True)
class Numbers:
    """Columns of numbers, brought to one scale.

    Parameters
    ----------
    columns : tuple of int
        Places in the matrix.
    centre, scale : tuple of float
        What is taken off each, and what it is divided by then, in the column's unit.
    gaps : tuple of int
        Columns, by their place in `columns`, that had missing cells in training: each gets an input that says so.
    """

    columns: tuple[int, ...] = ()
    centre: tuple[float, ...] = ()
    scale: tuple[float, ...] = ()
    gaps: tuple[int, ...] = ()

    @property
    def width(self) -> int:
        """How many inputs they are."""
        return len(self.columns) + len(self.gaps)


@dataclass(frozen=True)
class Category:
    """A column of codes, 0 to `levels` - 1; missing and unknown codes are one more.

    Parameters
    ----------
    column : int
        Place in the matrix.
    levels : int
        How many codes there are.
    size : int
        Numbers that are learned for each code; 0 for one input of 0 and 1 for each code.
    """

    column: int
    levels: int
    size: int


@dataclass(frozen=True)
class Tokens:
    """Columns of a text's word numbers, of which 0 says that there is no further word.

    Parameters
    ----------
    columns : tuple of int
        Places in the matrix.
    vocabulary : int
        How many numbers there are, with 0.
    size : int
        Numbers that are learned for each word; a text is their mean.
    """

    columns: tuple[int, ...]
    vocabulary: int
    size: int


@dataclass(frozen=True)
class Picture:
    """Columns of a picture's points, row by row, the colours of a point beside each other.

    Parameters
    ----------
    columns : tuple of int
        Places in the matrix.
    height, width, colours : int
        In points, and numbers for each point.
    centre, scale : float
        What is taken off each number, and what it is divided by then.
    filters : tuple of int
        Of each block of two convolutions, after which width and height are halved.
    """

    columns: tuple[int, ...]
    height: int
    width: int
    colours: int
    centre: float
    scale: float
    filters: tuple[int, ...]

    @property
    def size(self) -> int:
        """How many numbers come out of the last block."""
        halvings = len(self.filters)
        return self.filters[-1] * (self.height >> halvings) * (self.width >> halvings)


@dataclass(frozen=True)
class Network:
    """Branches for each kind of column, side by side, then layers that see all of them.

    Parameters
    ----------
    numbers : Numbers
        The columns of numbers.
    categories : tuple of Category
        The columns of codes.
    tokens : Tokens or None
        The words of texts.
    pictures : tuple of Picture
        The points of pictures.
    hidden : tuple of int
        Width of each layer behind the branches.
    outputs : int
        1 in a regression, one for each label otherwise.
    dropout : float
        Share of what a layer says that is left out at random in training, in [0, 1).
    """

    numbers: Numbers
    categories: tuple[Category, ...]
    tokens: Tokens | None
    pictures: tuple[Picture, ...]
    hidden: tuple[int, ...]
    outputs: int
    dropout: float

    @property
    def one_hot(self) -> tuple[Category, ...]:
        """The categories with an input for each code."""
        return tuple(category for category in self.categories if not category.size)

    @property
    def embedded(self) -> tuple[Category, ...]:
        """The categories for whose codes numbers are learned."""
        return tuple(category for category in self.categories if category.size)

    @property
    def dense_width(self) -> int:
        """How many inputs are numbers as they are."""
        return self.numbers.width + sum(category.levels + 1 for category in self.one_hot)

    @property
    def width(self) -> int:
        """How many numbers the first layer that sees all is given."""
        embedded = sum(category.size for category in self.embedded)
        words = self.tokens.size if self.tokens else 0
        return self.dense_width + embedded + words + sum(picture.size for picture in self.pictures)

    @property
    def shapes(self) -> dict[str, Shape]:
        """The shape of every array that is learned, by name.

        Tables are (codes, numbers), layers (outputs, inputs), convolutions (outputs, inputs, height, width).
        """
        shapes: dict[str, Shape] = {}
        for place, category in enumerate(self.embedded):
            shapes[f"category{place}_table"] = (category.levels + 1, category.size)
        if self.tokens:
            shapes["tokens_table"] = (self.tokens.vocabulary, self.tokens.size)
        for place, picture in enumerate(self.pictures):
            shapes |= _convolutions(f"picture{place}", picture)
        widths = (self.width, *self.hidden, self.outputs)
        for place, (given, made) in enumerate(pairwise(widths)):
            shapes |= {f"layer{place}_weight": (made, given), f"layer{place}_bias": (made,)}
        return shapes

    @property
    def parameters(self) -> int:
        """How many numbers are learned."""
        return sum(map(prod, self.shapes.values()))


def convolution_names(prefix: str, picture: Picture) -> list[tuple[str, str]]:
    """Return the names of the two convolutions of each block.

    Examples
    --------
    >>> convolution_names("picture0", Picture((), 8, 8, 1, 0.0, 1.0, (32,)))
    [('picture0_block0a', 'picture0_block0b')]
    """
    return [(f"{prefix}_block{block}a", f"{prefix}_block{block}b") for block, _ in enumerate(picture.filters)]


def _convolutions(prefix: str, picture: Picture) -> dict[str, Shape]:
    shapes: dict[str, Shape] = {}
    given = picture.colours
    for names, filters in zip(convolution_names(prefix, picture), picture.filters, strict=True):
        for name in names:
            shapes |= {f"{name}_weight": (filters, given, KERNEL, KERNEL), f"{name}_bias": (filters,)}
            given = filters
    return shapes
