"""Shadow variants: they get copies of requests, and nobody waits for their answers.

References
----------
.. [1] SageMaker developer guide, "Testing models with shadow variants".
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import partial

from local_cloud.sagemaker.errors import ApiError
from local_cloud.sagemaker.fleets import Fleet

_MOST_AT_ONCE = 64
logger = logging.getLogger(__name__)


class Shadows:
    """Sends copies of requests to shadow variants, in the background.

    A shadow that is too slow for its copies gets fewer of them: what it costs is bounded.
    """

    def __init__(self) -> None:
        self._free = threading.Semaphore(_MOST_AT_ONCE)

    def copy(self, fleet: Fleet, ask: Callable[[str], object]) -> None:
        """Have the fleet's shadow variant asked, too, if there is one and the dice say so: ``ask(name)``."""
        shadow = fleet.choose_shadow()
        if shadow is None or not self._free.acquire(blocking=False):
            return
        fleet.count(1)  # it is not stopped meanwhile
        threading.Thread(target=self._run, args=(fleet, partial(ask, shadow)), daemon=True).start()

    def _run(self, fleet: Fleet, ask: Callable[[], object]) -> None:
        try:
            ask()
        except ApiError as refusal:
            logger.debug("a copy was refused: %s", refusal)
        except Exception:
            logger.exception("a copy of a request has failed")
        finally:
            fleet.count(-1)
            self._free.release()
