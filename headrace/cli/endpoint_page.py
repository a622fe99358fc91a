"""Writes docs/choose-endpoint.md from the sums, so that it cannot say anything else than they do."""

from __future__ import annotations

from headrace.cli.endpoint_prices import hosting_prices
from headrace.cli.endpoint_words import break_even_text, rate
from headrace.config.prices import vcpus
from headrace.ml.serving_choice import Needs, options
from headrace.ml.serving_costs import MONTH_S, Load, Prices, Size, break_even

_INSTANCE = "ml.m5.large"
_VOLUMES = (10_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000)
_MEMORIES_GB, _LEAST = (1, 2, 4, 6), (1, 2)
_ANSWER_S, _BUSY_H = 0.02, 8
_COLUMNS = (
    "serverless",
    "serverless, kept warm",
    "realtime",
    "realtime, following the load",
    "asynchronous",
    "batch",
)

_HEAD = """\
# Which kind of endpoint?

One word in the pipeline file, `endpoint.kind`, says how the model answers. `headrace endpoint` computes what each kind costs for your
load, says which ones do not suit and why, and prints the lines for the file:

```console
$ headrace endpoint --requests-per-month 30_000_000 --peak 60 --answer-ms 20 --never-cold
```

| kind | answers | a request has at most | an answer takes at most | after a pause | without requests | take it when |
|---|---|---|---|---|---|---|
| `serverless` | at once | 4 MB | 60 s, 200 at the same time | the first request waits for seconds | nothing bills | traffic is low, or comes and goes |
| `serverless` with [`provisioned_concurrency`](scaling.md) | at once | 4 MB | 60 s, 200 at the same time | nobody waits | what is kept ready bills | the same, but nobody may wait |
| `realtime` | at once | 6 MB | 60 s | nobody waits | instances bill | traffic is steady and high, or nobody may wait |
| [`asynchronous`](asynchronous.md) | in S3 | 200 MB | an hour | the first one waits for minutes, in a queue | [nothing bills](scaling.md) with `scaling.min: 0` | answers are slow or large, and may be late |
| [`batch`](batch-predictions.md) | in S3, a file at a time | 6 MB for a row, `ingest.max_file_mb` for a file | a day for a file | each file waits some minutes | nothing bills | nobody waits for an answer |

"""

_SUMS = """\
## What it costs

US dollars a month, for answers of 20 ms with 10 kB of request and answer; requests come in eight hours
of each day, at the peak three times as many as on average; serverless with 2 GB, the others on `ml.m5.large`, of which at least two
run; 30 files a month. Prices are AWS's list prices for us-east-1, as
`headrace/config/prices.py` has them (checked in November 2026; those of provisioned concurrency are estimated from Lambda's): look yours up
before you decide. A dash: it does not suit.

{costs}

## From when on instances are cheaper

Requests a month (and a second, on average over the month) from which a real-time endpoint whose instances
[follow the load](scaling.md) costs less than a serverless one; again in eight hours of each day (`--busy-hours 8`; the command has 24
unless it is told, and the border is lower where requests come all day). The answer's time hardly matters while one instance is enough: serverless bills it, and it fills the instance just the same.

{volumes}

In a sentence: with 2 GB and two instances, {sentence}
Below that serverless is cheaper, by far.

## How it is computed

* serverless: seconds of answers, times GB, and data; kept warm: as many as are at work at the peak (Little's law), times GB, around
  the clock, and a smaller price of the seconds.
* realtime: as many instances as the peak needs with 70 % of their processors at work, 730 hours; following the load: as many as the mean
  needs.
* asynchronous: the same, in the hours in which requests come and a quarter of an hour after them; four requests to S3 for each answer.
* batch: two minutes for each file, and the seconds of all answers, shared by the processors of one instance.

The page is made by `headrace endpoint --markdown`; `headrace endpoint --json` is for scripts.
"""


def page_text() -> str:
    """Return the page, with its tables computed."""
    prices = _prices()
    two = break_even(_load(1_000_000), Size(2, vcpus(_INSTANCE), 2), prices)
    sentence = break_even_text(two)
    sums = _SUMS.format(
        costs=_costs(prices), volumes=_volumes(prices), sentence=sentence[0].lower() + sentence[1:]
    )
    return _HEAD + sums


def _prices() -> Prices:
    prices = hosting_prices(_INSTANCE)
    if prices is None:
        raise LookupError(f"{_INSTANCE} has no price")
    return prices


def _load(requests: float) -> Load:
    return Load(requests, 1, _ANSWER_S, busy_h=_BUSY_H).with_usual_peak()


def _costs(prices: Prices) -> str:
    rows = [_cost_row(requests, prices) for requests in _VOLUMES]
    head = "requests a month | a second, at the peak | " + " | ".join(_COLUMNS)
    return _table(head, rows)


def _cost_row(requests: int, prices: Prices) -> str:
    load, size = _load(requests), Size(2, vcpus(_INSTANCE), 2)
    patient = Needs(latency_s=30 * 24 * 3600)
    found = {option.name: option for option in options(load, patient, size, prices, _INSTANCE)}
    cells = [
        f"{found[name].usd:,.2f}" if name in found and not found[name].why_not else "-" for name in _COLUMNS
    ]
    return " | ".join([f"{requests:,}", rate(load.peak_rps), *cells])


def _volumes(prices: Prices) -> str:
    rows = [
        " | ".join([f"{memory} GB", *(_volume(memory, least, prices) for least in _LEAST)])
        for memory in _MEMORIES_GB
    ]
    return _table("serverless with | one instance at least | two at least", rows)


def _volume(memory_gb: float, least: int, prices: Prices) -> str:
    requests = break_even(_load(1_000_000), Size(memory_gb, vcpus(_INSTANCE), least), prices)
    return (
        "never"
        if requests is None
        else f"{requests / 1e6:,.0f} million ({rate(requests / MONTH_S)} a second)"
    )


def _table(head: str, rows: list[str]) -> str:
    lines = [head, " | ".join("---" for _ in head.split(" | ")), *rows]
    return "\n".join(f"| {line} |" for line in lines).replace("| --- ", "|---").replace("---|", "---|")
