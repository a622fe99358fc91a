from pathlib import Path

import pytest

from headrace.config.loading import PipelineError, find_pipeline, load_pipeline

REPO = Path(__file__).parents[4]
GOOD = "name: bike\nproblem: regression\ntarget: cnt\nid: instant\ntime: dteday\n"


@pytest.fixture
def complaints(tmp_path):
    """Return the lines of the refusal of a file with this text, each without the file's name."""

    def complaints(text):
        path = tmp_path / "bike.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        with pytest.raises(PipelineError) as refused:
            load_pipeline(path)
        return [line.removeprefix(f"{path}:") for line in str(refused.value).splitlines()]

    return complaints


@pytest.mark.parametrize("path", sorted((REPO / "pipelines").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_pipeline_of_the_project_loads(path):
    assert load_pipeline(path).name == path.stem


def test_a_wrong_value_is_named_with_its_line_and_what_is_allowed(complaints):
    (line,) = complaints(GOOD + "split:\n  by: luck\n")

    assert line == (
        "7: split.by: should be 'random', 'stratified', 'time', 'group' or 'column', not 'luck'; by a hash of the row's id; "
        "the same, with every label in its share; by the time column; by a hash of the group column; or as a column of the "
        "files says."
    )


def test_every_mistake_is_told_at_once(complaints):
    lines = complaints("name: bike\nproblem: regresion\ntarget: cnt\nepochs: 3\n")

    assert [line.split(":")[0] for line in lines] == ["2", "4"]


def test_a_missing_field_is_named(complaints):
    (line,) = complaints("name: bike\nproblem: regression\n")

    assert line == "1: target: is missing; the column to predict."


def test_a_misspelt_field_is_met_with_a_suggestion(complaints):
    (line,) = complaints(GOOD + "endpiont:\n  kind: realtime\n")

    assert line.startswith("6: endpiont: there is no such field (did you mean endpoint?); allowed: ")


def test_a_misspelt_field_within_a_block_has_its_own_line(complaints):
    (line,) = complaints(GOOD + "training:\n  min_rows: 300\n  instanse: ml.m5.large\n")

    assert line.startswith("8: training.instanse: there is no such field (did you mean instance?)")


def test_fields_that_do_not_fit_together_have_the_line_of_the_one_to_change(complaints):
    lines = complaints(GOOD + "ignore: [cnt]\nevaluation:\n  metric: auc\n")

    assert lines == [
        "6: ignore: the target 'cnt' cannot be ignored",
        "8: evaluation.metric: 'auc' does not fit regression; it is one of rmse, mae, r2, mape, median_absolute_error",
    ]


def test_a_schedule_is_explained(complaints):
    (line,) = complaints(GOOD + "monitoring:\n  schedule: hourly\n")

    assert line.startswith("7: monitoring.schedule: 'hourly' is no schedule; write rate(1 hour)")


def test_a_field_that_appears_twice_is_refused(complaints):
    assert complaints(GOOD + "target: casual\n") == ["6: `target` appears twice"]


def test_a_tab_is_explained(complaints):
    (line,) = complaints("name: bike\nsplit:\n\tby: time\n")

    assert line.startswith("3: not valid YAML: ")
    assert "use spaces" in line


def test_a_cron_in_braces_is_told_to_be_quoted(complaints):
    (line,) = complaints(GOOD + "monitoring: {schedule: cron(0 6 * * ? *)}\n")

    assert (
        line
        == "6: not valid YAML: expected ',' or '}', but got '?': within {} and [] put such a text in quotes"
    )


@pytest.mark.parametrize("text", ["", "bike", "- name: bike", "3"])
def test_what_is_no_list_of_fields_is_refused(complaints, text):
    (line,) = complaints(text)

    assert "a pipeline file is" in line


def test_no_is_a_word_and_not_false(tmp_path):
    path = tmp_path / "nordic.yaml"
    path.write_text("name: nordic\nproblem: binary\ntarget: no\nignore: [on, yes]\n")

    found = load_pipeline(path)

    assert (found.target, found.ignore) == ("no", ("on", "yes"))


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("target: 2011-13-01", "2011-13-01"),
        ("target: 2011-01-01", "2011-01-01"),
        ("target: 12:30:00", "12:30:00"),
    ],
)
def test_what_looks_like_a_date_is_a_word(tmp_path, line, value):
    path = tmp_path / "bike.yaml"
    path.write_text(GOOD.replace("target: cnt", line))

    assert load_pipeline(path).target == value


@pytest.mark.parametrize(("text", "value"), [("0300", 300), ("300", 300), ("3e2", 300), ("1_000", 1000)])
def test_numbers_are_decimal(tmp_path, text, value):
    path = tmp_path / "bike.yaml"
    path.write_text(GOOD + f"training:\n  min_rows: {text}\n  hyperparameters: {{learning_rate: 1e-3}}\n")

    found = load_pipeline(path).training

    assert (found.min_rows, found.hyperparameters) == (value, {"learning_rate": 0.001})


@pytest.mark.parametrize("text", [".nan", ".inf", "nan", "-inf", "Infinity"])
def test_a_limit_that_is_no_number_is_refused(complaints, text):
    (line,) = complaints(GOOD + f"evaluation:\n  max_value: {text}\n")

    assert line.startswith("7: evaluation.max_value: should be a ")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ignore: " + "[" * 50_000, "nested too deeply"),
        ("ignore: " + "[" * 3_000 + "]" * 3_000, "nested too deeply"),
        ("ignore: &all [*all]", "`*all`"),
        ("ignore: &a [x, y]\ncolumns: *a", "`*a`"),
        ("ignore: [\x01]", "special characters are not allowed"),
    ],
    ids="open closed itself repeated control".split(),
)
def test_yaml_that_only_machines_write_is_refused_in_one_line(complaints, text, words):
    (line,) = complaints(GOOD + text + "\n")

    assert line.startswith("6: ") or line.startswith("7: ")
    assert words in line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "split: random",
            "6: split: should be a block of fields, not 'random'; how rows are dealt to training and test.",
        ),
        (
            "split:",
            "6: split: should be a block of fields, not None; how rows are dealt to training and test.",
        ),
        (
            "columns: [a]",
            "6: columns: should be a block of `name: value` lines, not ['a']; kinds of features that inference would get wrong.",
        ),
        (
            "ignore: casual",
            "6: ignore: should be a list such as [a, b], not 'casual'; columns no model may see.",
        ),
        (
            "training:\n  hyperparameters:\n    max_iter: [1]",
            "8: training.hyperparameters.max_iter: should be a text, a number, true or false, not [1]; the estimator's own parameters, by scikit-learn's or the framework's names.",
        ),
    ],
)
def test_a_value_of_the_wrong_shape_is_explained_in_the_files_words(complaints, text, line):
    assert complaints(GOOD + text + "\n") == [line]


def test_a_switch_and_a_long_text_are_told_in_the_files_words(complaints):
    text = "name: loans\nproblem: binary\ntarget: y\n"

    (switch,) = complaints(f"{text}evaluation: {{beyond_luck: sometimes}}\n")
    (purpose,) = complaints(f"{text}card: {{purpose: {'why ' * 400}}}\n")

    assert "beyond_luck: should be true or false, not 'sometimes'; whether it must" in switch
    assert len(purpose) < 300


@pytest.mark.parametrize("block", ["large_data", "stream", "database"])
def test_a_block_without_fields_is_not_silently_left_off(complaints, block):
    assert complaints(f"{GOOD}{block}:\n") == [
        f"6: {block}: is empty, which does not switch it on: write its fields below it, or `{block}: {{}}`, or leave it out"
    ]


def test_a_block_in_a_block_is_not_silently_left_off_either(complaints):
    (line,) = complaints(f"{GOOD}endpoint:\n  batch:\n")

    assert line.startswith("7: endpoint.batch: is empty, which does not switch it on")


def test_a_file_that_is_not_text_is_refused(tmp_path):
    path = tmp_path / "bike.yaml"
    path.write_bytes(b"\xff\xfe\x00n")
    with pytest.raises(PipelineError, match="is not UTF-8 text"):
        load_pipeline(path)


def test_a_huge_file_is_refused_unread(tmp_path):
    path = tmp_path / "bike.yaml"
    path.write_text("#" * 300_000)
    with pytest.raises(PipelineError, match="larger than 256 KB"):
        load_pipeline(path)


def test_yaml_cannot_make_objects(complaints):
    (line,) = complaints(GOOD + 'notify: !!python/object/apply:os.system ["true"]\n')

    assert "not valid YAML" in line


class TestFindingByName:
    @pytest.fixture
    def root(self, tmp_path):
        (tmp_path / "pipelines").mkdir()
        (tmp_path / "pipelines" / "bike.yaml").write_text(GOOD)
        return tmp_path

    def test_a_pipeline_is_found_by_its_name(self, root):
        assert find_pipeline("bike", root).target == "cnt"

    def test_a_pipeline_is_found_by_its_path(self, root):
        assert find_pipeline(str(root / "pipelines" / "bike.yaml"), root).target == "cnt"

    def test_a_misspelt_name_is_met_with_a_suggestion(self, root):
        with pytest.raises(PipelineError, match=r"did you mean bike\?.*there are: bike"):
            find_pipeline("bikes", root)

    def test_no_name_is_met_with_those_that_exist(self, root):
        with pytest.raises(PipelineError, match=r"-c pipeline=bike"):
            find_pipeline(None, root)

    def test_without_any_pipeline_the_way_to_one_is_named(self, tmp_path):
        with pytest.raises(PipelineError, match="headrace init"):
            find_pipeline("bike", tmp_path)

    def test_a_file_is_called_as_the_pipeline_is(self, root):
        (root / "pipelines" / "rides.yaml").write_text(GOOD)
        with pytest.raises(PipelineError, match="the file is called rides, but `name` says bike"):
            find_pipeline("rides", root)
