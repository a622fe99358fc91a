"""What a deployed pipeline does to personal data."""

from __future__ import annotations

from dataclasses import dataclass, field

from headrace.aws.privacy import ErasedPeople, KeySecrets, protection_of
from headrace.config.declared import protection_rule
from headrace.config.pipeline import Pipeline
from headrace.ml.privacy.protection import Protection, ProtectionRule


@dataclass(frozen=True)
class PersonalData:
    """What a pipeline does to personal data, and where it finds the keys and the erased.

    Parameters
    ----------
    pipeline : Pipeline
        What is declared.
    secrets : KeySecrets
        Where the keys are.
    erased : ErasedPeople or None
        Who was erased; None for what no person is erased from.
    """

    pipeline: Pipeline
    secrets: KeySecrets = field(default_factory=KeySecrets)
    erased: ErasedPeople | None = None

    def rule(self) -> ProtectionRule | None:
        """Return what is to be hidden now; None if the pipeline declares nothing."""
        privacy = self.pipeline.privacy
        if privacy is None:
            return None
        people = self.erased.hashes() if self.erased and privacy.subject else ()
        return protection_rule(self.pipeline, people)

    def protection(self) -> Protection | None:
        """Return the rule with its keys."""
        return protection_of(self.rule(), self.secrets, self.pipeline.name)
