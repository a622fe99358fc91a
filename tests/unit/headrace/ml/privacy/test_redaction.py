import logging
import sys
import threading
import warnings

import numpy as np
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ParamValidationError
from pydantic import ValidationError
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import OneHotEncoder

from headrace.config.pipeline import Pipeline
from headrace.ml.files.refusal import FileReason, FileRefusedError
from headrace.ml.privacy.redaction import (
    RedactingFormatter,
    message,
    redact_errors,
    redact_output,
    redact_warnings,
    redacted,
    told,
    traced,
)

CANARY = "kanarie-7431"


def raised(work):
    try:
        work()
    except Exception as error:  # noqa: BLE001, RUF100
        return error
    raise AssertionError("nothing was raised")


def refused(operation, code, text=f"1 validation error: {CANARY}"):
    return ClientError({"Error": {"Code": code, "Message": text}}, operation)


@pytest.mark.parametrize(
    "work",
    [
        lambda: float(CANARY),
        lambda: {}[CANARY],
        lambda: np.array([CANARY]).astype(float),
        lambda: int(CANARY),
        lambda: getattr(object(), CANARY),
        lambda: open(f"/nowhere/{CANARY}"),  # noqa: PTH123, SIM115
        lambda: LinearRegression().fit(np.array([[CANARY]], dtype=object), [1.0]),
        lambda: Pipeline(name="bike", problem=CANARY, target="cnt"),
    ],
)
def test_no_exception_of_others_repeats_a_cell(work):
    error = raised(work)

    assert CANARY in str(error)
    assert CANARY not in told(error) + traced(error).replace("lambda", "")
    assert CANARY not in str(redacted(error)) + repr(redacted(error))


def test_the_words_of_the_code_that_raised_it_are_kept():
    error = raised(lambda: LinearRegression().fit([[np.nan], [1.0]], [1.0, 2.0]))

    assert message(error).startswith("Input … contains … does not accept missing values")
    assert message(raised(lambda: open("/nowhere/x"))) == "No such file or directory"  # noqa: PTH123, SIM115


def test_a_document_of_ours_is_told_by_the_place_that_is_wrong():
    with pytest.raises(ValidationError) as caught:
        Pipeline(name="bike", problem="regression", target="cnt", training={"max_iter": CANARY})

    assert message(caught.value) == "training.max_iter: Extra inputs are not permitted"


def test_errors_of_our_own_keep_their_text_and_type():
    error = FileRefusedError(FileReason.DAMAGED, "the file is cut or damaged: drop it again")

    assert redacted(error) is error
    assert "the file is cut or damaged" in told(error)


def test_what_aws_says_is_kept_unless_it_was_given_records():
    assert CANARY in told(refused("CreateTrainingJob", "ValidationException"))
    assert told(refused("InvokeEndpoint", "ModelError")) == "ClientError: InvokeEndpoint: ModelError"
    assert told(refused("PutItem", "ValidationException")) == "ClientError: PutItem: ValidationException"
    denied = told(refused("PutItem", "AccessDeniedException", "not authorized to perform: dynamodb:PutItem"))
    assert denied.endswith("not authorized to perform: dynamodb:PutItem")


def test_what_botocore_says_itself_is_told_by_its_own_words():
    lost = EndpointConnectionError(endpoint_url=f"https://{CANARY}")
    assert message(lost) == 'Could not connect to the endpoint URL: "…'
    assert CANARY not in told(ParamValidationError(report=f"Invalid type, value: {CANARY}"))


def test_an_exception_is_caught_by_its_type_as_before():
    @redact_errors
    def work():
        raise refused("InvokeEndpoint", "ModelError")

    with pytest.raises(ClientError) as caught:
        work()

    assert type(caught.value).__name__ == "ClientError"
    assert CANARY not in str(caught.value)


def test_what_a_generator_raises_is_told_so_too():
    @redact_errors
    def work():
        yield 1
        float(CANARY)

    found = work()
    assert next(found) == 1
    with pytest.raises(ValueError, match="…"):
        next(found)


def test_a_thread_and_a_library_that_logs_repeat_no_cell(monkeypatch, capsys):
    for module, name in ((sys, "excepthook"), (threading, "excepthook"), (sys, "unraisablehook")):
        monkeypatch.setattr(module, name, getattr(module, name))
    monkeypatch.setattr(logging, "lastResort", None)
    redact_output()
    thread = threading.Thread(target=lambda: float(CANARY))
    thread.start()
    thread.join()
    error = raised(lambda: float(CANARY))
    record = logging.LogRecord("x", 40, "x", 1, "it failed", (), (type(error), error, error.__traceback__))

    shown = capsys.readouterr().err + RedactingFormatter().format(record)
    assert shown.count("ValueError: …") == 2
    assert CANARY not in shown


def warned(capsys, work):
    """Return what a warning writes."""
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        redact_warnings()
        work()
    return capsys.readouterr().err


def test_a_warning_of_a_library_says_where_and_what_and_repeats_no_cell(capsys):
    known = OneHotEncoder(handle_unknown="warn").fit([["a"]])

    text = warned(capsys, lambda: known.transform([[CANARY]]))

    assert CANARY not in text
    assert "UserWarning: Found unknown categories in columns" in text
    assert "_encoders.py" in text


def test_of_what_a_warning_says_the_words_of_the_code_are_kept(capsys):
    text = warned(capsys, lambda: warnings.warn(f"{CANARY} is very strange", RuntimeWarning, stacklevel=1))

    assert text.endswith("RuntimeWarning: … is very strange\n")
