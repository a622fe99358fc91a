"""What the tests' container does: a model is a text, which is put before every request."""

import json
import os
import signal
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

BASE = Path(os.environ["SAGEMAKER_BASE_DIR"])


def train():
    wishes = json.loads((BASE / "input/config/hyperparameters.json").read_text())
    print(f"validation:rmse={wishes.get('rmse', '1.5')};", flush=True)
    if "sleep_s" in wishes:
        if wishes.get("stubborn"):
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print("sleeping", flush=True)
        time.sleep(float(wishes["sleep_s"]))
    if "failure" in wishes:
        (BASE / "output/failure").write_text(wishes["failure"])
        return 3
    if "exit" in wishes:
        return int(wishes["exit"])
    files = sorted(path for path in (BASE / "input/data").rglob("*") if path.is_file())
    print("validation:rmse=0.5; and more", flush=True)
    report = {
        "files": {str(path.relative_to(BASE / "input/data")): path.read_text() for path in files},
        "environment": dict(os.environ),
        "config": {path.name: json.loads(path.read_text()) for path in (BASE / "input/config").iterdir()},
    }
    (BASE / "model/model.txt").write_text(wishes.get("text", "hello"))
    (BASE / "model/report.json").write_text(json.dumps(report))
    return 0


def process(arguments):
    inputs = BASE / "processing/input"
    files = {str(path.relative_to(inputs)): path.read_text() for path in inputs.rglob("*") if path.is_file()}
    report = {"arguments": arguments, "files": files, "environment": dict(os.environ)}
    report["config"] = json.loads((BASE / "config/processingjobconfig.json").read_text())
    print("processing", flush=True)
    if "fail" in arguments:
        (BASE / "output/message").write_text("the rows do not fit")
        return 4
    if "sleep" in arguments:
        time.sleep(60)
    output = BASE / "processing/output"
    output.mkdir(parents=True, exist_ok=True)
    (output / "report.json").write_text(json.dumps(report))
    return 0


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        self.answer(200, b"")

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        text = (BASE / "model/model.txt").read_text() if (BASE / "model/model.txt").exists() else "none"
        if body.startswith(b"status "):
            self.answer(int(body.split()[1]), b"you asked for it")
        elif body == b"die":
            os._exit(1)
        elif body.startswith(b"sleep "):
            time.sleep(float(body.split()[1]))
            self.answer(200, b"slept")
        elif body == b"pid":
            self.answer(200, str(os.getpid()).encode())
        elif body == b"headers":
            self.answer(200, json.dumps({k.lower(): v for k, v in self.headers.items()}).encode())
        else:
            print(f"asked {body.decode(errors='replace')}", flush=True)
            self.answer(200, text.encode() + b":" + body)

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("content-type", self.headers.get("accept") or "text/plain")
        self.send_header("content-length", str(len(body)))
        self.send_header("x-amzn-sagemaker-custom-attributes", "seen")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    verb = sys.argv[1]
    if verb == "train":
        sys.exit(train())
    if verb == "serve":
        if os.environ.get("BROKEN"):
            sys.exit(1)
        time.sleep(float(os.environ.get("SLOW_S", "0")))
        print("serving", flush=True)
        ThreadingHTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
    sys.exit(process(sys.argv[2:]))
