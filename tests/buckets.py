"""A bucket in memory, with the methods of S3's client that reading and writing single objects takes."""

import io


class Bucket(dict):
    """Objects by key."""

    def list_objects_v2(self, **request):
        keys = [key for key in sorted(self) if key.startswith(request["Prefix"])]
        return {"Contents": [{"Key": key} for key in keys[: request["MaxKeys"]]]} if keys else {}

    def get_object(self, **request):
        return {"Body": io.BytesIO(self[request["Key"]])}

    def put_object(self, **request):
        self[request["Key"]] = request["Body"]
        return {}
