"""What may be said of an exception: its type, where it happened, and those words of its text that stand in the code.

Texts of exceptions repeat cells: ``could not convert string to float: 'ann@example.org'``. They end in logs, in the reason of a
failed job, in executions and in dead letters. Our own errors are written without cells, and keep their text.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from inspect import isgeneratorfunction
from types import CodeType, TracebackType
from typing import Any, ParamSpec, TextIO, TypeVar, cast

OWN = ("glue_jobs", "headrace", "lambdas", "sagemaker_jobs")
"""Packages whose errors are ours."""

HIDDEN = "…"

_LONGEST = 2000  # characters of a text that are looked at
_PLACEHOLDER = re.compile(r"\{[^{}]*\}|%[-+ #0-9.]*[a-z]")
_LEAST_WORDS = re.compile(r"\S{2,}\s|\s\S{2,}")
_GIVEN_RECORDS = re.compile(r"Invoke|Put|Send|Query|Scan|Item|Transact|Execute")
_SAYS_NOTHING = re.compile(r"AccessDenied|NotFound|NoSuch|Throttl|Exceeded|Expired|KMS|Unavailable|Internal")

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")


def told(error: BaseException) -> str:
    """Return in one line what may be said of an exception.

    Examples
    --------
    >>> try:
    ...     float("ann@example.org")
    ... except ValueError as error:
    ...     told(error)
    'ValueError: …'
    >>> def check(rows):
    ...     raise ValueError(f"there are {rows} rows too many")
    >>> try:
    ...     check(7)
    ... except ValueError as error:
    ...     told(error)
    'ValueError: there are … rows too many'
    """
    text = message(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def message(error: BaseException) -> str:
    """Return what may be said of an exception's text: all of our own, of others what the code says that raised it."""
    if type(error).__module__.partition(".")[0] in OWN or isinstance(error, ImportError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    response = getattr(error, "response", None)
    if isinstance(response, dict) and "Error" in response:
        return _said_by_aws(response["Error"], str(getattr(error, "operation_name", "")))
    if callable(entries := getattr(error, "errors", None)):
        return _said_by_pydantic(entries)
    code = (frame.f_code for frame, _ in traceback.walk_tb(error.__traceback__))
    # botocore has the sentences of its errors in `fmt`.
    return _masked(str(error), {*_words(getattr(type(error), "fmt", None)), *_written_in(code)})


def _said_by_pydantic(entries: Callable[..., Any]) -> str:
    """Return what is wrong with a document of ours, and where in it, without what stands there."""
    said = []
    for entry in entries(include_url=False, include_input=False, include_context=False):
        place = ".".join(map(str, entry["loc"]))
        said.append(f"{place}: {entry['type'] if entry['type'].endswith('_error') else entry['msg']}")
    return "; ".join(said)


def _said_by_aws(error: dict[str, Any], operation: str) -> str:
    """Return an answer of AWS, without its sentence if that may repeat a record that it was given."""
    code = str(error.get("Code", ""))
    may_repeat = _GIVEN_RECORDS.search(operation) and not _SAYS_NOTHING.search(code)
    return f"{operation}: {code}" + ("" if may_repeat else f": {error.get('Message', '')}")


def _written_in(code: Iterable[CodeType]) -> Iterator[str]:
    """Yield the words that stand in the code that raised an exception, or warned: no cell has got into it."""
    for constant in (constant for each in code for constant in each.co_consts):
        yield from _words(constant)


def _words(constant: object) -> Iterator[str]:
    if isinstance(constant, str):
        yield from (piece for piece in _PLACEHOLDER.split(constant) if _LEAST_WORDS.search(piece))


def _masked(text: str, known: set[str]) -> str:
    text = text[:_LONGEST]
    shown = [False] * len(text)
    for words in known:
        for found in re.finditer(re.escape(words), text):
            shown[found.start() : found.end()] = [True] * len(words)
    kept = "".join(sign if seen or sign.isspace() else "\0" for sign, seen in zip(text, shown, strict=True))
    return " ".join(re.sub(r"\0[\0\s]*\0|\0", HIDDEN, kept).split())


def traced(error: BaseException) -> str:
    """Return the traceback of an exception and of those that led to it, as Python writes it, with what may be said."""
    earlier = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    before = f"{traced(earlier)}\nwhich led to:\n\n" if earlier else ""
    frames = "".join(traceback.format_list(traceback.extract_tb(error.__traceback__)))
    return f"{before}Traceback (most recent call last):\n{frames}{told(error)}\n"


def redacted(error: Exception) -> Exception:
    """Return an exception of the same type and place that says no more than it may; one of ours is returned as it is.

    Step Functions and tests know exceptions by their types.
    """
    kind, text = type(error), message(error)
    if kind.__module__.partition(".")[0] in OWN:
        return error
    words = {"__str__": lambda self: text, "__module__": kind.__module__}
    try:
        made: Exception = kind.__new__(type(kind.__name__, (kind,), words))
    except TypeError:  # a type that cannot be inherited from
        made = type(kind.__name__, (Exception,), words)()
    made.args = (text,)
    return made.with_traceback(error.__traceback__)


def redact_errors(work: Callable[Arguments, Answer]) -> Callable[Arguments, Answer]:
    """Make a function raise nothing that repeats a cell: it is the last of our code before somebody logs what it raises.

    Examples
    --------
    >>> @redact_errors
    ... def read(cell):
    ...     return float(cell)
    >>> read("ann@example.org")
    Traceback (most recent call last):
    ValueError: …
    """

    @wraps(work)
    def discreet(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Any:
        try:
            return work(*args, **kwargs)
        except Exception as error:
            raise redacted(error) from None

    @wraps(work)
    def yields(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Any:
        try:
            yield from cast(Iterator[Any], work(*args, **kwargs))
        except Exception as error:
            raise redacted(error) from None

    return yields if isgeneratorfunction(work) else discreet


class RedactingFormatter(logging.Formatter):
    """Writes records of a log with what may be said of exceptions."""

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        """Return the traceback."""
        return traced(ei[1]) if ei[1] else ""


def redact_warnings() -> None:
    """Let warnings say where they come from, and of their text those words alone that stand in the code that warns.

    `OneHotEncoder` warns of categories that it does not know, and lists them.
    """
    warnings.showwarning = _write_warning


def _write_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    code = (frame.f_code for frame, _ in traceback.walk_stack(None))
    text = _masked(str(message), set(_written_in(code)))
    (file or sys.stderr).write(f"{filename}:{lineno}: {category.__name__}: {text}\n")


def redact_output() -> None:
    """Let nothing that this process has not caught repeat a cell: exceptions, also of threads, warnings, and libraries' logs."""
    redact_warnings()
    sys.excepthook = _write
    threading.excepthook = lambda args: _write(args.exc_type, args.exc_value, args.exc_traceback)
    sys.unraisablehook = lambda args: _write(args.exc_type, args.exc_value, args.exc_traceback)
    last = logging.StreamHandler()
    last.setLevel(logging.WARNING)
    last.setFormatter(RedactingFormatter())
    logging.lastResort = last


def write_traced(error: BaseException) -> None:
    """Write the traceback to the log of this process."""
    sys.stderr.write(traced(error))
    sys.stderr.flush()


def _write(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    if isinstance(error, BaseException):
        write_traced(error)
