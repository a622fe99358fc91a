import json

from headrace.aws.custom_resource import answer

EVENT = {
    "RequestType": "Create",
    "StackId": "stack",
    "RequestId": "request",
    "LogicalResourceId": "Image",
    "ResponseURL": "https://response",
}


class Context:
    log_group_name = "/aws/lambda/build"

    def get_remaining_time_in_millis(self):
        return 1000


def reply(work, event=EVENT):
    sent = []
    answer(event, Context(), work, send=lambda url, body: sent.append((url, json.loads(body))))
    assert len(sent) == 1
    return sent[0]


def test_cloudformation_hears_of_success_with_the_attributes():
    url, body = reply(lambda: {"ImageUri": "u"})

    assert url == "https://response"
    assert body["Status"] == "SUCCESS"
    assert body["Data"] == {"ImageUri": "u"}
    assert body["PhysicalResourceId"] == "Image"


def test_cloudformation_hears_why_it_failed_and_where_to_look():
    def fail():
        raise RuntimeError("no room")

    _, body = reply(fail)

    assert body["Status"] == "FAILED"
    assert body["Reason"] == "RuntimeError: no room (log group /aws/lambda/build)"


def test_an_update_keeps_the_resource():
    _, body = reply(dict, {**EVENT, "RequestType": "Update", "PhysicalResourceId": "first"})

    assert body["PhysicalResourceId"] == "first"


def test_a_long_reason_is_cut_to_what_cloudformation_takes():
    def fail():
        raise RuntimeError("x" * 10_000)

    assert len(reply(fail)[1]["Reason"]) == 1000
