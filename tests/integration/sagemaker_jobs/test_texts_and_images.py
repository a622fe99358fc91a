import base64
import io
import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from sagemaker_jobs.model_files import load_model
from sagemaker_jobs.serve_model.app import Application
from sagemaker_jobs.serve_model.settings import Settings
from tests.integration.sagemaker_jobs.opt_ml import OptMl

WORDS = {
    "spam": "win prize cash claim urgent call now free award guaranteed".split(),
    "ham": "see you home dinner later bring milk okay sleep tomorrow".split(),
}
ESTIMATORS = {
    "linear": {},
    "hist_gradient_boosting": {"max_iter": 20},
    "random_forest": {"n_estimators": 20},
    "sgd": {},
}


def messages(n, seed=0):
    """Return short messages, each of mostly the words of its label."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(["spam", "ham"], n)
    every = WORDS["spam"] + WORDS["ham"]
    texts = [" ".join([*rng.choice(WORDS[label], 4), *rng.choice(every, 3)]) for label in labels]
    return pd.DataFrame({"message": np.where(rng.random(n) < 0.02, None, texts), "label": labels})


def digits(start, stop):
    """Return some of scikit-learn's digits as PNG files of 8 by 8 points."""
    data = load_digits()
    files = [png(points / 16) for points in data.images[start:stop]]
    return pd.DataFrame({"photo": files, "digit": data.target[start:stop].astype(str)})


def png(points):
    file = io.BytesIO()
    Image.fromarray((points * 255).astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


def job(base, problem, target, schema, estimator="linear", **pipeline):
    made = OptMl(base, problem, estimator, hyperparameters=ESTIMATORS[estimator])
    made.spec["pipeline"] |= {"target": target, **pipeline}
    made.spec["schema"] = schema
    return made


def text_job(base, estimator="linear", **pipeline):
    return job(base, "binary", "label", [{"name": "message", "kind": "text"}], estimator, **pipeline)


def image_job(base, estimator="linear", **pipeline):
    return job(base, "multiclass", "digit", [{"name": "photo", "kind": "image"}], estimator, **pipeline)


def ask(model, body, content_type, accept="application/json", **settings):
    lines = []
    app = Application(load_model(model), Settings(**settings), lines.append)
    reply = app.reply({b"content-type": content_type.encode(), b"accept": accept.encode()}, body)
    if reply.exchange:
        app.capture(reply.exchange)
    return reply.status, json.loads(reply.body), lines


@pytest.fixture(scope="module")
def spam_filter(tmp_path_factory):
    made = text_job(tmp_path_factory.mktemp("text"))
    assert made.train(messages(400), messages(100, 1)) == 0
    return made


@pytest.fixture(scope="module")
def digit_reader(tmp_path_factory):
    made = image_job(tmp_path_factory.mktemp("image"))
    assert made.train(digits(0, 500), digits(500, 700)) == 0
    return made


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_every_estimator_learns_from_texts(tmp_path, estimator):
    made = text_job(tmp_path, estimator)

    assert made.train(messages(400), messages(100, 1)) == 0
    assert made.document("metrics.json")["validation"]["accuracy"] > 0.9


@pytest.mark.parametrize("estimator", ["linear", "sgd"])
def test_digits_are_read_from_their_pictures(tmp_path, estimator):
    made = image_job(tmp_path, estimator)

    assert made.train(digits(0, 500), digits(500, 700)) == 0
    assert made.document("metrics.json")["validation"]["accuracy"] > 0.85


def test_the_same_texts_give_the_same_bytes(tmp_path):
    one, other = (text_job(tmp_path / name, "hist_gradient_boosting") for name in ("one", "other"))

    assert (one.train(messages(300), messages(50, 1)), other.train(messages(300), messages(50, 1))) == (0, 0)
    assert one.files() == other.files()


def test_words_of_the_data_may_be_those_of_the_files_format(tmp_path):
    rows = messages(300)
    rows["message"] = rows["message"] + " file __id__ content __class__"

    assert text_job(tmp_path).train(rows, messages(50, 1)) == 0


def test_a_text_and_numbers_are_learned_together(tmp_path):
    schema = [{"name": "message", "kind": "text"}, {"name": "hour", "kind": "number"}]
    rows = messages(300).assign(hour=np.arange(300) % 24)
    made = job(tmp_path, "binary", "label", schema)

    assert made.train(rows, rows.head(50)) == 0
    status, _, _ = ask(made.model, b'{"message": "win cash", "hour": 3}', "application/json")
    assert status == 200


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"win a free prize, call now", "text/plain"),
        (b'"win a free prize, call now"\n', "text/csv"),
        ('["win a free prize\u2028call now"]'.encode(), "application/jsonlines"),
        (b'{"instances": [{"message": "win a free prize"}]}', "application/json"),
    ],
)
def test_a_text_is_asked_in_any_form(spam_filter, body, content_type):
    status, answer, _ = ask(spam_filter.model, body, content_type)

    assert status == 200
    assert [prediction["label"] for prediction in answer["predictions"]] == ["spam"]


def test_a_long_text_is_no_broken_csv(spam_filter):
    body = 'message\n"' + "win a prize, " * 15_000 + '"\n'

    status, answer, _ = ask(spam_filter.model, body.encode(), "text/csv")

    assert (status, len(answer["predictions"])) == (200, 1)


def test_an_image_is_asked_as_file_or_in_base64(digit_reader):
    picture = digits(700, 701)["photo"][0]
    in_base64 = base64.b64encode(picture).decode()

    _, as_file, _ = ask(digit_reader.model, picture, "image/png")
    _, as_json, _ = ask(digit_reader.model, json.dumps({"photo": in_base64}).encode(), "application/json")
    _, as_csv, _ = ask(digit_reader.model, f"photo\n{in_base64}\n".encode(), "text/csv")

    assert as_file == as_json == as_csv
    assert as_file["predictions"][0]["label"] == load_digits().target[700].astype(str)


@pytest.mark.parametrize(
    ("body", "content_type", "status", "told"),
    [
        (b"\x89PNG\r\n\x1a\n cut off", "image/png", 400, "row 1, column 'photo' is not a PNG or JPEG file"),
        (b"", "image/jpeg", 400, "empty"),
        (b"read this", "text/plain", 415, "text/plain is for models whose only feature is of the kind text"),
        (b"GIF89a", "image/gif", 415, "application/parquet, image/png, image/jpeg"),
        (b"photo\nnot base64\n", "text/csv", 400, "row 1, column 'photo' is not a PNG or JPEG file"),
    ],
)
def test_what_is_no_image_is_refused(digit_reader, body, content_type, status, told):
    answered, answer, _ = ask(digit_reader.model, body, content_type)

    assert answered == status
    assert told in answer["error"]


def test_an_image_is_captured_in_base64(digit_reader):
    picture = digits(700, 701)["photo"][0]

    _, _, (line,) = ask(digit_reader.model, picture, "image/png", capture_share=1.0)

    recorded = json.loads(line)["captureData"]["endpointInput"]
    assert recorded["encoding"] == "BASE64"
    assert base64.b64decode(recorded["data"]) == picture


def test_an_image_too_large_for_a_line_of_the_log_is_answered_and_not_captured(digit_reader):
    noise = png(np.random.default_rng(0).random((500, 500)))

    status, _, lines = ask(digit_reader.model, noise, "image/png", capture_share=1.0)

    assert len(noise) > 200_000
    assert (status, lines) == (200, [])


def test_the_sample_row_of_an_image_gets_its_answer(digit_reader):
    sample = digit_reader.document("sample.json")

    status, answer, _ = ask(digit_reader.model, sample["csv"].encode(), "text/csv")

    assert status == 200
    assert answer["predictions"][0]["label"] == sample["prediction"]["label"]


def test_the_baseline_names_the_labels_whichever_were_answered(spam_filter):
    assert spam_filter.document("baseline.json")["classes"] == spam_filter.document("schema.json")["classes"]


def test_texts_and_images_are_profiled_by_their_length(spam_filter, digit_reader):
    (message,) = spam_filter.document("baseline.json")["features"]
    (photo,) = digit_reader.document("baseline.json")["features"]

    lengths = messages(400)["message"].str.len()
    assert message["mean"] == pytest.approx(lengths.mean())
    assert message["missing"] == lengths.isna().sum()
    assert photo["mean"] == pytest.approx(digits(0, 500)["photo"].map(len).mean())


def test_varied_copies_join_the_training_rows_alone(tmp_path):
    augment = {"augment": {"copies": 2, "crop": 0.2, "brightness": 0.2}}
    plain, varied = image_job(tmp_path / "plain"), image_job(tmp_path / "varied", features=augment)

    assert (
        plain.train(digits(0, 200), digits(200, 300)),
        varied.train(digits(0, 200), digits(200, 300)),
    ) == (0, 0)
    assert varied.files()["model.skops"] != plain.files()["model.skops"]
    for name in ("rows", "baseline"):
        document = "metrics.json" if name == "rows" else "baseline.json"
        assert varied.document(document)["rows"] == plain.document(document)["rows"]


def test_steps_of_the_file_are_part_of_the_model(tmp_path):
    steps = {"steps": [{"step": "tfidf", "analyzer": "char", "ngrams": [3, 4], "components": 20}]}
    made = text_job(tmp_path, "hist_gradient_boosting", features=steps)

    assert made.train(messages(300), messages(60, 1)) == 0
    status, answer, _ = ask(made.model, b"win prizes cashh", "text/plain")
    assert status == 200
    assert answer["predictions"][0]["label"] == "spam"


def test_a_step_for_a_column_that_is_not_there_ends_with_one_sentence(tmp_path):
    made = text_job(tmp_path, features={"steps": [{"step": "scale", "columns": ["hour"]}]})

    assert made.train(messages(300), messages(60, 1)) == 1
    assert made.failure == "features.steps.0: there is no column 'hour' here; there are message"


def test_a_picture_that_cannot_be_opened_counts_as_missing_in_training(tmp_path):
    rows = digits(0, 300)
    rows.loc[5, "photo"] = b"\x89PNG\r\n\x1a\n cut off"

    assert image_job(tmp_path).train(rows, digits(300, 350)) == 0
