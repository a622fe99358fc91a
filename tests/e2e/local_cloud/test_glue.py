"""awswrangler against the local Glue and Athena: what a user and the ingestion do with it."""

import boto3
import pandas as pd
import pytest

wr = pytest.importorskip("awswrangler")

FRAME = pd.DataFrame(
    {
        "a": [1, 2, 3],
        "b": ["x", "y", "z"],
        "d": pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-02"]).date,
        "p": [1, 1, 2],
    }
)


@pytest.fixture(scope="module")
def session(cloud, client):
    """A session of the local cloud, which awswrangler is led to as well."""
    before = {name: getattr(wr.config, name) for name in _ENDPOINTS}
    for name in _ENDPOINTS:
        setattr(wr.config, name, cloud.endpoint)
    client("s3").create_bucket(Bucket="lake")
    yield boto3.Session("123456789012", "local", region_name="us-east-1")
    for name, value in before.items():
        setattr(wr.config, name, value)


_ENDPOINTS = ("s3_endpoint_url", "glue_endpoint_url", "athena_endpoint_url", "sts_endpoint_url")


@pytest.fixture(scope="module")
def table(session):
    """Write a table as ingestion does: new, then with a new column, then one partition again."""
    wr.catalog.create_database("lake", boto3_session=session)
    for frame, mode in (
        (FRAME, "overwrite"),
        (FRAME.assign(n=1.5), "append"),
        (FRAME[FRAME["p"] == 2].assign(n=2.5), "overwrite_partitions"),
    ):
        wr.s3.to_parquet(
            frame,
            path="s3://lake/t1/",
            dataset=True,
            database="lake",
            table="t1",
            partition_cols=["p"],
            mode=mode,
            schema_evolution=True,
            boto3_session=session,
        )
    return {"database": "lake", "table": "t1", "boto3_session": session}


def test_the_catalogue_knows_columns_that_came_later(table):
    assert wr.catalog.get_table_types(**table) == {
        "a": "bigint",
        "b": "string",
        "d": "date",
        "n": "double",
        "p": "bigint",
    }


def test_a_table_reads_back_with_all_appended_rows(table):
    frame = wr.s3.read_parquet_table(**table, validate_schema=False)  # a column came later

    assert sorted(frame["a"]) == [1, 1, 2, 2, 3]
    assert frame.loc[frame["a"] == 3, "n"].tolist() == [2.5]


def test_partitions_are_filtered_by_an_expression(table):
    every = wr.catalog.get_partitions(**table)
    some = wr.catalog.get_partitions(**table, expression="p = 2 and p <> 1")

    assert every == {"s3://lake/t1/p=1/": ["1"], "s3://lake/t1/p=2/": ["2"]}
    assert some == {"s3://lake/t1/p=2/": ["2"]}


def test_an_unsupported_expression_is_refused(client, table):
    glue = client("glue")

    with pytest.raises(glue.exceptions.InvalidInputException, match="Unsupported expression"):
        glue.get_partitions(DatabaseName="lake", TableName="t1", Expression="nonsense = = 1")


def test_old_versions_of_a_table_are_kept(client, table):
    versions = client("glue").get_table_versions(DatabaseName="lake", TableName="t1")["TableVersions"]

    columns = [[c["Name"] for c in v["Table"]["StorageDescriptor"]["Columns"]] for v in versions]
    assert columns[-1] == ["a", "b", "d"]
    assert columns[0] == ["a", "b", "d", "n"]


def test_athena_answers_sql_and_leaves_its_result_where_it_says(client, session, table):
    frame = wr.athena.read_sql_query(
        "select p, count(*) as c, sum(n) as s from t1 group by p order by p",
        database="lake",
        ctas_approach=False,
        s3_output="s3://lake/answers",
        boto3_session=session,
    )

    assert frame.to_dict("records") == [{"p": 1, "c": 4, "s": 3.0}, {"p": 2, "c": 1, "s": 2.5}]
    location = frame.query_metadata["ResultConfiguration"]["OutputLocation"]
    key = location.removeprefix("s3://lake/")
    assert key.startswith("answers/")
    assert client("s3").head_object(Bucket="lake", Key=key)["ContentLength"] > 0


def test_a_workgroup_has_the_fields_that_aws_returns(client):
    group = client("athena").get_work_group(WorkGroup="primary")["WorkGroup"]

    assert group["Configuration"]["EnforceWorkGroupConfiguration"] is False
    assert "ResultConfiguration" in group["Configuration"]


def test_a_table_can_be_deleted(session):
    wr.catalog.create_database("short", boto3_session=session)
    wr.s3.to_parquet(
        FRAME, path="s3://lake/s/", dataset=True, database="short", table="t", boto3_session=session
    )

    assert wr.catalog.delete_table_if_exists("short", "t", boto3_session=session)
    assert not wr.catalog.does_table_exist("short", "t", boto3_session=session)
