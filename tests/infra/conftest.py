"""Every stack is synthesised once."""

import os
import socket

import pytest

from tests.infra.every_stack import CONTEXTS, PIPELINES, Synthesised


@pytest.fixture(scope="session", params=PIPELINES)
def synthesised(request, tmp_path_factory):
    """All stacks of one pipeline, made without credentials and without a network."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        patch.setattr(socket.socket, "connect", lambda *_: pytest.fail("the synth asked the network"))
        folder = tmp_path_factory.mktemp(request.param)
        return Synthesised(PIPELINES[request.param], folder, **CONTEXTS.get(request.param, {}))
