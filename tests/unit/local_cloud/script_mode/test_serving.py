import io
from types import SimpleNamespace

import numpy as np
import pytest

from local_cloud.script_mode.serving import application


class Doubler:
    def predict(self, data):
        return 2 * data


def client(**functions):
    script = SimpleNamespace(model_fn=lambda folder: Doubler(), **functions)
    return application(script, "/model").test_client()


def ask(served, body, content_type="text/csv", accept="text/csv"):
    return served.post("/invocations", data=body, content_type=content_type, headers={"Accept": accept})


def test_it_is_healthy_once_the_model_is_loaded():
    assert client().get("/ping").status_code == 200


def test_arrays_are_read_and_written_where_the_script_does_not_say_how():
    assert ask(client(), "1,2\n3,4\n").data == b"2.0,4.0\n6.0,8.0\n"
    assert ask(client(), "[[1, 2]]", "application/json", "application/json").json == [[2.0, 4.0]]


def test_arrays_of_numpy_go_both_ways():
    buffer = io.BytesIO()
    np.save(buffer, np.array([1.5]))

    answer = ask(client(), buffer.getvalue(), "application/x-npy", "application/x-npy")

    assert np.load(io.BytesIO(answer.data)).tolist() == [3.0]


def test_who_accepts_anything_gets_json():
    assert ask(client(), "1,2", accept="*/*").mimetype == "application/json"


@pytest.mark.parametrize(
    ("content_type", "accept", "status"), [("image/png", "*/*", 415), ("text/csv", "image/png", 406)]
)
def test_a_form_that_nobody_knows_is_refused(content_type, accept, status):
    assert ask(client(), "1,2", content_type, accept).status_code == status


def test_text_is_handed_over_as_text_and_anything_else_as_bytes():
    seen = []
    served = client(transform_fn=lambda model, body, content_type, accept: (str(seen.append(body)), accept))

    ask(served, "1,2")
    ask(served, b"\x00", "application/x-other")

    assert seen == ["1,2", b"\x00"]


def test_a_script_with_one_function_for_all_may_not_have_the_others():
    with pytest.raises(ValueError, match="Cannot use transform_fn"):
        client(transform_fn=print, input_fn=print)
