"""How fast the server is: beside FastAPI with scikit-learn, and beside the limit, a bare ASGI function with the same graph.

All run two processes on this machine, and so does the load; every answer is compared with the first one to the same request.
Then a million requests, and how long a start takes. Ends in one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from benchmarks.serving.load import Figures
from benchmarks.serving.problem import bodies, train_ours, train_rival
from benchmarks.serving.servers import WORKERS, Server, limit, ours, rival, seconds_to_first_answer

FORMATS = {"csv": "text/csv", "json": "application/json"}
ROWS, CONNECTIONS = (1, 100), (1, 16)
BUSY = max(CONNECTIONS)
STARTS = 5

Cell = tuple[str, int, int]
"""Format, rows of a request, connections."""

Say = Callable[[str], None]


def main() -> None:
    """Train, serve, load, and print."""
    options = _options()
    say = Console(stderr=True).print
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        say("training both models")
        model = train_ours(base / "ours")
        train_rival(base / "rival.joblib")
        with ExitStack() as stack:
            servers = [
                stack.enter_context(server)
                for server in (rival(base / "rival.joblib"), ours(model), limit(model))
            ]
            found = {cell: _measure(servers, cell, options.seconds, say) for cell in _cells()}
            growth, million = _many(servers[1], options.requests, say)
        starts = [seconds_to_first_answer(model, bodies("csv", 1)[0]) for _ in range(STARTS)]
    _show(found, [server.name for server in servers])
    summary = _summary(found, million)
    summary["captured_share"] = round(servers[1].captured(), 4)
    summary["cold_start_s"] = round(median(starts), 2)
    summary["memory_growth_mb"] = round(growth, 1)
    print(json.dumps(summary))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--seconds", type=float, default=3.0, help="how long each cell of the table is loaded"
    )
    parser.add_argument("--requests", type=int, default=1_000_000, help="how many follow, to look for errors")
    return parser.parse_args()


def _cells() -> list[Cell]:
    return [(format, rows, connections) for rows in ROWS for format in FORMATS for connections in CONNECTIONS]


def _measure(servers: list[Server], cell: Cell, seconds: float, say: Say) -> list[Figures]:
    """Load one server after the other; all others are idle."""
    format, rows, connections = cell
    say(f"{rows} rows, {format}, {connections} connections")
    asked = bodies(format, rows)
    found = []
    for server in servers:
        server.load(asked, FORMATS[format], connections=connections, seconds=seconds / 6)
        found.append(server.load(asked, FORMATS[format], connections=connections, seconds=seconds))
    return found


def _many(server: Server, requests: int, say: Say) -> tuple[float, list[Figures]]:
    """Send many requests, half of them in CSV; return how much memory grew meanwhile, in MB, and the figures."""
    say(f"{requests:,} requests")
    before = server.memory_mb()
    found = [
        server.load(bodies(format, 1, 1000), kind, connections=BUSY, requests=requests / len(FORMATS))
        for format, kind in FORMATS.items()
    ]
    return server.memory_mb() - before, found


def _show(found: dict[Cell, list[Figures]], names: list[str]) -> None:
    table = Table(title=f"{WORKERS} processes each")
    for heading in ("rows", "format", "connections", "server"):
        table.add_column(heading)
    for heading in ("p50 ms", "p99 ms", "requests/s", "errors"):
        table.add_column(heading, justify="right")
    for (format, rows, connections), figures in found.items():
        for name, figure in zip(names, figures, strict=True):
            what = (str(rows), format, str(connections), name)
            table.add_row(
                *what,
                f"{figure.p50_ms:.2f}",
                f"{figure.p99_ms:.2f}",
                f"{figure.per_second:,.0f}",
                str(figure.errors),
            )
        table.add_section()
    Console(width=100).print(table)


def _summary(found: dict[Cell, list[Figures]], million: list[Figures]) -> dict[str, float]:
    busy = {cell: figures for cell, figures in found.items() if cell[2] == BUSY}

    def times(over: int, rows: Iterable[int]) -> float:
        """Return how many times as many requests ours answers as another, as the geometric mean of the formats."""
        return _mean(
            figures[1].per_second / figures[over].per_second
            for cell, figures in busy.items()
            if cell[1] in rows
        )

    return {
        "speedup_1row": round(times(0, [1]), 1),
        "speedup_100rows": round(times(0, [100]), 1),
        "share_of_limit": round(times(2, ROWS), 2),
        "share_of_limit_1row": round(times(2, [1]), 2),
        "share_of_limit_100rows": round(times(2, [100]), 2),
        "errors": sum(run.errors for run in million) + sum(figures[1].errors for figures in found.values()),
        "requests": sum(run.requests for run in million),
    }


def _mean(values: Iterable[float]) -> float:
    logs = [math.log(value) for value in values]
    return math.exp(sum(logs) / len(logs))


if __name__ == "__main__":
    main()
