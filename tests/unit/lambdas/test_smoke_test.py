import pytest

from lambdas.smoke_test.handler import Answer, SmokeTestError, smoke_test

PLAN = {"endpoint": "headrace-bike", "variant": "v3", "model_data_url": "s3://b/m.tar.gz"}


class World:
    def __init__(self, expected, said, variant="v3"):
        self.expected, self.said, self.variant, self.asked = expected, said, variant, None

    def sample(self, url):
        return {"row": {"temp": 0.5}, "prediction": self.expected}

    def ask(self, plan, row, *, targeted):
        self.asked, self.targeted = (plan["endpoint"], row), targeted
        return Answer(self.variant, [self.said])


def test_the_endpoint_answers_a_row_of_the_training_as_the_training_did():
    world = World({"score": 12.5}, {"score": 12.5 + 1e-9})

    assert smoke_test({"plan": PLAN}, world, world) == {"variant": "v3"}
    assert world.asked == ("headrace-bike", {"temp": 0.5})


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        ({"score": 12.5}, {"score": 12.6}),
        ({"score": 12.5}, {"score": None}),
        ({"score": 12.5}, {"value": 12.5}),
        ({"label": "a", "probabilities": {"a": 0.9}}, {"label": "b", "probabilities": {"a": 0.9}}),
        ({"label": "a", "probabilities": {"a": 0.9}}, {"label": "a", "probabilities": {"a": 0.8}}),
    ],
)
def test_another_answer_fails_the_deployment(expected, said):
    world = World(expected, said)

    with pytest.raises(SmokeTestError, match="does not answer"):
        smoke_test({"plan": PLAN}, world, world)


def test_an_answer_of_another_variant_proves_nothing():
    world = World({"score": 12.5}, {"score": 12.5}, variant="v2")

    with pytest.raises(SmokeTestError, match="v2 answered instead of v3"):
        smoke_test({"plan": PLAN}, world, world)


def test_an_endpoint_that_tells_no_variant_is_judged_by_its_answer():
    world = World({"score": 12.5}, {"score": 12.5}, variant=None)

    assert smoke_test({"plan": PLAN}, world, world) == {"variant": "v3"}


@pytest.mark.parametrize(("event", "targeted"), [({}, False), ({"challenger": True}, True)])
def test_a_challenger_without_requests_is_asked_by_its_name(event, targeted):
    world = World({"score": 12.5}, {"score": 12.5})

    smoke_test({"plan": PLAN, **event}, world, world)

    assert world.targeted is targeted
