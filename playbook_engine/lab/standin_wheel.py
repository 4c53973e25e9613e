"""A small local wheel that stands in for the 840 MB of the real MLflow: the same command, the API that is used.

It is a real package, installed by pip and run as a service; the demo installs the real one.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

PROGRAM = """
import argparse, http.server, json, sqlite3, urllib.parse, uuid

ROUTES = {}
DB = None

def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("server")
    parser.add_argument("--host"), parser.add_argument("--port", type=int), parser.add_argument("--workers")
    parser.add_argument("--backend-store-uri"), parser.add_argument("--artifacts-destination")
    options = parser.parse_args()
    global DB
    DB = sqlite3.connect(options.backend_store_uri.replace("sqlite:///", "", 1), check_same_thread=False)
    DB.execute("create table if not exists things (kind, id, body)")
    DB.commit()
    http.server.HTTPServer((options.host, options.port), Handler).serve_forever()

def put(kind, id_, body):
    DB.execute("delete from things where kind=? and id=?", (kind, id_))
    DB.execute("insert into things values (?,?,?)", (kind, id_, json.dumps(body)))
    DB.commit()

def get(kind, id_):
    row = DB.execute("select body from things where kind=? and id=?", (kind, id_)).fetchone()
    return json.loads(row[0]) if row else None

def drop(kind, id_):
    DB.execute("delete from things where kind=? and id=?", (kind, id_))
    DB.commit()

def api(path, q):
    new = uuid.uuid4().hex
    if path == "experiments/create":
        put("experiment", new, q)
        return {"experiment_id": new}
    if path == "experiments/delete":
        drop("experiment", q["experiment_id"])
        return {}
    if path == "runs/create":
        put("run", new, {"metrics": [], "params": []})
        return {"run": {"info": {"run_id": new}}}
    if path in ("runs/log-metric", "runs/log-parameter"):
        run = get("run", q["run_id"])
        run["metrics" if path.endswith("metric") else "params"].append({"key": q["key"], "value": q["value"]})
        put("run", q["run_id"], run)
        return {}
    if path == "runs/get":
        return {"run": {"info": {"run_id": q["run_id"]}, "data": get("run", q["run_id"])}}
    if path == "runs/delete":
        drop("run", q["run_id"])
        return {}
    if path == "registered-models/create":
        put("model", q["name"], q)
        return {"registered_model": q}
    if path == "registered-models/get":
        return {"registered_model": get("model", q["name"])}
    if path == "registered-models/delete":
        drop("model", q["name"])
        return {}
    return {}

class Handler(http.server.BaseHTTPRequestHandler):
    def reply(self, body, kind="application/json"):
        data = body.encode()
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        if url.path == "/health":
            return self.reply("OK", "text/plain")
        if url.path == "/version":
            return self.reply("3.17.2", "text/plain")
        query = {k: v[0] for k, v in urllib.parse.parse_qs(url.query).items()}
        self.reply(json.dumps(api(url.path.split("/mlflow/", 1)[-1], query)))

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or b"{}")
        self.reply(json.dumps(api(self.path.split("/mlflow/", 1)[-1], body)))

    do_DELETE = do_POST

    def log_message(self, *_):
        pass
"""


def build(folder: Path, *, name: str = "mlflow", version: str = "3.17.2", ballast: int = 0) -> Path:
    """Writes the wheel (PEP 427) into a folder that pip can use as find-links. `ballast`: bytes of dead weight."""
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{name}-{version}.dist-info"
    files = {
        "mlflow_standin.py": PROGRAM.encode(),
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": b"[console_scripts]\nmlflow = mlflow_standin:main\n",
    }
    for n in range(ballast >> 20):
        files[f"mlflow_ballast/{n:04d}.bin"] = bytes(1 << 20)
    record = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    wheel = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in {**files, f"{info}/RECORD": record.encode()}.items():
            archive.writestr(path, data)
    return wheel
