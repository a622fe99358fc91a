"""Tells when a month costs more than the pipeline file allows."""

from __future__ import annotations

from aws_cdk import aws_budgets as budgets
from aws_cdk import aws_sns as sns
from constructs import Construct

from headrace.config.pipeline import Pipeline
from infra.pipeline_tags import PIPELINE_TAG


class CostBudget(Construct):
    """An AWS budget of what carries the pipeline's tag; it tells the topic once a month, when the limit is exceeded.

    The tag has to be activated as a cost allocation tag, by hand and once for an account, and bills of the time before
    do not carry it.

    References
    ----------
    .. [1] AWS Cost Management user guide, "Creating an Amazon SNS topic for budget notifications".
    """

    def __init__(
        self, scope: Construct, id: str, *, pipeline: Pipeline, monthly_usd: float, topic: sns.ITopic
    ) -> None:
        super().__init__(scope, id)
        budgets.CfnBudget(
            self,
            "Budget",
            budget=budgets.CfnBudget.BudgetDataProperty(
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=budgets.CfnBudget.SpendProperty(amount=monthly_usd, unit="USD"),
                cost_filters={"TagKeyValue": [f"user:{PIPELINE_TAG}${pipeline.name}"]},
            ),
            notifications_with_subscribers=[
                budgets.CfnBudget.NotificationWithSubscribersProperty(
                    notification=budgets.CfnBudget.NotificationProperty(
                        comparison_operator="GREATER_THAN",
                        notification_type="ACTUAL",
                        threshold=100,
                        threshold_type="PERCENTAGE",
                    ),
                    subscribers=[
                        budgets.CfnBudget.SubscriberProperty(subscription_type="SNS", address=topic.topic_arn)
                    ],
                )
            ],
        )
