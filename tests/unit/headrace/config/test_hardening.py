"""The fields of a pipeline file by which it is hardened: network, retention, compliance, owner, class of data."""

import pytest
from pydantic import ValidationError

from headrace.config.network import Network
from headrace.config.pipeline import Pipeline

SUBNETS = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
GROUPS = ["sg-0123456789abcdef0"]
STRICT = {
    "compliance": "strict",
    "network": "private",
    "endpoint": {"kind": "realtime"},
    "on_destroy": "retain",
}


def pipeline(**fields):
    return Pipeline(name="bike", problem="regression", target="cnt", id="instant", **fields)


def test_one_word_is_a_network():
    assert pipeline(network="private").network.kind == "private"
    assert pipeline().network.kind == "public"


def test_whoever_names_subnets_has_a_network():
    named = pipeline(network={"subnets": SUBNETS, "security_groups": GROUPS}).network

    assert (named.kind, named.subnets) == ("existing", tuple(SUBNETS))


def test_a_network_survives_being_written_and_read():
    for given in ("private", {"subnets": SUBNETS, "security_groups": GROUPS}):
        network = Network.model_validate(given)
        assert Network.model_validate(network.model_dump(mode="json")) == network


@pytest.mark.parametrize(
    ("network", "told"),
    [
        ("privat", "'public', 'private' or 'existing'"),
        ("existing", "takes `subnets`, at least two, and `security_groups`"),
        ({"subnets": SUBNETS[:1], "security_groups": GROUPS}, "at least two"),
        ({"subnets": SUBNETS}, "`security_groups`"),
        ({"kind": "private", "subnets": SUBNETS}, "of an existing network, not a private one"),
        ({"subnets": ["mine", "yours"], "security_groups": GROUPS}, "subnet-"),
    ],
)
def test_a_network_that_cannot_be_is_refused(network, told):
    with pytest.raises(ValidationError, match=told):
        pipeline(network=network)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"image": "managed"}, "image: is managed"),
        ({"alarms": {"chat": {"kind": "slack", "secret": "s"}}}, "alarms.chat: is a service on the internet"),
        (
            {"tracking": {"mlflow": "https://mlflow.example.org"}},
            "tracking.mlflow: is a server on the internet",
        ),
        (
            {"database": {"engine": "mysql", "secret": "s", "table": "t", "watermark": "at"}},
            "database.vpc: is left out",
        ),
    ],
)
def test_what_needs_the_internet_does_not_go_with_a_private_network(fields, told):
    pipeline(**fields)

    with pytest.raises(ValidationError, match=told):
        pipeline(network="private", **fields)


def test_strict_says_what_it_does_not_allow():
    pipeline(**STRICT)

    for field, value, told in (
        ("network", "public", "network: is public"),
        ("endpoint", {"kind": "serverless"}, "endpoint.kind: is serverless"),
        ("endpoint", {"kind": "realtime", "instances": 1}, "endpoint.instances: are fewer than 2"),
        ("on_destroy", "delete", "on_destroy: is delete"),
    ):
        with pytest.raises(ValidationError, match=told):
            pipeline(**{**STRICT, field: value})


def test_logs_are_kept_for_longer_where_it_is_strict_unless_the_file_says_how_long():
    assert pipeline().log_days == 90
    assert pipeline(**STRICT).log_days == 365
    assert pipeline(**STRICT, retention={"log_days": 30}).log_days == 30


def test_records_that_cdk_destroy_would_have_to_delete_are_not_locked():
    with pytest.raises(ValidationError, match=r"retention\.object_lock_days: .* say `on_destroy: retain`"):
        pipeline(retention={"object_lock_days": 30})

    assert pipeline(retention={"object_lock_days": 30}, on_destroy="retain").retention.mode == "governance"


def test_data_of_people_is_confidential_unless_the_file_says_what_it_is():
    assert pipeline().classification == "internal"
    assert pipeline(privacy={}).classification == "confidential"
    assert pipeline(privacy={}, data_class="restricted").classification == "restricted"


def test_an_owner_is_what_a_tag_can_say():
    assert pipeline().owner == "unassigned"
    with pytest.raises(ValidationError, match="owner"):
        pipeline(owner="us; them")
