"""`headrace endpoint`: which kind of endpoint suits, and what each one costs."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from typing import Any

from headrace.cli.endpoint_page import page_text
from headrace.cli.endpoint_prices import hosting_prices
from headrace.cli.endpoint_words import break_even_text, yaml_text
from headrace.cli.screen import CommandError, Commands, add_command, say, show, show_table
from headrace.config.limits import ARM_INSTANCE, INSTANCE_TYPE
from headrace.config.prices import PRICES_PAGE, vcpus
from headrace.ml.serving_choice import Needs, Option, Recommendation, options, recommend
from headrace.ml.serving_costs import MONTH_S, Load, Prices, Size, break_even

_MEMORY_MB = tuple(range(1024, 6145, 1024))


def add_commands(commands: Commands) -> None:
    """Add the command."""
    command = add_command(
        commands, "endpoint", endpoint, "tell which kind of endpoint suits, and what each one costs a month"
    )
    number = command.add_argument
    number("--requests-per-month", type=_positive, default=1_000_000, help="default: a million", metavar="N")
    number(
        "--peak",
        type=_positive,
        metavar="N",
        help="requests a second at the peak (default: three times the mean)",
    )
    number(
        "--latency-ms",
        type=_positive,
        default=1000,
        help="an answer must be there (default: 1000)",
        metavar="MS",
    )
    number(
        "--answer-ms", type=_positive, default=20, help="the model needs for one (default: 20)", metavar="MS"
    )
    number(
        "--payload-mb", type=_positive, default=0.01, help="request and answer (default: 0.01)", metavar="MB"
    )
    number(
        "--busy-hours",
        type=_hours,
        default=24,
        help="hours of a day with requests (default: 24)",
        metavar="H",
    )
    number(
        "--batches-per-month",
        type=_positive,
        default=30,
        help="files, if they can wait (default: 30)",
        metavar="N",
    )
    number(
        "--memory-mb", type=int, choices=_MEMORY_MB, default=2048, help="of a serverless one (default: 2048)"
    )
    number("--instance", default="ml.m5.large", help="of the others (default: ml.m5.large)")
    number(
        "--instances",
        type=int,
        default=2,
        help="at least (default: 2, which survive the loss of one)",
        metavar="N",
    )
    number(
        "--never-cold", action="store_true", help="the first request after a pause may not wait for seconds"
    )
    number("--markdown", action="store_true", help="print docs/choose-endpoint.md instead")


def endpoint(arguments: argparse.Namespace) -> None:
    """Print the costs of all kinds, the break-even, and which one to take."""
    if arguments.markdown:
        say(page_text().rstrip("\n"))
        return
    prices = _prices(arguments.instance)
    load, size = _load(arguments), _size(arguments)
    document = choice(load, size, prices, arguments)
    if arguments.json:
        show(document, as_json=True)
        return
    _print(document, load)


def choice(load: Load, size: Size, prices: Prices, arguments: argparse.Namespace) -> dict[str, Any]:
    """Return all that the command tells, for scripts."""
    found = options(
        load, Needs(arguments.latency_ms / 1000, arguments.never_cold), size, prices, arguments.instance
    )
    best, volume = recommend(found), break_even(load, size, prices)
    return {
        "kinds": [_described(option) for option in found],
        "break_even": {
            "requests_per_month": None if volume is None else round(volume),
            "requests_per_second": None if volume is None else round(volume / MONTH_S, 2),
        },
        "recommended": _recommended(best),
        "prices": f"US dollars, us-east-1, on demand; {PRICES_PAGE}",
    }


def _described(option: Option) -> dict[str, Any]:
    return {
        "kind": option.name,
        "usd_per_month": round(option.usd, 2),
        "suits": not option.why_not,
        "why_not": option.why_not or None,
    }


def _recommended(best: Recommendation | None) -> dict[str, Any] | None:
    if best is None:
        return None
    return {"kind": best.option.name, "why": best.why, "endpoint": best.option.endpoint}


def _print(document: dict[str, Any], load: Load) -> None:
    rows = [
        [kind["kind"], f"${kind['usd_per_month']:,.2f}", kind["why_not"] or ""] for kind in document["kinds"]
    ]
    title = f"{load.requests:,.0f} requests a month, {load.peak_rps:.3g} a second at the peak"
    show_table(["kind", "a month", "speaks against it"], rows, title=title)
    say(break_even_text(document["break_even"]["requests_per_month"]))
    best = document["recommended"]
    if best is None:
        say("None of them suits: let answers take longer, make them smaller, or name larger instances.")
        return
    say(f"Take {best['kind']}. {best['why']}\n\n{yaml_text(best['endpoint'])}")


# --- what was typed


def _load(arguments: argparse.Namespace) -> Load:
    peak = arguments.peak
    load = Load(
        arguments.requests_per_month,
        peak or 1,
        arguments.answer_ms / 1000,
        arguments.payload_mb,
        arguments.busy_hours,
        arguments.batches_per_month,
    )
    if peak is None:
        return load.with_usual_peak()
    if peak < load.mean_rps:
        raise CommandError(
            f"--peak {peak:g} is less than the mean of {load.mean_rps:.3g} a second: name a higher peak, or more busy hours"
        )
    return load


def _size(arguments: argparse.Namespace) -> Size:
    if not 1 <= arguments.instances <= 100:  # noqa: PLR2004 - as in the pipeline file
        raise CommandError(f"--instances {arguments.instances} is not from 1 to 100")
    return Size(arguments.memory_mb / 1024, vcpus(arguments.instance), arguments.instances)


def _prices(instance: str) -> Prices:
    if not re.match(INSTANCE_TYPE, instance) or re.match(ARM_INSTANCE, instance):
        raise CommandError(
            f"--instance {instance} is no type of instance with an x86 processor, such as ml.m5.large"
        )
    prices = hosting_prices(instance)
    if prices is None:
        raise CommandError(f"what an hour of {instance} costs is not known here: see {PRICES_PAGE}")
    return prices


def _number(fits: Callable[[float], bool], says: str) -> Callable[[str], float]:
    def number(given: str) -> float:
        try:
            value = float(given.replace("_", ""))
        except ValueError:
            value = float("nan")
        if not fits(value):
            raise argparse.ArgumentTypeError(f"{given!r} is not {says}")
        return value

    return number


_positive = _number(lambda value: 0 < value < 1e15, "a number above 0, and below 1e15")  # noqa: PLR2004
_hours = _number(lambda value: 0 < value <= 24, "a number of hours up to 24")  # noqa: PLR2004
