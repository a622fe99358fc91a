"""What the container of the release tests does: it answers ten times the temperature, or misbehaves as its model says."""

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

MODEL = json.loads((Path(os.environ["SAGEMAKER_BASE_DIR"]) / "model/behaviour.json").read_text())


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        self.answer(200, "")

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        known_row = self.headers.get("x-amzn-sagemaker-inference-id") == "headrace-smoke-test"
        if MODEL["fails"] and not known_row:
            self.answer(500, "it fails")
        elif self.headers["content-type"] == "application/json":
            rows = [row["temp"] for row in json.loads(body)["instances"]]
            predictions = [{"score": 10 * temp + MODEL["offset"]} for temp in rows]
            self.answer(200, json.dumps({"predictions": predictions}), "application/json")
        else:
            rows = map(float, body.split())
            self.answer(200, "".join(f"{10 * temp + MODEL['offset']}\n" for temp in rows))

    def answer(self, status, text, content_type="text/csv"):
        self.send_response(status)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


if __name__ == "__main__" and sys.argv[1] == "serve":
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
