"""What of an answer is the container's, and not the emulator's."""

import pytest
from ministack.core.responses import fix_success_content_type

from local_cloud.adapters import sagemaker_api


@pytest.mark.parametrize("kind", ["application/json", "application/json; output=labels", "text/csv"])
def test_the_content_type_of_an_answer_is_what_the_container_says(kind):
    headers = {"Content-Type": kind}

    sagemaker_api._left_to_the_container(fix_success_content_type)("sagemaker", 200, headers)

    assert headers == {"Content-Type": kind}


def test_other_services_speak_as_the_emulator_knows_them():
    headers = {"Content-Type": "application/json"}

    sagemaker_api._left_to_the_container(fix_success_content_type)("dynamodb", 200, headers)

    assert headers == {"Content-Type": "application/x-amz-json-1.0"}
