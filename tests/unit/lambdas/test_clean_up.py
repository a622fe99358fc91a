from lambdas.clean_up.handler import clean_up


class World:
    """Everything there is to delete; each call is noted."""

    def __init__(self, steps=1):
        self.steps, self.calls = steps, []

    def delete_step(self, name):
        self.steps -= 1
        self.calls.append("endpoint")
        return self.steps == 0

    def delete_unused(self, endpoint, *, keep):
        assert keep == frozenset()
        self.calls.append("deployments")

    def delete(self):
        self.calls.append("alarms")

    def delete_packages(self, group):
        self.calls.append(group)


def clean(what, world):
    clean_up(what, "headrace-bike", world, world, world, poll_s=0)
    return world.calls


def test_the_endpoint_goes_first_then_what_it_was_made_of_and_the_alarms_of_a_release():
    assert clean("deployment", World(steps=2)) == ["endpoint", "endpoint", "deployments", "alarms"]


def test_packages_are_deleted_by_their_group():
    assert clean("model_packages", World()) == ["headrace-bike"]


def test_what_is_kept_is_left_as_it_is():
    assert clean("nothing", World()) == []
