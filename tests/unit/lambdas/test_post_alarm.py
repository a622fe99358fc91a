import json

import pytest

from headrace.aws.webhook import Webhook, WebhookError
from lambdas.post_alarm.handler import post_alarm
from lambdas.post_alarm.messages import Kind, read

ADDRESS = "https://hooks.example.com:8443/services/T0/B0/secret?key=5"


class Room(list):
    def post(self, document):
        self.append(document)


def posted(kind, subject, text):
    room = Room()
    event = {"Records": [{"Sns": {"Subject": subject, "Message": text}}]}
    assert post_alarm(event, kind, lambda: room) == {"posted": 1}
    (document,) = room
    return document


def test_each_kind_of_room_gets_what_it_takes():
    subject, text = "Headrace bike: drift in temp", "What callers ask has changed.\n\n* temp < 5"

    assert posted(Kind.SLACK, subject, text) == {
        "text": "*Headrace bike: drift in temp*\nWhat callers ask has changed.\n\n* temp &lt; 5"
    }
    assert posted(Kind.WEBHOOK, subject, text) == {"subject": subject, "text": text}
    (attachment,) = posted(Kind.TEAMS, subject, text)["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert [block["text"] for block in attachment["content"]["body"]] == [
        subject,
        "What callers ask has changed.",
        "* temp < 5",
    ]


def test_what_cloudwatch_writes_by_itself_is_put_into_words():
    alarm = {
        "AlarmName": "bike-database-ImportFailed1",
        "AlarmDescription": "Headrace bike: a run of import has failed. Look: there. Next: this.",
        "NewStateValue": "ALARM",
        "NewStateReason": "Threshold Crossed",
        "AWSAccountId": "123456789012",
    }

    assert read({"Subject": 'ALARM: "bike"', "Message": json.dumps(alarm)}) == (
        'ALARM: "bike"',
        "Headrace bike: a run of import has failed. Look: there. Next: this.\n\nThreshold Crossed",
    )


@pytest.mark.parametrize("text", ["AWS Budget Notification", "[1, 2]", '{"version": "1.0"}', "17"])
def test_any_other_message_is_left_as_it_is(text):
    assert read({"Subject": None, "Message": text}) == ("Headrace", text)


class Host:
    """A host that answers; what it is asked is written down."""

    def __init__(self, status=200, fault=None):
        self._status, self._fault = status, fault
        self.asked, self.closed = [], False

    def __call__(self, host, port, *, timeout):
        self.asked.append((host, port))
        return self

    def request(self, method, target, *, body, headers):
        self.asked.append((method, target, json.loads(body), headers["Content-Type"]))
        if self._fault:
            raise self._fault

    def getresponse(self):
        return type("Response", (), {"status": self._status})

    def close(self):
        self.closed = True


def test_the_webhooks_host_is_asked_over_https_for_its_whole_target():
    host = Host()

    Webhook(ADDRESS, connect=host).post({"text": "drift"})

    assert host.asked == [
        ("hooks.example.com", 8443),
        ("POST", "/services/T0/B0/secret?key=5", {"text": "drift"}, "application/json"),
    ]
    assert host.closed


@pytest.mark.parametrize(
    "address",
    [
        "http://hooks.example.com/secret",
        "ftp://hooks.example.com/secret",
        "hooks.example.com/secret",
        "https://",
        "https://me:secret@hooks.example.com/",
        "https://hooks.example.com:secret/",
        "https://hooks.example.com/sécret",
        '{"url": "https://hooks.example.com/secret"}',
        "",
    ],
)
def test_an_address_that_is_not_https_is_refused_and_not_shown(address):
    with pytest.raises(WebhookError) as refused:
        Webhook(address, connect=Host())

    assert "cret" not in str(refused.value).replace("the secret's text", "")


@pytest.mark.parametrize(
    ("host", "says"),
    [
        (Host(status=404), "status 404"),
        (Host(status=302), "status 302"),  # and is not followed
        (Host(fault=TimeoutError(f"timed out: {ADDRESS}")), "TimeoutError"),
        (Host(fault=ConnectionRefusedError(ADDRESS)), "ConnectionRefusedError"),
    ],
)
def test_a_message_that_is_not_taken_is_an_error_that_keeps_the_address_to_itself(host, says):
    with pytest.raises(WebhookError, match=says) as refused:
        Webhook(ADDRESS, connect=host).post({"text": "drift"})

    assert "hooks.example.com" not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__ or refused.value.__context__ is None
    assert host.closed
