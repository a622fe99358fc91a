import io

import numpy as np
import pytest
from PIL import Image

from headrace.ml.column_schema import ColumnSchema
from headrace.ml.drift import compare
from headrace.ml.files.png_pixels import brightness
from headrace.ml.profile import merge_profiles, profile_frame
from headrace.ml.profile_like import profile_like

TEXT, PHOTO = [ColumnSchema("message", "text")], [ColumnSchema("photo", "image")]
RNG = np.random.default_rng(0)


WORDS = "we meet at noon for lunch and then go home".split()


def messages(n, words=WORDS, seed=0):
    rng = np.random.default_rng(seed)
    return {"message": [" ".join(rng.choice(words, rng.integers(5, 15))) for _ in range(n)]}


def picture(mode="RGB", size=(9, 7), shade=None, file_format="PNG", **options):
    channels = len(Image.new(mode, (1, 1)).getbands())
    shape = (size[1], size[0], channels) if channels > 1 else (size[1], size[0])
    levels = RNG.integers(0, 256, shape) if shade is None else np.full(shape, shade)
    buffer = io.BytesIO()
    Image.fromarray(levels.astype(np.uint8), mode).save(buffer, file_format, **options)
    return buffer.getvalue()


def by_pillow(file):
    image = Image.open(io.BytesIO(file)).convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    return np.asarray(Image.alpha_composite(white, image).convert("L")).mean() / 255


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_brightness_is_what_pillow_makes_of_a_png_file(mode):
    smooth = np.add.outer(np.arange(40), np.arange(30)) % 256  # makes Pillow choose among all filters

    for file in (picture(mode), picture(mode, (64, 50)), picture(mode, (1, 1))):
        assert brightness(file) == pytest.approx(by_pillow(file), abs=0.005)
    buffer = io.BytesIO()
    Image.fromarray(smooth.astype(np.uint8)).convert(mode).save(buffer, "PNG")
    assert brightness(buffer.getvalue()) == pytest.approx(by_pillow(buffer.getvalue()), abs=0.005)


def test_brightness_of_a_palette_is_that_of_its_colours():
    buffer = io.BytesIO()
    Image.open(io.BytesIO(picture(size=(40, 40)))).quantize(256).save(buffer, "PNG")

    assert brightness(buffer.getvalue()) == pytest.approx(by_pillow(buffer.getvalue()), abs=0.005)


def test_what_is_no_whole_png_has_no_brightness():
    file = picture()

    assert [brightness(data) for data in (b"", file[:60], picture(file_format="JPEG"))] == [None] * 3


def test_images_are_measured_in_pixels_and_brightness():
    files = [
        picture(shade=0),
        picture(shade=255, size=(20, 10)),
        picture(file_format="JPEG"),
        None,
        b"no image",
    ]

    photo = profile_frame({"photo": np.array(files, dtype=object)}, PHOTO).features[0]

    width, height, light = photo.measures
    assert (photo.rows, photo.missing) == (5, 1)
    assert [width.name, height.name, light.name] == [
        "photo (width)",
        "photo (height)",
        "photo (brightness)",
    ]
    assert (width.maximum, height.maximum, width.missing) == (20, 10, 1)
    assert (light.rows, light.minimum, light.maximum) == (2, 0.0, 1.0)


def test_darker_pictures_of_the_same_size_are_drift():
    def shades(low, high):
        cells = [picture("L", shade=shade) for shade in RNG.integers(low, high, 32)]
        return {"photo": np.array(cells, dtype=object)}

    reference = merge_profiles(
        [first := profile_frame(shades(150, 250), PHOTO)]
        + [profile_frame(shades(150, 250), PHOTO, like=first) for _ in range(9)]
    )
    dark = merge_profiles([profile_frame(shades(0, 100), PHOTO, like=reference) for _ in range(10)])

    report = compare(reference, dark)

    assert [feature.name for feature in report.features if feature.drifted][:1] == ["photo (brightness)"]


def test_other_words_of_the_same_number_are_drift():
    reference = profile_frame(messages(600), TEXT)
    others = "the cat sat on the mat with a green hat".split()
    window = profile_frame(messages(300, others, seed=1), TEXT, like=reference)
    same = profile_frame(messages(300, seed=2), TEXT, like=reference)

    drifted = {feature.name for feature in compare(reference, window).features if feature.drifted}

    assert "message (frequent words)" in drifted
    assert not compare(reference, same).drifted


def test_with_other_frequent_words_all_but_their_share_is_compared_whatever_the_column_is_called():
    schema = [ColumnSchema("frequent words", "text")]
    others = "the cat sat on the mat with a green hat".split()
    reference, own = (
        profile_frame({"frequent words": messages(300, words)["message"]}, schema)
        for words in (WORDS, others)
    )

    (column,) = profile_like(own, reference).features

    assert [measure.name for measure in column.measures] == [
        "frequent words (words)",
        "frequent words (characters beyond ASCII)",
    ]


def test_another_script_is_drift():
    reference = profile_frame(messages(600), TEXT)
    window = profile_frame(messages(300, ["встреча", "обед"]), TEXT, like=reference)

    drifted = {feature.name for feature in compare(reference, window).features if feature.drifted}

    assert "message (characters beyond ASCII)" in drifted


def test_parts_of_texts_come_together():
    reference = profile_frame(messages(100), TEXT)
    whole = messages(90, seed=3)["message"]
    parts = [
        profile_frame({"message": whole[start : start + 30]}, TEXT, like=reference) for start in (0, 30, 60)
    ]

    merged, at_once = merge_profiles(parts), profile_frame({"message": whole}, TEXT, like=reference)

    for one, other in zip(merged.columns, at_once.columns, strict=True):
        assert (one.name, one.rows, one.counts.tolist()) == (other.name, other.rows, other.counts.tolist())
    assert merged.features[0].words == reference.features[0].words


def test_shares_of_different_frequent_words_are_not_added_up():
    parts = [profile_frame(messages(50, [word]), TEXT) for word in ("noon", "night")]

    names = [column.name for column in merge_profiles(parts).columns]

    assert names == ["message", "message (words)", "message (characters beyond ASCII)"]


def test_hostile_texts_are_measured():
    cells = ["", "   ", "\ud800", "🜁" * 10, "a" * 100_000, None, float("nan")]

    text = profile_frame({"message": np.array(cells, dtype=object)}, TEXT).features[0]

    assert (text.rows, text.missing) == (7, 2)
    assert [measure.missing for measure in text.measures] == [0, 0, 2]
