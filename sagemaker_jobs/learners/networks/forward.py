"""How a network gets from its inputs to its sums: written once, for every framework and for the graph that answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

from sagemaker_jobs.learners.networks.description import Network, Picture, convolution_names

Tensor = TypeVar("Tensor")


class Operators(Protocol[Tensor]):
    """What a framework must be able to do. Rows are the first dimension of every tensor that is not learned."""

    def linear(self, given: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """Return ``given @ weight.T + bias``."""
        ...

    def relu(self, given: Tensor) -> Tensor:
        """Return what is above 0, and 0 otherwise."""
        ...

    def dropout(self, given: Tensor, share: float) -> Tensor:
        """Leave a share out at random and enlarge the rest in training; return all otherwise."""
        ...

    def convolution(self, given: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """Return a picture of the same width and height, from (rows, colours, height, width) to (rows, filters, …)."""
        ...

    def halved(self, given: Tensor) -> Tensor:
        """Return the largest of each two by two points."""
        ...

    def flat(self, given: Tensor) -> Tensor:
        """Return each row's numbers in one dimension."""
        ...

    def looked_up(self, table: Tensor, codes: Tensor, place: int) -> Tensor:
        """Return the table's row for the code in column `place`."""
        ...

    def mean_of(self, table: Tensor, codes: Tensor) -> Tensor:
        """Return the mean of the table's rows for all codes of a row that are not 0; zeros if all are."""
        ...

    def beside(self, blocks: Sequence[Tensor]) -> Tensor:
        """Return blocks as one, side by side."""
        ...


def forward(
    network: Network,
    inputs: Mapping[str, Tensor],
    learned: Mapping[str, Tensor],
    operators: Operators[Tensor],
) -> Tensor:
    """Return the sums that become numbers or probabilities, of shape (n_rows, n_outputs).

    Parameters
    ----------
    network : Network
        The layers.
    inputs : mapping
        ``dense`` (numbers), ``codes``, ``tokens``, ``picture0``, …, as `inputs_of` makes them; only those that there are.
    learned : mapping
        Arrays by the names of `Network.shapes`.
    operators : Operators
        Of the framework.
    """
    blocks = [inputs["dense"]] if network.dense_width else []
    for place, _ in enumerate(network.embedded):
        blocks.append(operators.looked_up(learned[f"category{place}_table"], inputs["codes"], place))
    if network.tokens:
        blocks.append(operators.mean_of(learned["tokens_table"], inputs["tokens"]))
    for place, picture in enumerate(network.pictures):
        blocks.append(_seen(f"picture{place}", picture, inputs[f"picture{place}"], learned, operators))
    given = blocks[0] if len(blocks) == 1 else operators.beside(blocks)
    for place, _ in enumerate(network.hidden):
        given = operators.relu(
            operators.linear(given, learned[f"layer{place}_weight"], learned[f"layer{place}_bias"])
        )
        given = operators.dropout(given, network.dropout)
    last = len(network.hidden)
    return operators.linear(given, learned[f"layer{last}_weight"], learned[f"layer{last}_bias"])


def _seen(
    prefix: str,
    picture: Picture,
    points: Tensor,
    learned: Mapping[str, Tensor],
    operators: Operators[Tensor],
) -> Tensor:
    for block in convolution_names(prefix, picture):
        for name in block:
            weight, bias = learned[f"{name}_weight"], learned[f"{name}_bias"]
            points = operators.relu(operators.convolution(points, weight, bias))
        points = operators.halved(points)
    return operators.flat(points)
