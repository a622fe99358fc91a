"""Application Auto Scaling over instances that are only counted."""

from local_cloud.autoscaling.service import AutoScaling
from local_cloud.sagemaker.errors import invalid

TARGET = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": "endpoint/e/variant/v1",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}
BY_REQUESTS = {
    "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}
}
FIRST_INSTANCE = {
    "AdjustmentType": "ChangeInCapacity",
    "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}],
    "Cooldown": 300,
}


class CountedInstances:
    account, region = "123456789012", "us-east-1"

    def __init__(self, **variants):
        self.counts, self.alarms, self.busy, self.refusal = variants, {}, False, None

    def instances(self, endpoint, variant):
        return self.counts.get(variant) if endpoint == "e" else None

    def resize(self, endpoint, variant, count):
        if self.busy:
            raise invalid('Cannot update in-progress endpoint "e" (status Updating).')
        if count == self.refusal:
            raise invalid("DesiredInstanceCount must be at least 1.")
        self.counts[variant] = count

    def put_alarm(self, request):
        self.alarms[request["AlarmName"]] = request

    def delete_alarms(self, names):
        for name in names:
            del self.alarms[name]


class Scaling:
    """The service with a clock that is set by hand."""

    def __init__(self, **variants):
        self.cloud, self.now = CountedInstances(**variants), 1000.0
        self.service = AutoScaling(self.cloud, lambda: self.now)

    def call(self, operation, **request):
        return self.service.call(operation, {**TARGET, **request})

    def list(self, operation, **request):
        (rows,) = self.service.call(operation, {"ServiceNamespace": "sagemaker", **request}).values()
        return rows

    def register(self, least=1, most=8, **more):
        return self.call("RegisterScalableTarget", MinCapacity=least, MaxCapacity=most, **more)

    def track(self, target=600, **more):
        configuration = {"TargetValue": target, **BY_REQUESTS, **more}
        return self.call(
            "PutScalingPolicy",
            PolicyName="load",
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration=configuration,
        )

    def alarm(self, policy, metric, threshold=600):
        """Let an alarm call a policy, and return how many instances there are then."""
        self.service.scaler.invoke(policy["PolicyARN"], "the-alarm", metric, threshold)
        return self.cloud.counts["v1"]
