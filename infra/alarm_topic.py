"""The topic that tells people of alarms."""

from __future__ import annotations

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct


class AlarmTopic(sns.Topic):
    """An encrypted topic.

    Parameters
    ----------
    key : IKey
        Encrypts the messages; its policy names the services that publish.
    """

    def __init__(self, scope: Construct, id: str, *, display_name: str, key: kms.IKey) -> None:
        self._key = key
        super().__init__(scope, id, display_name=display_name, master_key=key, enforce_ssl=True)

    def grant_publish(self, grantee: iam.IGrantable) -> iam.Grant:
        """Allow publishing; the CDK's own grant allows every way of making a data key.

        References
        ----------
        .. [1] Amazon SNS developer guide, "Managing Amazon SNS encryption keys and costs": who publishes needs
           ``kms:GenerateDataKey*`` and ``kms:Decrypt``; SNS makes data keys by ``GenerateDataKey``.
        """
        iam.Grant.add_to_principal(
            grantee=grantee, actions=["kms:GenerateDataKey", "kms:Decrypt"], resource_arns=[self._key.key_arn]
        )
        return iam.Grant.add_to_principal(
            grantee=grantee, actions=["sns:Publish"], resource_arns=[self.topic_arn]
        )
