"""Which kind of endpoint suits a load: what each can do, what it costs, and why one is to be preferred."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from headrace.ml.serving_costs import (
    HOURS,
    JOB_OVERHEAD_H,
    UTILISATION,
    Load,
    Prices,
    Size,
    asynchronous_usd,
    batch_usd,
    instances_for,
    provisioned_usd,
    realtime_usd,
    scaled_usd,
    serverless_usd,
)

# What SageMaker's kinds can do at most [1]_: payloads in MB, answers in seconds, requests at the same time. An asynchronous
# endpoint carries 1 GB, of which Headrace's container takes what `endpoint.asynchronous.max_request_mb` may say.
_SERVERLESS_MB, _REALTIME_MB, _ASYNCHRONOUS_MB, _BATCH_ROW_MB = 4, 6, 200, 6
_ASYNCHRONOUS_UNLESS_SAID_MB = 50
_ANSWER_S, _ASYNCHRONOUS_ANSWER_S = 60, 3600
_SERVERLESS_AT_ONCE = 200
_VIA_S3_S = 1
_INSTANCE_START_S = 600
"""What the first request waits where an asynchronous endpoint has no instance: alarm, instance, image, model."""
_SLOW_S = 0.5
_LEAST_CONCURRENCY = 5
_MOST_INSTANCES = 100

Settings = dict[str, object]


@dataclass(frozen=True)
class Needs:
    """What is asked of an endpoint beside the load.

    Parameters
    ----------
    latency_s : float
        After so many seconds an answer must be there.
    never_cold : bool
        Whether that holds for the first request after a pause, too.
    """

    latency_s: float = 1
    never_cold: bool = False


@dataclass(frozen=True)
class Option:
    """One way to answer.

    Parameters
    ----------
    name : str
        For people.
    usd : float
        A month, in US dollars.
    why_not : str
        What it cannot do that is needed; empty if it suits.
    endpoint : dict
        The block `endpoint` of the pipeline file.
    """

    name: str
    usd: float
    why_not: str
    endpoint: Settings


@dataclass(frozen=True)
class Recommendation:
    """What suits best, and why."""

    option: Option
    why: str


def options(load: Load, needs: Needs, size: Size, prices: Prices, instance: str) -> list[Option]:
    """Return every kind of endpoint, with what it costs and what speaks against it.

    Parameters
    ----------
    load : Load
        What is to be answered.
    needs : Needs
        How fast.
    size : Size
        Of what.
    prices : Prices
        Of one region.
    instance : str
        The instance's type, for the pipeline file.
    """
    found = [
        _serverless(load, needs, size, prices),
        _provisioned(load, needs, size, prices),
        _realtime(load, needs, size, prices, instance),
        _scaled(load, needs, size, prices, instance),
        _asynchronous(load, needs, size, prices, instance),
        Option("batch", batch_usd(load, size, prices), _against_batch(load, needs), {"kind": "batch"}),
    ]
    return [option for option in found if option is not None]


def recommend(found: Sequence[Option]) -> Recommendation | None:
    """Return the cheapest that suits, with the reason in words; None if none does.

    Examples
    --------
    >>> slow = Option("realtime", 168.2, "", {"kind": "realtime"})
    >>> cold = Option("serverless", 0.96, "the first request after a pause waits for seconds", {"kind": "serverless"})
    >>> warm = Option("serverless, kept warm", 26.91, "", {})
    >>> print(recommend([cold, warm, slow]).why)
    The cheapest that suits, at $26.91 a month; realtime takes $168.20. serverless would take $0.96, but the first request after a pause waits for seconds.
    """
    suiting = sorted((option for option in found if not option.why_not), key=lambda option: option.usd)
    if not suiting:
        return None
    best, others = suiting[0], suiting[1:]
    why = f"The only one that suits, at {_usd(best.usd)} a month."
    if others:
        why = f"The cheapest that suits, at {_usd(best.usd)} a month; {others[0].name} takes {_usd(others[0].usd)}."
    cheaper = [option for option in found if option.why_not and option.usd < best.usd]
    if cheaper:
        missed = min(cheaper, key=lambda option: option.usd)
        why += f" {missed.name} would take {_usd(missed.usd)}, but {missed.why_not}."
    return Recommendation(best, why)


def _usd(amount: float) -> str:
    return f"${amount:,.2f}"


# --- the kinds


def _serverless(load: Load, needs: Needs, size: Size, prices: Prices) -> Option:
    why_not = _against_serverless(load, needs)
    if needs.never_cold and not why_not:
        why_not = "the first request after a pause waits for seconds"
    return Option("serverless", serverless_usd(load, size, prices), why_not, _serverless_block(load, size))


def _provisioned(load: Load, needs: Needs, size: Size, prices: Prices) -> Option:
    block = {
        **_serverless_block(load, size),
        "provisioned_concurrency": min(load.at_once, _SERVERLESS_AT_ONCE),
    }
    usd = provisioned_usd(load, size, prices)
    return Option("serverless, kept warm", usd, _against_serverless(load, needs), block)


def _realtime(load: Load, needs: Needs, size: Size, prices: Prices, instance: str) -> Option:
    count = max(size.least, instances_for(load.peak_rps, load, size))
    block: Settings = {"kind": "realtime", "instance": instance, "instances": count}
    return Option("realtime", realtime_usd(load, size, prices), _against_realtime(load, needs, size), block)


def _scaled(load: Load, needs: Needs, size: Size, prices: Prices, instance: str) -> Option | None:
    """Return a real-time endpoint that scales, if its peak takes more than the least number of instances."""
    most = instances_for(load.peak_rps, load, size)
    if most <= size.least:
        return None
    scaling: Settings = {"min": size.least, "max": most, **_target(load, size)}
    block: Settings = {"kind": "realtime", "instance": instance, "instances": size.least, "scaling": scaling}
    usd = scaled_usd(load, size, prices)
    return Option("realtime, following the load", usd, _against_realtime(load, needs, size), block)


def _target(load: Load, size: Size) -> Settings:
    """Return what one instance is to have: requests a minute, or at the same time if one takes long."""
    if load.answer_s > _SLOW_S:
        return {"by": "concurrency", "target": max(1, round(size.vcpus * UTILISATION))}
    return {"by": "invocations", "target": max(1, math.floor(60 * size.vcpus * UTILISATION / load.answer_s))}


def _asynchronous(load: Load, needs: Needs, size: Size, prices: Prices, instance: str) -> Option:
    """Return an asynchronous endpoint, which goes down to no instance if a request may wait for the first one."""
    least = 0 if needs.latency_s >= _INSTANCE_START_S else 1
    most = max(least + 1, min(_MOST_INSTANCES, instances_for(load.peak_rps, load, size)))
    # As many requests may wait as are answered while the slowest of them may still be on time.
    waiting = max(1, min(1000, math.floor(needs.latency_s / load.answer_s * size.vcpus / 2)))
    scaling: Settings = {"min": least, "max": most, "by": "backlog", "target": waiting}
    block: Settings = {"kind": "asynchronous", "instance": instance, "instances": 1, "scaling": scaling}
    if load.payload_mb > _ASYNCHRONOUS_UNLESS_SAID_MB:
        block["asynchronous"] = {"max_request_mb": min(_ASYNCHRONOUS_MB, math.ceil(load.payload_mb))}
    usd = asynchronous_usd(load, size, prices, least=least)
    return Option("asynchronous", usd, _against_asynchronous(load, needs, size), block)


def _serverless_block(load: Load, size: Size) -> Settings:
    at_once = min(_SERVERLESS_AT_ONCE, max(_LEAST_CONCURRENCY, load.at_once))
    return {"kind": "serverless", "memory_mb": round(1024 * size.memory_gb), "max_concurrency": at_once}


# --- what speaks against them


def _against_serverless(load: Load, needs: Needs) -> str:
    if load.at_once > _SERVERLESS_AT_ONCE:
        return f"it answers {_SERVERLESS_AT_ONCE} requests at the same time, and the peak has {load.at_once}"
    return _too_large(load, _SERVERLESS_MB) or _too_slow(load, needs, _ANSWER_S)


def _against_realtime(load: Load, needs: Needs, size: Size) -> str:
    return (
        _too_large(load, _REALTIME_MB) or _too_slow(load, needs, _ANSWER_S) or _too_many_instances(load, size)
    )


def _against_asynchronous(load: Load, needs: Needs, size: Size) -> str:
    if needs.latency_s < _VIA_S3_S + load.answer_s:
        return "its answers come by way of S3, which takes about a second"
    return (
        _too_large(load, _ASYNCHRONOUS_MB)
        or _too_slow(load, needs, _ASYNCHRONOUS_ANSWER_S)
        or _too_many_instances(load, size)
    )


def _against_batch(load: Load, needs: Needs) -> str:
    hours = HOURS / load.batches
    if needs.latency_s < 3600 * hours:
        return f"a file is answered once in {_duration(hours)} only"
    if needs.latency_s < 3600 * JOB_OVERHEAD_H:
        return "a file takes two minutes to begin"
    return _too_large(load, _BATCH_ROW_MB)


def _duration(hours: float) -> str:
    number, unit = (hours, "hour") if hours >= 1 else (60 * hours, "minute")
    return f"{number:.3g} {unit}{'' if number == 1 else 's'}"


def _too_large(load: Load, most_mb: float) -> str:
    return f"a request or an answer has {most_mb} MB at most" if load.payload_mb > most_mb else ""


def _too_slow(load: Load, needs: Needs, most_s: float) -> str:
    if load.answer_s > most_s:
        return f"an answer may take {most_s} seconds at most"
    return "an answer alone takes longer than it may" if load.answer_s > needs.latency_s else ""


def _too_many_instances(load: Load, size: Size) -> str:
    needed = instances_for(load.peak_rps, load, size)
    return f"it takes {needed} such instances: name larger ones" if needed > _MOST_INSTANCES else ""
