"""Shows the demo's story while it happens."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.table import Table


class Screen:
    """Prints chapters and steps; a step that takes long shows that it is alive and how long it took."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)
        self._chapter = 0

    def chapter(self, title: str) -> None:
        """Begin a part of the story."""
        self._chapter += 1
        self._console.print(f"\n[bold cyan]{self._chapter}. {title}[/]")

    @contextmanager
    def step(self, doing: str) -> Iterator[None]:
        """Show `doing` until the block ends, then how long it took."""
        started = time.monotonic()
        if not self._console.is_terminal:
            self._console.print(f"   … {doing}", soft_wrap=True)
        with self._console.status(f"   {doing}"):
            yield
        self._console.print(
            f"   [green]✓[/] {doing} [dim]({time.monotonic() - started:.1f} s)[/]", soft_wrap=True
        )

    def say(self, text: str) -> None:
        """Print one line of what was found."""
        self._console.print(f"   {text}", soft_wrap=True)

    def table(self, title: str, columns: list[str], rows: list[list[str]]) -> None:
        """Print a small table."""
        table = Table(*columns, title=title, title_justify="left", title_style="dim")
        for row in rows:
            table.add_row(*row)
        self._console.print(table)

    def copy_line(self, what: str, line: str) -> None:
        """Print a command to copy, unbroken."""
        self._console.print(f"   [dim]{what}[/]")
        self._console.print(f"     {line}", soft_wrap=True, markup=False)
