"""Fleets: the servers of all variants of an endpoint, under one configuration."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from local_cloud.sagemaker.errors import ApiError
from local_cloud.sagemaker.images import ImageStore
from local_cloud.sagemaker.instances import Instances, Server, start_together
from local_cloud.sagemaker.models import Models
from local_cloud.sagemaker.records import Record
from local_cloud.sagemaker.serverless import Serverless
from local_cloud.sagemaker.surroundings import Surroundings
from local_cloud.sagemaker.variant_state import configured_variants

Variant = Instances | Serverless
Serve = Callable[[Record, ImageStore, Surroundings, tuple[str, str]], Server]

_DRAIN_S = 60.0


@dataclass
class Fleet:
    """What answers an endpoint's requests.

    Parameters
    ----------
    config : Record
        The endpoint's configuration, with weights and sizes that are in force.
    variants : dict of str to Variant
        By name, the shadow variant included.
    weights : dict of str to float
        By name: how requests are shared between the production variants, in proportion.
    shadow : str or None
        Name of the shadow variant; of its weight to the production variants' it gets copies.
    role : str
        The models' role, which captures.
    """

    config: Record
    variants: dict[str, Variant]
    weights: dict[str, float]
    shadow: str | None
    role: str
    requests: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)

    def choose(self, wanted: str | None = None) -> str:
        """Return the name of the variant that answers the next request: the wanted one, or one by weight."""
        weights = self._production_weights()
        if wanted:
            if wanted not in weights:
                raise ApiError("ValidationError", f"Variant {wanted} does not exist in the endpoint.")
            return wanted
        return random.choices(list(weights), list(weights.values()))[0]

    def choose_shadow(self) -> str | None:
        """Return the name of the shadow variant if the next request is copied to it."""
        if self.shadow is None:
            return None
        share = self.weights[self.shadow] / sum(self._production_weights().values())
        return self.shadow if random.random() < share else None

    def _production_weights(self) -> dict[str, float]:
        return {name: weight for name, weight in self.weights.items() if name != self.shadow}

    def count(self, more: int) -> None:
        """Note that a request begins (1) or has ended (-1)."""
        with self.changed:
            self.requests += more
            self.changed.notify_all()

    def drain(self) -> None:
        """End all servers, once the requests that they work on are answered."""
        with self.changed:
            self.changed.wait_for(lambda: self.requests == 0, _DRAIN_S)
        self.stop()

    def end_idle(self) -> None:
        """End the servers of serverless variants that nobody has needed for long."""
        for variant in self.variants.values():
            if isinstance(variant, Serverless):
                variant.end_idle()

    def stop(self) -> None:
        """End all servers now."""
        for variant in self.variants.values():
            variant.stop()


class Launcher:
    """Starts fleets."""

    def __init__(self, models: Models, images: ImageStore, surroundings: Surroundings, serve: Serve) -> None:
        self._models, self._images, self._around, self._serve = models, images, surroundings, serve

    def launch(self, endpoint: str, config: Record) -> Fleet:
        """Start the fleet of this configuration.

        Raises
        ------
        ApiError
            If a model is gone.
        JobError
            If a container is not healthy. In both cases nothing is left running.
        """
        variants = configured_variants(config)
        names = [variant["VariantName"] for variant in variants]
        role = self._models.deployable(variants[0]["ModelName"])["ExecutionRoleArn"]
        started = start_together([partial(self._variant, endpoint, variant) for variant in variants])
        weights = [variant.get("InitialVariantWeight", 1.0) for variant in variants]
        return Fleet(
            config,
            dict(zip(names, started, strict=True)),
            dict(zip(names, weights, strict=True)),
            names[-1] if "ShadowProductionVariants" in config else None,
            role,
        )

    def image(self, model: str) -> str:
        """Return the image that the first container of a model runs."""
        return str(self._models.deployable(model)["Containers"][0]["Image"])

    def _variant(self, endpoint: str, variant: Record) -> Variant:
        log = f"/aws/sagemaker/Endpoints/{endpoint}", variant["VariantName"]
        model = self._models.deployable(variant["ModelName"])
        start = partial(self._serve, model, self._images, self._around, log)
        if serverless := variant.get("ServerlessConfig"):
            return Serverless(start, serverless, self._around.servers, self._around.clock)
        return Instances(start, variant, self._around.servers)
