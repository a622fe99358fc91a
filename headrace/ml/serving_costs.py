"""What each kind of endpoint costs in a month, and from which volume on another one is cheaper."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

HOURS = 730
"""Hours of a month: 8,760 of a year by twelve."""
MONTH_S = 3600 * HOURS
UTILISATION = 0.7
"""Share of its processors that an instance is planned to use: above it answers begin to wait for each other."""
_DAY_H = 24
_USUAL_PEAK = 3
_IDLE_H = 0.25
"""An asynchronous endpoint scales in to nothing when a quarter of an hour was quiet."""
JOB_OVERHEAD_H = 2 / 60
"""What a transform job bills before its first answer: the instance fetches image and model."""


@dataclass(frozen=True)
class Prices:
    """Of one region, in US dollars.

    Parameters
    ----------
    serverless_gb_s : float
        A second of computing with a GB of memory.
    provisioned_gb_s, provisioned_run_gb_s : float
        With provisioned concurrency: a second of being ready, and of computing, with a GB of memory.
    instance_h : float
        An hour of the instance.
    data_gb : float
        A GB into an endpoint, or out of it.
    put, get : float
        A request to S3.
    """

    serverless_gb_s: float
    provisioned_gb_s: float
    provisioned_run_gb_s: float
    instance_h: float
    data_gb: float
    put: float
    get: float


@dataclass(frozen=True)
class Load:
    """What an endpoint has to do.

    Parameters
    ----------
    requests : float
        A month.
    peak_rps : float
        Requests a second in the busiest minute.
    answer_s : float
        What the container takes for one answer, in seconds, on one processor.
    payload_mb : float
        Request and answer together, in MB.
    busy_h : float
        Hours of a day in which requests come, up to 24.
    batches : float
        Files a month, if requests can be gathered.
    """

    requests: float
    peak_rps: float
    answer_s: float
    payload_mb: float = 0.01
    busy_h: float = _DAY_H
    batches: float = 30

    @property
    def mean_rps(self) -> float:
        """Requests a second in the hours in which they come."""
        return self.requests / (MONTH_S * self.busy_h / _DAY_H)

    @property
    def at_once(self) -> int:
        """Requests that are worked on at the same time, at the peak: arrivals by time [1]_.

        References
        ----------
        .. [1] Little, J. D. C. (1961). A proof for the queuing formula L = λW. Operations Research 9(3).
        """
        return math.ceil(self.peak_rps * self.answer_s)

    def with_usual_peak(self) -> Load:
        """Return the same load with a peak of three times its mean, where nobody knows better."""
        return replace(self, peak_rps=_USUAL_PEAK * self.mean_rps)


@dataclass(frozen=True)
class Size:
    """What the endpoint is made of.

    Parameters
    ----------
    memory_gb : float
        Of a serverless endpoint.
    vcpus : int
        Of an instance.
    least : int
        So many instances there are at any time; two survive the loss of one.
    """

    memory_gb: float = 2
    vcpus: int = 2
    least: int = 2


def serverless_usd(load: Load, size: Size, prices: Prices) -> float:
    """Return what a serverless endpoint costs in a month, in US dollars.

    Examples
    --------
    A million answers of 20 ms with 2 GB, and 10 GB of data:

    >>> prices = Prices(0.00002, 0.000005, 0.0000116667, 0.1152, 0.016, 0.000005, 0.0000004)
    >>> round(serverless_usd(Load(1_000_000, 5, 0.02), Size(), prices), 2)
    0.96
    """
    return _per_request(load, size, prices.serverless_gb_s) * load.requests + _data(load, prices)


def provisioned_usd(load: Load, size: Size, prices: Prices) -> float:
    """Return the same with as much provisioned concurrency as the peak needs, around the clock.

    Examples
    --------
    >>> prices = Prices(0.00002, 0.000005, 0.0000116667, 0.1152, 0.016, 0.000005, 0.0000004)
    >>> round(provisioned_usd(Load(1_000_000, 5, 0.02), Size(), prices), 2)
    26.91
    """
    ready = load.at_once * size.memory_gb * MONTH_S * prices.provisioned_gb_s
    return ready + _per_request(load, size, prices.provisioned_run_gb_s) * load.requests + _data(load, prices)


def instances_for(rps: float, load: Load, size: Size) -> int:
    """Return how many instances answer `rps` requests a second at `UTILISATION`, at least one.

    Examples
    --------
    100 answers of 20 ms are two processors at work; at 70 % of two each, that takes two instances:

    >>> instances_for(100, Load(1e8, 100, 0.02), Size(vcpus=2))
    2
    """
    return max(1, math.ceil(rps * load.answer_s / (size.vcpus * UTILISATION) - 1e-9))


def realtime_usd(load: Load, size: Size, prices: Prices) -> float:
    """Return what a real-time endpoint costs whose instances are as many as the peak needs.

    Examples
    --------
    >>> prices = Prices(0.00002, 0.000005, 0.0000116667, 0.1152, 0.016, 0.000005, 0.0000004)
    >>> round(realtime_usd(Load(1_000_000, 5, 0.02), Size(), prices), 2)
    168.35
    """
    count = max(size.least, instances_for(load.peak_rps, load, size))
    return count * HOURS * prices.instance_h + _data(load, prices)


def scaled_usd(load: Load, size: Size, prices: Prices) -> float:
    """Return the same with instances that follow the load: as many as its mean needs in busy hours, `size.least` else."""
    busy = max(size.least, instances_for(load.mean_rps, load, size))
    share = load.busy_h / _DAY_H
    count = busy * share + size.least * (1 - share)
    return count * HOURS * prices.instance_h + _data(load, prices)


def asynchronous_usd(load: Load, size: Size, prices: Prices, *, least: int) -> float:
    """Return what an asynchronous endpoint costs that goes down to `least` instances between the busy hours.

    Every request is a file: it is put and got, and so is its answer.
    """
    busy = max(least, instances_for(load.mean_rps, load, size))
    share = min(1.0, (load.busy_h + _IDLE_H) / _DAY_H)
    hours = HOURS * (busy * share + least * (1 - share))
    files = 2 * load.requests * (prices.put + prices.get)
    return hours * prices.instance_h + files + _data(load, prices)


def batch_usd(load: Load, size: Size, prices: Prices) -> float:
    """Return what transform jobs cost that answer a month's requests in `load.batches` files, one instance each.

    Examples
    --------
    Thirty jobs that begin for two minutes each, and 5.6 hours of one processor on two:

    >>> prices = Prices(0.00002, 0.000005, 0.0000116667, 0.1152, 0.016, 0.000005, 0.0000004)
    >>> round(batch_usd(Load(1_000_000, 5, 0.02), Size(vcpus=2), prices), 2)
    0.44
    """
    hours = load.batches * JOB_OVERHEAD_H + load.requests * load.answer_s / size.vcpus / 3600
    return hours * prices.instance_h + 2 * load.batches * (prices.put + prices.get)


def break_even(load: Load, size: Size, prices: Prices) -> float | None:
    """Return from how many requests a month a real-time endpoint costs less than a serverless one; None if never.

    Its instances are taken to follow the load, as in `scaled_usd`. What both take for data cancels out.

    Parameters
    ----------
    load : Load
        Its volume does not matter, only how long an answer takes and when requests come.
    size : Size
        Of both endpoints.
    prices : Prices
        Of both endpoints.

    Examples
    --------
    An instance is $84.10 a month, 20 ms with 2 GB are $0.0000008: 105 million requests. They come 40 times a second, which one
    instance can answer. With 1 GB it is half the price, and no instance is ever busy enough:

    >>> prices = Prices(0.00002, 0.000005, 0.0000116667, 0.1152, 0.016, 0.000005, 0.0000004)
    >>> load = Load(1_000_000, 5, 0.02)
    >>> round(break_even(load, Size(least=1), prices) / 1e6, 1), break_even(load, Size(memory_gb=1), prices)
    (105.1, None)
    """
    each = _per_request(load, size, prices.serverless_gb_s)
    instance, share = HOURS * prices.instance_h, load.busy_h / _DAY_H
    if instance / MONTH_S * load.answer_s / (size.vcpus * UTILISATION) >= each:
        return None  # even instances that are always busy cost more
    busy = size.least
    while True:
        requests = (busy * share + size.least * (1 - share)) * instance / each
        if instances_for(requests / (MONTH_S * share), load, size) <= busy:
            return requests
        busy += 1


def _per_request(load: Load, size: Size, gb_s: float) -> float:
    return load.answer_s * size.memory_gb * gb_s


def _data(load: Load, prices: Prices) -> float:
    return load.requests * load.payload_mb / 1000 * prices.data_gb
