"""Writes what the alarm topic says into a chat room."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from headrace.config.alarms import Chat
from headrace.config.pipeline import Pipeline
from infra.dead_letters import DeadLetters
from infra.narrow_grants import acknowledge_wildcards
from infra.pipeline_function import PipelineFunction
from infra.pipeline_stack import PipelineStack
from infra.secret_grant import grant_secret


class ChatRoom(Construct):
    """Topic → ``post_alarm`` → the webhook whose address is the user's secret.

    Attributes
    ----------
    lost_messages : sqs.Queue
        What could not be posted in three attempts.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        pipeline: Pipeline,
        chat: Chat,
        topic: sns.ITopic,
        key: kms.IKey,
    ) -> None:
        super().__init__(scope, id)
        self.lost_messages = DeadLetters(self, "LostMessages", key=key).queue
        function = PipelineFunction(
            self,
            "PostAlarm",
            name="post_alarm",
            pipeline=pipeline,
            key=key,
            environment={"CHAT_KIND": chat.kind, "CHAT_SECRET": chat.secret},
        )
        grant_secret(function, chat.secret, chat.secret_key_arn)
        function.configure_async_invoke(
            retry_attempts=2,
            max_event_age=Duration.hours(6),
            on_failure=destinations.SqsDestination(self.lost_messages),
        )
        acknowledge_wildcards(
            function.role,
            "The queue's and the key's grants are one action each; Secrets Manager adds six characters to a name.",
        )
        topic.add_subscription(
            subscriptions.LambdaSubscription(
                function, dead_letter_queue=PipelineStack.of_pipeline(self).undelivered
            )
        )
