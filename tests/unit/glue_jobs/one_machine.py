"""Stands for Spark and S3 on one machine: lists for distributed rows, a dictionary for a bucket."""

import io
from collections import Counter, defaultdict


class Rows:
    """What Spark calls an RDD, of which every partition is a list of one."""

    def __init__(self, items):
        self._items = list(items)

    def map(self, act):
        return Rows(act(item) for item in self._items)

    def flatMap(self, act):  # noqa: N802 - Spark's name
        return Rows(found for item in self._items for found in act(item))

    def mapValues(self, act):  # noqa: N802
        return Rows((key, act(value)) for key, value in self._items)

    def groupByKey(self, partitions):  # noqa: N802
        groups = defaultdict(list)
        for key, value in self._items:
            groups[key].append(value)
        # In no order but for that of the partitions, as Spark's come.
        return Rows((key, reversed(groups[key])) for key in sorted(groups))

    def leftOuterJoin(self, other, partitions):  # noqa: N802
        found = dict(other._items)
        return Rows((key, (value, found.get(key))) for key, value in self._items)

    def reduce(self, combine):
        first, *rest = self._items
        for item in rest:
            first = combine(first, item)
        return first

    def foreach(self, act):
        for item in self._items:
            act(item)

    def sum(self):
        return sum(self._items)

    def collect(self):
        return list(self._items)

    def countByValue(self):  # noqa: N802
        return Counter(self._items)

    def toLocalIterator(self):  # noqa: N802
        return iter(self._items)

    def persist(self):
        return self


class Context:
    """What Spark calls a SparkContext."""

    def parallelize(self, items, partitions):
        return Rows(items)


class Buckets(dict):
    """What S3's client does, for objects by bucket and key."""

    def get_object(self, *, Bucket, Key):  # noqa: N803 - AWS's names
        return {"Body": io.BytesIO(self[Bucket, Key]), "VersionId": "v"}

    def put_object(self, *, Bucket, Key, Body):  # noqa: N803
        self[Bucket, Key] = Body

    def copy_object(self, *, Bucket, Key, CopySource):  # noqa: N803
        self[Bucket, Key] = self[CopySource["Bucket"], CopySource["Key"]]
