"""Training jobs on several instances: processes that find each other."""

import pytest

from tests.unit.local_cloud.sagemaker.training_cloud import TrainingCloud, eventually

PROGRAM = """
import socket
resources = json.loads((BASE / "input/config/resourceconfig.json").read_text())
me, names = resources["current_host"], resources["hosts"]
addresses = json.loads(os.environ["HEADRACE_LOCAL_HOST_ADDRESSES"])
def wish(name):
    return GIVEN.get(name, GIVEN.get(f"{name}_of_{me}"))
if wish("fail"):
    (BASE / "output/failure").write_text(f"{me} has had enough")
    sys.exit(7)
time.sleep(float(wish("sleep_s") or 0))
if wish("meet"):
    # Every host listens at its own address, all at the same port; the first one greets the others.
    server = socket.create_server((addresses[me], 7777))
    if me == names[0]:
        for name in names[1:]:
            for _ in range(200):
                try:
                    with socket.create_connection((addresses[name], 7777)) as line:
                        line.sendall(f"{me} greets {name}".encode())
                        break
                except OSError:
                    time.sleep(0.05)
    else:
        heard = server.accept()[0].makefile().read()
        say(heard)
        (BASE / "model" / f"heard-by-{me}.txt").write_text(heard)
files = sorted(p.name for p in (BASE / "input/data").rglob("*") if p.is_file())
(BASE / "model" / f"{me}.txt").write_text(" ".join(files))
(BASE / "model" / "same.txt").write_text(me)
(BASE / "output/data" / f"{me}.json").write_text(json.dumps({
    "resources": resources, "channels": json.loads((BASE / "input/config/inputdataconfig.json").read_text()),
    "environment": dict(os.environ)}))
say(f"score={len(files)}; {me}")
if GIVEN.get("checkpoints"):
    (BASE / "checkpoints" / f"{me}.txt").write_text(me)
"""


def resources(count):
    return {"ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": count, "VolumeSizeInGB": 1}}


def channel(name="train", **source):
    uri = {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/in/", **source}
    return {"ChannelName": name, "DataSource": {"S3DataSource": uri}}


@pytest.fixture
def cloud(tmp_path):
    cloud = TrainingCloud(tmp_path, PROGRAM)
    cloud.around.bucket.objects.update({f"in/{letter}.csv": letter.encode() for letter in "abcde"})
    return cloud


def test_hosts_find_each_other_by_their_addresses_and_their_models_are_put_together(cloud):
    job = cloud.train("job", {"meet": 1}, **resources(3))

    assert job["TrainingJobStatus"] == "Completed"
    model = cloud.model("job")
    assert model["heard-by-algo-2.txt"] == "algo-1 greets algo-2"
    assert model["heard-by-algo-3.txt"] == "algo-1 greets algo-3"
    assert {"algo-1.txt", "algo-2.txt", "algo-3.txt"} <= set(model)
    assert model["same.txt"] == "algo-1"


def test_two_jobs_do_not_share_addresses(cloud):
    cloud.start("one", {"meet": 1}, **resources(2))
    cloud.start("two", {"meet": 1}, **resources(2))

    for name in ("one", "two"):
        assert cloud.engine.jobs["TrainingJob"].wait(name)["TrainingJobStatus"] == "Completed"


def test_each_host_knows_its_place(cloud):
    cloud.train("job", **resources(2))

    report = cloud.output("job", "algo-2.json")
    assert report["resources"] == {
        "current_host": "algo-2",
        "hosts": ["algo-1", "algo-2"],
        "network_interface_name": "lo",
        "current_instance_type": "ml.m5.large",
        "current_group_name": "homogeneousCluster",
        "instance_groups": [
            {
                "instance_group_name": "homogeneousCluster",
                "instance_type": "ml.m5.large",
                "hosts": ["algo-1", "algo-2"],
            }
        ],
    }
    assert report["environment"]["SM_HOSTS"] == '["algo-1", "algo-2"]'
    assert report["environment"]["SM_CURRENT_HOST"] == "algo-2"


def test_each_host_has_a_log_stream_of_its_own(cloud):
    cloud.train("job", **resources(2))

    streams = {stream.rsplit("-", 1)[0] for stream, _ in cloud.around.logs}
    assert streams == {"job/algo-1", "job/algo-2"}


def test_sharded_keys_are_dealt_out_and_replicated_ones_are_everywhere(cloud):
    sharded = {"InputDataConfig": [channel(S3DataDistributionType="ShardedByS3Key")]}
    cloud.train("sharded", **resources(2), **sharded)
    cloud.train("replicated", **resources(2), InputDataConfig=[channel()])

    assert cloud.model("sharded")["algo-1.txt"] == "a.csv c.csv e.csv"
    assert cloud.model("sharded")["algo-2.txt"] == "b.csv d.csv"
    assert cloud.model("replicated")["algo-1.txt"] == cloud.model("replicated")["algo-2.txt"]
    channels = cloud.output("sharded", "algo-1.json")["channels"]
    assert channels["train"]["S3DistributionType"] == "ShardedByS3Key"


def test_a_channel_goes_to_the_groups_that_it_names(cloud):
    groups = [
        {"InstanceGroupName": "readers", "InstanceType": "ml.c5.xlarge", "InstanceCount": 1},
        {"InstanceGroupName": "learners", "InstanceType": "ml.m5.large", "InstanceCount": 2},
    ]
    cloud.train(
        "job",
        ResourceConfig={"InstanceGroups": groups, "VolumeSizeInGB": 1},
        InputDataConfig=[channel(InstanceGroupNames=["learners"], S3DataDistributionType="ShardedByS3Key")],
    )

    model = cloud.model("job")
    assert (model["algo-1.txt"], model["algo-2.txt"], model["algo-3.txt"]) == (
        "",
        "a.csv c.csv e.csv",
        "b.csv d.csv",
    )
    described = cloud.output("job", "algo-3.json")["resources"]
    assert described["current_group_name"] == "learners"
    assert [group["hosts"] for group in described["instance_groups"]] == [["algo-1"], ["algo-2", "algo-3"]]


def test_a_host_that_fails_ends_the_job_and_all_other_hosts(cloud):
    job = cloud.train("job", {"fail_of_algo-2": 1, "sleep_s_of_algo-1": 60}, **resources(2))

    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"] == "AlgorithmError: algo-2 has had enough, exit code: 7"
    assert job["TrainingTimeInSeconds"] < 30


def test_a_job_with_several_hosts_can_be_stopped(cloud):
    cloud.start("job", {"sleep_s": 60}, **resources(3))
    jobs = cloud.engine.jobs["TrainingJob"]
    eventually(lambda: jobs.find("job")["SecondaryStatus"] == "Training")

    cloud.call("StopTrainingJob", TrainingJobName="job")

    assert jobs.wait("job")["TrainingJobStatus"] == "Stopped"


def test_there_are_no_more_processes_than_the_setting_allows(tmp_path):
    cloud = TrainingCloud(tmp_path, PROGRAM, hosts=2)

    job = cloud.train("job", **resources(9))

    assert cloud.output("job", "algo-1.json")["resources"]["hosts"] == ["algo-1", "algo-2"]
    assert job["ResourceConfig"]["InstanceCount"] == 9


def test_the_checkpoints_of_all_hosts_lie_in_one_place(cloud):
    config = {"CheckpointConfig": {"S3Uri": "s3://bucket/c"}}

    cloud.train("job", {"checkpoints": 1}, **resources(2), **config)

    assert cloud.objects["c/algo-1.txt"] == b"algo-1"
    assert cloud.objects["c/algo-2.txt"] == b"algo-2"


def test_metrics_are_read_from_what_all_hosts_print(cloud):
    job = cloud.train("job", **resources(2))

    [metric] = job["FinalMetricDataList"]
    assert (metric["MetricName"], metric["Value"]) == ("score", 0)
