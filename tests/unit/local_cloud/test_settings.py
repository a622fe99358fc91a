"""What the local cloud is told by its environment."""

from pathlib import Path

import pytest

from local_cloud.settings import Settings


def test_minutes_are_seconds_and_a_variant_has_four_servers_unless_said_otherwise():
    settings = Settings.from_environ({})

    assert (settings.port, settings.hurry, settings.servers) == (4566, 60.0, 4)


def test_settings_survive_the_way_into_the_servers_process():
    settings = Settings(4599, Path("/somewhere"), 1.5, 2, 3, "checkpoint", 5, 5050)

    assert Settings.from_environ(settings.own_environment()) == settings


@pytest.mark.parametrize(
    "name",
    [
        "HEADRACE_LOCAL_HURRY",
        "HEADRACE_LOCAL_SERVERS",
        "HEADRACE_LOCAL_HOSTS",
        "HEADRACE_LOCAL_SPOT_INTERRUPTIONS",
    ],
)
@pytest.mark.parametrize("value", ["0", "0.5", "-1", "nan", "inf", "fast"])
def test_a_number_below_one_is_refused_by_name(name, value):
    with pytest.raises(ValueError, match=f"{name} is a number from 1 on, not '{value}'"):
        Settings.from_environ({name: value})


@pytest.mark.parametrize("value", ["-1", "soon", "nan", "inf"])
def test_spot_instances_are_taken_back_after_seconds_or_at_a_checkpoint(value):
    name = "HEADRACE_LOCAL_SPOT_INTERRUPTION"

    assert Settings.from_environ({name: "2.5"}).spot_interruption == "2.5"
    assert Settings.from_environ({}).spot_interruption == ""
    with pytest.raises(ValueError, match=f"{name} is a number of seconds or 'checkpoint', not '{value}'"):
        Settings.from_environ({name: value})


@pytest.mark.parametrize("name", ["HEADRACE_PORT", "HEADRACE_LOCAL_MLFLOW_PORT"])
@pytest.mark.parametrize("value", ["80", "65536", "many"])
def test_a_port_that_a_user_cannot_have_is_refused_by_name(name, value):
    with pytest.raises(ValueError, match=f"{name} is a number from 1024 to 65535, not '{value}'"):
        Settings.from_environ({name: value})


def test_there_is_no_mlflow_server_unless_a_port_is_named():
    assert Settings.from_environ({}).mlflow_port is None
    assert Settings.from_environ({"HEADRACE_LOCAL_MLFLOW_PORT": "5050"}).mlflow_port == 5050
