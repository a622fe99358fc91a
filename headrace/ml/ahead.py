"""Work that goes on in the background, a step or several ahead."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

_T = TypeVar("_T")
_S = TypeVar("_S")


def one_ahead(items: Iterator[_T]) -> Iterator[_T]:
    """Yield `items`, each made by another thread while the caller is busy with the one before.

    What making one raises is raised here, in its turn.

    Examples
    --------
    >>> list(one_ahead(iter("abc")))
    ['a', 'b', 'c']
    """
    end = object()
    with ThreadPoolExecutor(1) as maker:
        following = maker.submit(next, items, end)
        while (item := following.result()) is not end:
            following = maker.submit(next, items, end)
            yield item  # type: ignore[misc]


def several_ahead(work: Callable[[_S], _T], items: Iterable[_S], at_once: int) -> Iterator[_T]:
    """Yield what `work` makes of each item, in their order; it is done for so many items at once, and no more are held.

    Examples
    --------
    >>> list(several_ahead(str.upper, "abc", 2))
    ['A', 'B', 'C']
    """
    under_way: deque[Future[_T]] = deque()
    with ThreadPoolExecutor(at_once) as pool:
        for item in items:
            under_way.append(pool.submit(work, item))
            if len(under_way) == at_once:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
