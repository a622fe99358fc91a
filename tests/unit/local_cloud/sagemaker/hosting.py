"""An engine whose containers are objects in this process."""

import io
import json
import threading

from botocore.exceptions import ClientError

from local_cloud.sagemaker.engine import Engine
from local_cloud.sagemaker.errors import JobError
from local_cloud.sagemaker.servers import Reply

ROLE = "arn:aws:iam::123456789012:role/model-role"
ON_INSTANCES = {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}


class Clock:
    """A clock that waits in no time, and does meanwhile what was ordered for a moment."""

    def __init__(self):
        self.time, self.orders = 0.0, []

    def now(self):
        return self.time

    def wait(self, seconds):
        self.time += seconds
        due, self.orders = (
            [order for order in self.orders if order[0] <= self.time],
            [order for order in self.orders if order[0] > self.time],
        )
        for _, do in due:
            do()

    def at(self, time, do):
        self.orders.append((time, do))


class Surroundings:
    """Services that take everything, and keep what they took."""

    account, region, endpoint = "123456789012", "us-east-1", "http://localhost:4566"

    def __init__(self, state_dir, servers=4):
        self.state_dir, self.servers, self.clock = state_dir, servers, Clock()
        self.data, self.events, self.objects, self.told = [], [], {}, []
        self.alarms = {}

    def role_session(self, role_arn):
        return self

    def client(self, service):
        return self

    def describe_alarms(self, **request):
        names = [name for name in request["AlarmNames"] if name in self.alarms]
        return {"MetricAlarms": [{"AlarmName": name, "StateValue": self.alarms[name]} for name in names]}

    def put_object(self, **request):
        self.objects[request["Key"]] = request["Body"]

    def get_object(self, **request):
        if request["Key"] not in self.objects:
            raise ClientError({"Error": {"Code": "NoSuchKey", "Message": "no such key"}}, "GetObject")
        body = self.objects[request["Key"]]
        return {"ContentLength": len(body), "Body": io.BytesIO(body)}

    def publish(self, **request):
        self.told.append((request["TopicArn"], json.loads(request["Message"])))

    def emit(self, detail_type, detail, resource):
        self.events.append((detail_type, detail))

    def put_metrics(self, namespace, data):
        assert namespace == "AWS/SageMaker"
        self.data += data

    def put_log(self, group, stream, lines):
        pass


class Server:
    """A container that answers with its model's name, or as its environment says."""

    def __init__(self, hosting, model):
        container = model["Containers"][0]
        self.model, self.environment = model["ModelName"], container.get("Environment", {})
        if "BROKEN" in self.environment:
            raise JobError("The primary container did not pass the ping health check.")
        self.hosting, self.requests, self.running = hosting, [], True
        hosting.servers.append(self)

    def invoke(self, body, headers, timeout_s=60):
        self.requests.append(body)
        self.patience_s = timeout_s
        if self.model in self.hosting.held:
            self.hosting.entered.release()
            self.hosting.gate.wait(timeout=10)
        assert self.running, "a server that was ended is asked"
        if "GONE" in self.environment:
            raise ConnectionRefusedError
        status = int(self.environment.get("STATUS", "200"))
        return Reply(status, f"{self.model}:{body.decode()}".encode(), {"content-type": "text/csv"})

    def stop(self):
        self.running = False


class Hosting:
    """Models, configurations and endpoints, as an account sees them."""

    def __init__(self, state_dir, **settings):
        self.around = Surroundings(state_dir, **settings)
        self.servers = []
        self.held, self.gate, self.entered = (), threading.Event(), threading.Semaphore(0)
        self.engine = Engine(self.around, lambda model, images, around, log: Server(self, model))

    def call(self, operation, **request):
        return self.engine.call(operation, request)

    def model(self, name, **environment):
        container = {
            "Image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/toy:1",
            "Environment": environment,
        }
        self.call("CreateModel", ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=container)
        return name

    def configure(self, name, *variants, **more):
        return self.call(
            "CreateEndpointConfig", EndpointConfigName=name, ProductionVariants=list(variants), **more
        )

    def start(self, name, *variants, **more):
        """Bring up an endpoint of these variants, whose configuration has its name."""
        self.configure(name, *variants, **more)
        self.call("CreateEndpoint", EndpointName=name, EndpointConfigName=name)
        return self.settled(name)

    def update(self, name, config, **more):
        self.call("UpdateEndpoint", EndpointName=name, EndpointConfigName=config, **more)
        return self.settled(name)

    def change(self, name, **wanted):
        """Change variants: ``change("e", a={"DesiredWeight": 0})``."""
        items = [{"VariantName": variant, **values} for variant, values in wanted.items()]
        self.call("UpdateEndpointWeightsAndCapacities", EndpointName=name, DesiredWeightsAndCapacities=items)
        return self.settled(name)

    def settled(self, name):
        assert self.engine.endpoints.wait(name, timeout_s=10)
        return self.describe(name)

    def describe(self, name):
        return self.call("DescribeEndpoint", EndpointName=name)

    def ask(self, name, body=b"x", **headers):
        """Invoke the endpoint; return the answer's body and the variant that gave it."""
        answer, returned = self.engine.invocations.invoke(name, body, headers)
        return answer.decode(), returned["x-Amzn-Invoked-Production-Variant"]

    def hold(self, *models):
        """Let the servers of these models answer only after `release`."""
        self.held = models

    def release(self):
        self.gate.set()

    def running(self):
        return [server.model for server in self.servers if server.running]

    def measured(self, variant, metric):
        dimension = {"Name": "VariantName", "Value": variant}
        return [
            datum["Value"]
            for datum in self.around.data
            if datum["MetricName"] == metric and dimension in datum["Dimensions"]
        ]


def variant(name, model=None, **more):
    """A variant on one instance, whose model has its name."""
    size = {} if "ServerlessConfig" in more else ON_INSTANCES
    return {"VariantName": name, "ModelName": model or name, **size, **more}
