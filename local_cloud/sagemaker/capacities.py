"""Changes of weights and capacities while an endpoint is in service.

A variant is shown with what it has (``Current…``) and what it is to have (``Desired…``); a change sets the latter,
brings it into force, and makes both the same again.

References
----------
.. [1] SageMaker API reference, "UpdateEndpointWeightsAndCapacities".
"""

from __future__ import annotations

from collections.abc import Sequence

from local_cloud.sagemaker.endpoint_configs import check_concurrency, check_weights, refuse_duplicates
from local_cloud.sagemaker.errors import JobError, invalid
from local_cloud.sagemaker.fleets import Fleet, Variant
from local_cloud.sagemaker.instances import Instances
from local_cloud.sagemaker.records import Record
from local_cloud.sagemaker.variant_state import configured_variants


def desired(endpoint: Record, wanted: Sequence[Record], *, asynchronous: bool = False) -> list[Record]:
    """Return the variants as they are shown while a change is under way.

    Parameters
    ----------
    endpoint : Record
        As it is shown now.
    wanted : sequence of Record
        ``DesiredWeightsAndCapacities`` of the request.
    asynchronous : bool
        Whether the endpoint is asynchronous: only those can be without instances.

    Raises
    ------
    ApiError
        ``ValidationException``, if a variant is unknown or cannot be changed like this.
    """
    refuse_duplicates(item["VariantName"] for item in wanted)
    items, shown = {item["VariantName"]: item for item in wanted}, configured_variants(endpoint)
    if unknown := sorted(set(items) - {state["VariantName"] for state in shown}):
        raise invalid(f"Variant(s) {', '.join(unknown)} not found in the endpoint.")
    states = [_changed(state, items.get(state["VariantName"], {}), asynchronous) for state in shown]
    check_weights(state["DesiredWeight"] for state in states[: len(endpoint["ProductionVariants"])])
    return states


def bring_into_force(fleet: Fleet, states: Sequence[Record]) -> None:
    """Make of the fleet what is desired; if a new server is not healthy (``JobError``), leave it as it was."""
    done: list[Record] = []
    try:
        for state in states:
            _size(fleet.variants[state["VariantName"]], state, "Desired")
            done.append(state)
    except JobError:
        for state in done:
            _size(fleet.variants[state["VariantName"]], state, "Current")
        raise
    fleet.weights = {state["VariantName"]: state["DesiredWeight"] for state in states}


def settled(states: Sequence[Record], *, as_desired: bool) -> list[Record]:
    """Return the variants after a change: as desired, or as they were before."""
    return [_settled(state, "Desired" if as_desired else "Current") for state in states]


def _settled(state: Record, prefix: str) -> Record:
    weight, count = state[f"{prefix}Weight"], state[f"{prefix}InstanceCount"]
    rest = dict(state)
    serverless = rest.pop("DesiredServerlessConfig", None)
    if serverless and prefix == "Desired":
        rest["CurrentServerlessConfig"] = serverless
    rest |= {"CurrentWeight": weight, "DesiredWeight": weight}
    return rest | {"CurrentInstanceCount": count, "DesiredInstanceCount": count}


def _changed(state: Record, item: Record, asynchronous: bool) -> Record:
    current = state.get("CurrentServerlessConfig")
    if item.get("DesiredInstanceCount") is not None and current:
        raise invalid("DesiredInstanceCount is not supported for serverless variants.")
    if item.get("DesiredInstanceCount") == 0 and not asynchronous:
        raise invalid("DesiredInstanceCount must be at least 1.")
    changed = dict(state)
    for key in ("DesiredWeight", "DesiredInstanceCount"):
        changed[key] = item.get(key, state[key])
    if update := item.get("ServerlessUpdateConfig"):
        if not current:
            raise invalid("ServerlessUpdateConfig is supported for serverless variants only.")
        config: Record = {**current, **update}
        check_concurrency(config)
        changed["DesiredServerlessConfig"] = config
    return changed


def _size(variant: Variant, state: Record, prefix: str) -> None:
    if isinstance(variant, Instances):
        if variant.count != state[f"{prefix}InstanceCount"]:
            variant.resize(state[f"{prefix}InstanceCount"])
    elif "DesiredServerlessConfig" in state:
        variant.reconfigure(state[f"{prefix}ServerlessConfig"])
