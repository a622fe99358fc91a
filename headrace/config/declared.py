"""What the pipeline file says, in the words of the library that cleans files."""

from __future__ import annotations

from collections.abc import Iterable

from headrace.config.cleaning import CleaningStep, OwnCleaningStep
from headrace.config.pipeline import Pipeline
from headrace.ml.column_rules import ColumnRules
from headrace.ml.contract import Fields
from headrace.ml.contract_evolution import EvolutionRules
from headrace.ml.declared_steps import DeclaredStep
from headrace.ml.privacy.protection import ProtectionRule


def declared_fields(pipeline: Pipeline) -> Fields:
    """Return what a pipeline says of columns, and how their cells are cleaned.

    Examples
    --------
    >>> pipeline = Pipeline(
    ...     name="bike", problem="regression", target="cnt", contract={"columns": {"temp": {"min": -40}}}
    ... )
    >>> declared_fields(pipeline).rules["temp"].min
    -40.0
    """
    return Fields(
        pipeline.problem,
        pipeline.target,
        id=pipeline.id,
        time=pipeline.time,
        group=pipeline.split.group,
        part=pipeline.split.column,
        ignore=pipeline.unseen,
        columns=pipeline.columns,
        rules={
            name: ColumnRules(**column.model_dump()) for name, column in pipeline.contract.columns.items()
        },
        steps=tuple(map(_declared_step, pipeline.cleaning.steps)),
        refuse_equal_rows=pipeline.cleaning.equal_rows == "refuse" and pipeline.id is None,
    )


def evolution_rules(pipeline: Pipeline) -> EvolutionRules:
    """Return what a pipeline says about changes from file to file."""
    contract = pipeline.contract
    return EvolutionRules(contract.new_columns, contract.widened_kinds, contract.new_labels)


def protection_rule(pipeline: Pipeline, erased: Iterable[str] = ()) -> ProtectionRule | None:
    """Return what a pipeline says of personal data; None if it says nothing.

    Parameters
    ----------
    erased : iterable of str
        Hashes of the people who were erased.
    """
    privacy = pipeline.privacy
    if privacy is None:
        return None
    people = tuple(sorted(erased)) if privacy.subject else ()
    return ProtectionRule(privacy.personal, privacy.subject, privacy.undeclared, privacy.not_personal, people)


def _declared_step(step: CleaningStep) -> DeclaredStep:
    given = step.model_dump(mode="json", exclude={"step", "columns"})
    parameters = given["parameters"] if isinstance(step, OwnCleaningStep) else given
    return DeclaredStep(step.step, step.columns, parameters)
