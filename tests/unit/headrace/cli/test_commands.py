"""Commands that need no cloud, as they are typed."""

import gzip
import io
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import jsonschema
import pytest
from PIL import Image
from pydantic import ValidationError

from headrace.cli import main
from headrace.cli.reference import reference_text
from headrace.config.loading import load_pipeline
from headrace.config.pipeline import Block, Pipeline
from headrace.ml.files.refusal import FileReason
from headrace.ml.rejections import Reason

BLOCKS = Block.__subclasses__()
REPO = Path(__file__).parents[4]
CHANGES = (
    {},
    {"problem": "guess"},
    {"epochs": 3},
    {"name": "B"},
    {"name": None},
    {"endpoint": {"memory_mb": 1000}},
    {"endpoint": {"kind": "realtime", "instances": 0}},
    {"endpoint": {"instance": "m5.large"}},
    {"split": {"test_share": 0.6}},
    {"split": {"test_share": 0}},
    {"ingest": {"max_file_mb": 1501}},
    {"ignore": "casual"},
    {"columns": {"season": "text"}},
    {"columns": {"season": "category"}},
    {"retraining": {"on": ["drift", "moon"]}},
    {"retraining": {"on": []}},
    {"notify": "nobody"},
    {"notify": "ops@example.org"},
    {"approval": "manual", "image": "managed", "on_destroy": "retain"},
    {"training": {"hyperparameters": {"max_iter": [1]}}},
    {"training": {"hyperparameters": {"max_iter": 50, "early_stopping": True}}},
)
"""What one may write: the schema in an editor and the models must say the same of it."""

RIDES = "instant,dteday,season,temp,casual,registered,cnt\n" + "".join(
    f"{n},2011-01-{n % 28 + 1:02d},{n % 4},{n / 40},{n * n % 53},{n * 13 % 97},{n * n % 53 + n * 13 % 97}\n"
    for n in range(1, 81)
)


def png(brightness):
    """Return a picture of four points."""
    file = io.BytesIO()
    Image.new("L", (2, 2), brightness).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    """Run a command in an empty folder; return (exit code, standard output, standard error)."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        code = main([*map(str, arguments)])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


@pytest.fixture
def rides(tmp_path):
    path = tmp_path / "Bike rides 2011.csv"
    path.write_text(RIDES)
    return path


def is_refused(document):
    try:
        Pipeline.model_validate(document)
    except ValidationError:
        return True
    return False


class TestInit:
    def test_it_writes_a_pipeline_file_that_loads(self, run, rides, tmp_path):
        code, out, _ = run("init", rides, "--target", "cnt")

        assert (code, out.splitlines()[0]) == (0, "wrote pipelines/bike-rides-2011.yaml: regression of 'cnt'")
        found = load_pipeline(tmp_path / "pipelines" / "bike-rides-2011.yaml")
        assert (found.id, found.time) == ("instant", "dteday")

    def test_columns_that_add_up_to_the_target_are_left_out_and_told(self, run, rides, tmp_path):
        _, out, _ = run("init", rides, "--target", "cnt", "--name", "rides")

        assert load_pipeline(tmp_path / "pipelines" / "rides.yaml").ignore == ("casual", "registered")
        assert "casual: casual + registered = cnt: known only afterwards" in out

    def test_few_whole_numbers_become_categories(self, run, rides, tmp_path):
        run("init", rides, "--target", "cnt", "--name", "rides")

        assert load_pipeline(tmp_path / "pipelines" / "rides.yaml").columns == {"season": "category"}

    def test_scripts_get_json(self, run, rides):
        code, out, _ = run("init", rides, "--target", "cnt", "--name", "rides", "--json")

        assert code == 0
        assert json.loads(out)["path"] == "pipelines/rides.yaml"

    def test_a_file_that_is_there_is_not_replaced(self, run, rides, tmp_path):
        (tmp_path / "pipelines").mkdir()
        mine = tmp_path / "pipelines" / "rides.yaml"
        mine.write_text("name: rides # mine\n")

        code, _, err = run("init", rides, "--target", "cnt", "--name", "rides")

        assert code == 2
        assert "--force" in err
        assert mine.read_text() == "name: rides # mine\n"
        assert run("init", rides, "--target", "cnt", "--name", "rides", "--force")[0] == 0

    @pytest.mark.parametrize(
        ("values", "problem"),
        [
            (["yes", "no"], "binary"),
            (["yes", "no", "", "n/a"], "binary"),
            (["0", "1"], "binary"),
            (["a", "b", "c"], "multiclass"),
            (["0", "1", "2", "3"], "multiclass"),
            ([str(n / 7) for n in range(60)], "regression"),
        ],
    )
    def test_the_problem_follows_from_the_target(self, run, tmp_path, values, problem):
        rows = "".join(f"{n % 9}.5,{values[n % len(values)]}\n" for n in range(60))
        (tmp_path / "data.csv").write_text("x,y\n" + rows)

        assert json.loads(run("init", "data.csv", "--target", "y", "--json")[1])["problem"] == problem

    def test_a_time_that_is_never_twice_the_same_is_the_time_and_no_id(self, run, tmp_path):
        rows = "".join(
            f"2011-01-01T{n // 60:02d}:{n % 60:02d}:00,k{n},{n % 7 / 3},{n % 9 / 7}\n" for n in range(90)
        )
        (tmp_path / "data.csv").write_text("at,key,x,y\n" + rows)

        run("init", "data.csv", "--target", "y")

        found = load_pipeline(tmp_path / "pipelines" / "data.yaml")
        assert (found.id, found.time) == ("key", "at")

    @pytest.mark.parametrize(
        ("target", "words"),
        [
            ("", "'y' is empty"),
            ("1", "'y' has one value only"),
            ("2011-01-{day}", "'y' holds dates"),
            ("word {row}", "'y' holds 60 different texts in 60 rows"),
        ],
    )
    def test_what_nobody_could_predict_is_refused(self, run, tmp_path, target, words):
        rows = "".join(f"{n / 3},{target.format(day=f'{n % 28 + 1:02d}', row=n)}\n" for n in range(60))
        (tmp_path / "data.csv").write_text("x,y\n" + rows)

        code, _, err = run("init", "data.csv", "--target", "y")

        assert code == 2
        assert words in err

    def test_a_file_is_recognised_by_its_content(self, run, tmp_path):
        packed = gzip.compress(b"x,y\n" + b"".join(b"%d.5,%d\n" % (n, n % 2) for n in range(40)))
        (tmp_path / "data.csv").write_bytes(packed)
        assert run("init", "data.csv", "--target", "y")[0] == 0

        (tmp_path / "data.csv").write_bytes(packed[:30] + bytes(20) + packed[50:])
        assert "archive is cut or damaged" in run("init", "data.csv", "--target", "y", "--force")[2]

    def test_the_pipeline_is_called_as_the_file_that_is_written(self, run, rides, tmp_path):
        run("init", rides, "--target", "cnt", "--out", "pipelines/rentals.yaml")

        assert load_pipeline(tmp_path / "pipelines" / "rentals.yaml").name == "rentals"

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b"", "empty"),
            (b"x,y\n", "has no rows"),
            (b"x,y\n1\n2\n", "has no rows"),
            (b"\x89PNG\0\0", "an image"),
            (b"<html>", "web page"),
            (b'{"x": [1]}', "could be rows"),
            (b"PAR1 cut", "cut or damaged"),
            (b"x,z\n1,2\n", "has no column 'y'; it has x, z"),
        ],
        ids="empty header broken image page json parquet column".split(),
    )
    def test_a_file_that_teaches_nothing_is_refused_in_one_line(self, run, tmp_path, content, words):
        (tmp_path / "data.csv").write_bytes(content)

        code, out, err = run("init", "data.csv", "--target", "y")

        assert (code, out) == (2, "")
        assert words in err
        assert err.startswith("headrace: ")
        assert len(err.splitlines()) == 1
        assert not (tmp_path / "pipelines").exists()

    def test_texts_and_images_are_declared(self, run, tmp_path):
        rows = b"".join(b"the %d red fox jumps over it,iVBORw0KGgo=,%d\n" % (n, n % 2) for n in range(9))
        (tmp_path / "data.csv").write_bytes(b"text,photo,y\n" + rows)

        code, out, _ = run("init", "data.csv", "--target", "y")

        pipeline = load_pipeline(tmp_path / "pipelines" / "data.yaml")
        assert code == 0
        assert pipeline.columns == {"text": "text"}
        assert pipeline.id is None
        assert "photo: has one value only" in out
        assert "text: sentences, read as text" in out

    @pytest.mark.parametrize(
        ("ending", "content", "columns"),
        [
            ("txt", lambda number: b"ok %d" % number, {"text": "text"}),
            ("png", lambda number: png(brightness=number), {"image": "image"}),
        ],
        ids="texts images".split(),
    )
    def test_the_folders_of_an_archive_are_the_target(self, run, tmp_path, ending, content, columns):
        with zipfile.ZipFile(tmp_path / "data.zip", "w") as archive:
            for number in range(24):
                archive.writestr(f"{number % 2 + 3}/{number}.{ending}", content(number))

        code, _, _ = run("init", "data.zip", "--target", "label")

        pipeline = load_pipeline(tmp_path / "pipelines" / "data.yaml")
        assert code == 0
        assert (pipeline.problem, pipeline.target, pipeline.columns) == ("binary", "label", columns)

    def test_few_whole_numbers_are_codes_but_years_are_amounts(self, run, tmp_path):
        rows = "".join(f"{2010 + n % 4},{n % 3},{n / 7}\n" for n in range(60))
        (tmp_path / "data.csv").write_text("year,zone,y\n" + rows)

        run("init", "data.csv", "--target", "y")

        assert load_pipeline(tmp_path / "pipelines" / "data.yaml").columns == {"zone": "category"}

    def test_a_file_that_is_not_there_is_refused(self, run):
        code, _, err = run("init", "nothing.csv", "--target", "y")

        assert (code, err) == (2, "headrace: nothing.csv cannot be read: No such file or directory\n")

    def test_a_name_that_cannot_be_is_refused(self, run, rides):
        code, _, err = run("init", rides, "--target", "cnt", "--name", "My Rides")

        assert code == 2
        assert "cannot name a pipeline" in err

    def test_names_that_yaml_would_misread_are_quoted(self, run, tmp_path):
        (tmp_path / "data.csv").write_text(
            "no,x: y,on\n" + "".join(f"{n % 2},{n / 3},{n / 7}\n" for n in range(40))
        )

        run("init", "data.csv", "--target", "no")

        assert load_pipeline(tmp_path / "pipelines" / "data.yaml").target == "no"


class TestValidate:
    def test_a_good_file_is_shown_with_all_its_defaults(self, run, tmp_path):
        (tmp_path / "bike.yaml").write_text("name: bike\nproblem: regression\ntarget: cnt\n")

        code, out, _ = run("validate", "bike.yaml", "--json")

        assert code == 0
        assert json.loads(out)["evaluation"]["metric"] == "rmse"
        assert "bike is a valid pipeline" in run("validate", "bike.yaml")[1]

    def test_a_bad_file_is_refused_with_its_lines(self, run, tmp_path):
        (tmp_path / "bike.yaml").write_text("name: bike\nproblem: regression\ntarget: cnt\nignore: [cnt]\n")

        code, out, err = run("validate", "bike.yaml")

        assert (code, out, err) == (
            2,
            "",
            "headrace: bike.yaml:4: ignore: the target 'cnt' cannot be ignored\n",
        )

    def test_parameters_of_a_step_of_ones_own_are_compared_with_its_code(self, run, tmp_path, monkeypatch):
        steps = tmp_path / "pipelines" / "steps"
        steps.mkdir(parents=True)
        (steps / "per_stay.py").write_text(
            "from sagemaker_jobs.features.registry import feature_step\n"
            "@feature_step('per_stay')\n"
            "def per_stay(columns, *, discount=0.0):\n    return columns['price']\n"
        )
        monkeypatch.setattr("pipelines.steps.__path__", [str(steps)])
        text = "name: bike\nproblem: regression\ntarget: cnt\nfeatures:\n  steps:\n"
        good, bad = (
            f"    - {{step: per_stay, parameters: {{{name}: 0.1}}}}\n" for name in ("discount", "rebate")
        )

        (tmp_path / "pipelines" / "bike.yaml").write_text(text + good)
        assert run("validate", "bike")[0] == 0

        (tmp_path / "pipelines" / "bike.yaml").write_text(text + bad)
        code, _, err = run("validate", "bike")
        assert code == 2
        assert "features.steps.0: the step 'per_stay' does not take these parameters" in err
        assert "'rebate'" in err

    def test_a_name_is_looked_up_among_the_pipelines(self, run):
        assert "there is no" in run("validate", "bike")[2]


class TestSchema:
    def test_the_schema_of_the_project_is_current(self, run):
        assert run("schema")[1] == (REPO / "pipelines" / "schema.json").read_text()

    def test_the_page_about_the_pipeline_file_is_current(self):
        assert (REPO / "docs" / "pipeline-file.md").read_text() == reference_text()

    def test_the_page_of_the_reason_codes_is_current(self, run):
        page = (REPO / "docs" / "reason-codes.md").read_text()

        assert run("schema", "--reasons")[1] == page
        for reason in (*Reason, *FileReason):
            assert f"| `{reason}` | {reason.text} |" in page

    def test_every_example_of_the_page_is_a_valid_pipeline(self, tmp_path):
        examples = re.findall(r"```yaml\n(.*?)```", reference_text(), re.DOTALL)

        assert len(examples) == 2
        for text in examples:
            (tmp_path / "example.yaml").write_text(text)
            assert load_pipeline(tmp_path / "example.yaml").name in ("bike", "churn")

    def test_the_page_explains_every_field(self):
        page = reference_text()

        for block in (
            Pipeline,
            *(f.annotation for f in Pipeline.model_fields.values() if f.annotation in BLOCKS),
        ):
            for name, field in block.model_fields.items():
                assert f"`{name}`" in page
                assert field.description in page

    def test_the_schema_agrees_with_the_models(self, run):
        validator = jsonschema.Draft202012Validator(json.loads(run("schema")[1]))
        good = load_pipeline(REPO / "pipelines" / "bike.yaml").model_dump(mode="json", exclude_defaults=True)

        assert not list(validator.iter_errors(good))
        for change in CHANGES:
            refused = bool(list(validator.iter_errors({**good, **change})))
            assert refused == is_refused({**good, **change}), change


class TestTheCommandLine:
    @pytest.mark.parametrize("arguments", [[], ["fly"], ["init"], ["local"], ["approve"]])
    def test_what_is_missing_or_unknown_is_told(self, run, arguments, capsys):
        with pytest.raises(SystemExit) as ended:
            run(*arguments)

        assert ended.value.code == 2
        assert "usage: headrace" in capsys.readouterr().err

    def test_every_command_explains_itself(self, capsys):
        for command in (
            "init",
            "validate",
            "schema",
            "status",
            "check",
            "train",
            "approve",
            "reject",
            "local",
        ):
            with pytest.raises(SystemExit) as ended:
                main([command, "--help"])
            assert ended.value.code == 0
            assert len(capsys.readouterr().out) > 100


class TestLocal:
    @pytest.fixture(autouse=True)
    def elsewhere(self, monkeypatch, tmp_path):
        monkeypatch.setenv("HEADRACE_STATE", str(tmp_path / "state"))
        monkeypatch.setenv("HEADRACE_PORT", "4998")

    def test_nothing_runs_before_it_is_started(self, run, tmp_path):
        code, out, _ = run("local", "status", "--json")

        assert code == 0
        assert json.loads(out) == {
            "running": False,
            "pid": None,
            "endpoint": "http://localhost:4998",
            "state_dir": str(tmp_path / "state"),
        }
        assert run("local", "status")[1].startswith("The local cloud does not run; its state is in ")

    def test_stopping_what_does_not_run_is_no_mistake(self, run):
        assert run("local", "stop")[0] == 0

    def test_logs_of_what_never_ran_are_empty(self, run):
        assert run("local", "logs")[:2] == (0, "")

    def test_the_environment_can_be_evaluated_by_a_shell(self, run):
        _, out, _ = run("local", "env")

        assert "export AWS_ENDPOINT_URL=http://localhost:4998" in out.splitlines()
        assert json.loads(run("local", "env", "--json")[1])["AWS_ENDPOINT_URL"] == "http://localhost:4998"

    def test_a_port_that_is_none_is_refused(self, run, monkeypatch):
        monkeypatch.setenv("HEADRACE_PORT", "http")

        assert run("local", "status")[::2] == (
            2,
            "headrace: HEADRACE_PORT is a number from 1024 to 65535, not 'http'\n",
        )


def test_commands_are_there_before_libraries_that_take_their_time_are():
    slow = "{'boto3', 'numpy', 'pandas', 'pyarrow', 'pydantic'}"
    script = f"import sys; from headrace.cli import parser; parser(); print({slow} & set(sys.modules))"

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout == "set()\n"


def test_whoever_has_read_enough_ends_a_command_quietly(monkeypatch):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as nobody_reads:
        monkeypatch.setattr(sys, "stdout", nobody_reads)

        assert main(["schema"]) == 141
