"""The pipeline file's models: everything a user says about one prediction problem.

Every class is one block of ``pipelines/<name>.yaml``. All are frozen, refuse unknown fields and carry the description and the
unit of each field, from which the JSON Schema and ``docs/pipeline-file.md`` are made.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from headrace.config.agreement import DisagreementError, disagreements
from headrace.config.alarms import Alarms
from headrace.config.arrival import Arrival
from headrace.config.audit import Audit
from headrace.config.block import Block, Column, Instance, Kind, Problem
from headrace.config.card import Card
from headrace.config.cleaning import Cleaning
from headrace.config.contract import ContractBlock
from headrace.config.database import Database
from headrace.config.endpoint import Endpoint
from headrace.config.estimators import ESTIMATORS, EstimatorName
from headrace.config.evaluation import Evaluation
from headrace.config.features import Features
from headrace.config.feedback import Feedback
from headrace.config.images import ImageName
from headrace.config.large_data import LargeData
from headrace.config.limits import METRICS, PIPELINE_NAME, TAG_VALUE, default_metric
from headrace.config.monitoring import Monitoring
from headrace.config.network import Network
from headrace.config.prices import usd_per_hour
from headrace.config.privacy import Privacy
from headrace.config.quarantine import Quarantine
from headrace.config.release import Release
from headrace.config.retention import LogDays, Retention
from headrace.config.retraining import Retraining
from headrace.config.scale import MOST_INSTANCES, Spot
from headrace.config.split import Split
from headrace.config.stream import Stream
from headrace.config.tracking import Tracking
from headrace.config.tuning import Tuning


class Ingest(Block):
    """What a dropped file may be."""

    max_file_mb: int = Field(
        100,
        ge=1,
        le=1500,
        description="Larger files, unpacked, go to quarantine, in MB. The function's disk grows with it.",
    )
    max_columns: int = Field(
        2000, ge=1, le=10_000, description="A file with more columns goes to quarantine."
    )
    max_bad_row_share: float = Field(
        0.5, ge=0, le=1, description="A file with a larger share of bad rows goes to quarantine whole."
    )
    encoding: (
        Literal["utf-8", "utf-16", "cp1252", "latin-1", "shift_jis", "gb18030", "big5", "euc_kr"] | None
    ) = Field(None, description="Of text files; none means that it is found: UTF-8, UTF-16 or Windows-1252.")
    sheet: Annotated[str, StringConstraints(min_length=1, max_length=31)] | None = Field(
        None, description="Of workbooks; none means the first that is visible."
    )


class Training(Block):
    """What learns, and on what."""

    estimator: EstimatorName = Field(
        "hist_gradient_boosting",
        description=f"What learns: {', '.join(ESTIMATORS)}; or own.<file>, a class in pipelines/estimators/<file>.py. "
        "sgd reads the rows piece by piece, however many there are.",
    )
    hyperparameters: dict[str, str | int | float | bool] = Field(
        default_factory=dict,
        description="The estimator's own parameters, by scikit-learn's or the framework's names.",
    )
    instance: Instance = Field(
        "ml.m5.large", description="SageMaker instance type of training and evaluation."
    )
    instances: int = Field(
        1,
        ge=1,
        le=MOST_INSTANCES,
        description="How many of them train one model together: xgboost and torch. The evaluation has one.",
    )
    spot: Spot | None = Field(
        None,
        description="Whether training runs on spot instances, which are cheaper and can be taken back; left out, it does not.",
    )
    max_usd: float | None = Field(
        None,
        gt=0,
        description="What the jobs of one training may cost together, in US dollars: it shortens what they may run.",
    )
    usd_per_hour: float | None = Field(
        None,
        gt=0,
        description="What an hour of the instance costs, in US dollars, for estimates; none: us-east-1's list price.",
    )
    volume_gb: int = Field(10, ge=1, le=16384, description="Disk of the jobs, in GB.")
    max_runtime_minutes: int = Field(60, ge=1, le=7200, description="A longer job is stopped, in minutes.")
    min_rows: int = Field(200, ge=10, description="The first training waits for this many rows.")
    seed: int = Field(7, ge=0, description="Same data, same seed, same code: the same model.")
    tuning: Tuning | None = Field(
        None, description="How hyperparameters are searched; left out, those of the file are taken."
    )

    @property
    def hourly_usd(self) -> float | None:
        """What an hour of a job costs, in US dollars; None if the file does not say and nobody here knows."""
        return self.usd_per_hour or usd_per_hour(self.instance)

    @property
    def hourly_usd_together(self) -> float | None:
        """What an hour of a training job costs on all its instances, in US dollars; None if that is not known."""
        return None if self.hourly_usd is None else self.hourly_usd * self.instances


class Pipeline(Block):
    """One prediction problem: what is predicted, from what, and how it is run.

    Examples
    --------
    >>> pipeline = Pipeline(name="bike", problem="regression", target="cnt")
    >>> pipeline.metric, pipeline.endpoint.kind
    ('rmse', 'serverless')
    """

    name: Annotated[str, StringConstraints(pattern=PIPELINE_NAME)] = Field(
        description="Names the stacks, the endpoint and the metrics: 2 to 24 of a-z, 0-9 and -, a letter first."
    )
    problem: Problem = Field(description="What kind of answer is predicted.")
    target: Column = Field(description="The column to predict.")
    id: Column | None = Field(
        None, description="The column that identifies a row: newer rows replace older ones."
    )
    time: Column | None = Field(None, description="The column that says when; needed by `split.by: time`.")
    ignore: tuple[Column, ...] = Field((), description="Columns no model may see.")
    columns: dict[Column, Kind] = Field(
        default_factory=dict, description="Kinds of features that inference would get wrong."
    )
    contract: ContractBlock = Field(
        default_factory=ContractBlock,
        description="What rows must look like, and what may change from file to file.",
    )
    cleaning: Cleaning = Field(
        default_factory=Cleaning, description="How cells are cleaned, and which rows are one."
    )
    split: Split = Field(default_factory=Split, description="How rows are dealt to training and test.")
    ingest: Ingest = Field(default_factory=Ingest, description="What a dropped file may be.")
    arrival: Arrival = Field(default_factory=Arrival, description="When what has come in starts a training.")
    database: Database | None = Field(
        None, description="A table whose rows are imported on a schedule, beside the files that are dropped."
    )
    quarantine: Quarantine = Field(
        default_factory=Quarantine, description="What happens to rows and files that are refused."
    )
    privacy: Privacy | None = Field(
        None, description="Personal data; left out, no column is taken for personal, and nobody looks."
    )
    features: Features = Field(
        default_factory=Features,
        description="What is learned before the estimator, and is part of the model.",
    )
    training: Training = Field(default_factory=Training, description="What learns, and on what.")
    evaluation: Evaluation = Field(default_factory=Evaluation, description="When a new model is good enough.")
    card: Card | None = Field(
        None, description="What people say of the model, for its model card; left out, it has figures alone."
    )
    approval: Literal["automatic", "manual"] = Field(
        "automatic", description="Who approves a model that passed the gate: the gate itself, or a person."
    )
    endpoint: Endpoint = Field(default_factory=Endpoint, description="Where the model answers.")
    release: Release = Field(
        default_factory=Release, description="How an approved model takes over from the one in service."
    )
    monitoring: Monitoring = Field(default_factory=Monitoring, description="How traffic is watched.")
    retraining: Retraining = Field(default_factory=Retraining, description="When a model is trained again.")
    feedback: Feedback | None = Field(
        None, description="Labels that come after the predictions; left out, none are taken."
    )
    alarms: Alarms = Field(default_factory=Alarms, description="What people are told, and how.")
    stream: Stream | None = Field(
        None, description="Records that come one by one; left out, only files come."
    )
    large_data: LargeData | None = Field(
        None, description="Files too large for a function; left out, they go to quarantine."
    )
    image: ImageName = Field(
        "headrace",
        description="The jobs' container: headrace, built in your account; managed, AWS's scikit-learn image; or the URI of "
        "one of your own in Amazon ECR, with its tag or digest.",
    )
    tracking: Tracking | None = Field(
        None, description="Where trainings are written down as runs of MLflow; left out, nowhere."
    )
    network: Network = Field(
        default_factory=Network,
        description="Where functions, jobs and models run. `network: private` or `network: public` is enough for those; an "
        "existing network is named by the fields below.",
    )
    audit: Audit = Field(
        default_factory=Audit,
        description="What is written down of whoever does anything, so that it can be shown later.",
    )
    retention: Retention = Field(
        default_factory=Retention, description="What nobody can delete, and how long logs are kept."
    )
    compliance: Literal["standard", "strict"] = Field(
        "standard",
        description="strict: also what compliance packs ask and what costs money or quota; docs/compliance.md says what.",
    )
    owner: Annotated[str, StringConstraints(pattern=TAG_VALUE)] = Field(
        "unassigned",
        description="Who answers for the pipeline, such as a team: the tag `headrace:owner` of all that is made.",
    )
    data_class: Literal["public", "internal", "confidential", "restricted"] | None = Field(
        None,
        description="How sensitive the data is: the tag `headrace:data-class`. None: confidential if `privacy` is there, else "
        "internal.",
    )
    on_destroy: Literal["delete", "retain"] = Field(
        "delete",
        description="Whether `cdk destroy` deletes the data, the tables, the models and the key, or keeps them.",
    )
    notify: Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")] | None = Field(
        None, description="E-mail address for the alarms."
    )

    @property
    def metric(self) -> str:
        """The metric that decides: the one the file names, or the problem's default."""
        return self.evaluation.metric or default_metric(self.problem)

    @property
    def classification(self) -> str:
        """How sensitive the data is: what the file says, or what having personal data or none makes of it."""
        return self.data_class or ("confidential" if self.privacy else "internal")

    @property
    def log_days(self) -> LogDays:
        """How long logs are kept, in days."""
        return self.retention.log_days or (365 if self.compliance == "strict" else 90)

    @property
    def unseen(self) -> tuple[str, ...]:
        """Columns that no model may see beside target, id and time: the ignored ones, and the personal ones."""
        personal = self.privacy.personal if self.privacy else {}
        return (*self.ignore, *(name for name in personal if name not in (self.id, *self.ignore)))

    @model_validator(mode="before")
    @classmethod
    def _metric_by_problem(cls, data: object) -> object:
        """Fill in the problem's metric, so that whoever reads the model finds a name there."""
        if not isinstance(data, dict) or data.get("problem") not in METRICS:
            return data
        evaluation = data.get("evaluation", {})
        if isinstance(evaluation, dict) and evaluation.get("metric") is None:
            data = {**data, "evaluation": {**evaluation, "metric": default_metric(data["problem"])}}
        return data

    @model_validator(mode="after")
    def _fields_agree(self) -> Self:
        if findings := disagreements(self):
            raise DisagreementError(findings)
        return self
