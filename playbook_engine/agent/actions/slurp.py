"""The content of a file."""

import os

from playbook_engine.agent import failure

SPEC = {
    "name": "slurp",
    "kind": "probe",
    "summary": "Read a file",
    "doc": "Bytes travel as they are; `content` is Base64 as in Ansible, so that any file can be a variable.",
    "params": {
        "src": {"type": "path", "required": True, "aliases": ["path"], "doc": "The file."},
        "max_bytes": {"type": "size", "default": 16777216, "doc": "A larger file is refused, not cut."},
    },
    "returns": {"content": "Base64", "encoding": "base64", "source": "the path", "size": "bytes"},
    "examples": "slurp: {src: /proc/mounts}",
}


def observe(args: "dict") -> "dict":
    path, most = args["src"], args["max_bytes"]
    if os.path.isdir(path):
        raise failure.Failed("%s is a directory" % path)
    try:
        with open(path, "rb") as handle:  # its size says nothing about a file of /proc
            data = handle.read(most + 1)
    except FileNotFoundError:
        raise failure.Failed("%s is not there" % path, "not-found")
    if len(data) > most:
        raise failure.Failed("%s is larger than max_bytes (%d)" % (path, most), "over-limit")
    return {"content": data, "encoding": "raw", "source": path, "size": len(data)}


def finish_here(result: "dict") -> "dict":
    """On the controller: the bytes as Base64 text."""
    import base64

    if not isinstance(result.get("content"), bytes):
        return result
    return dict(result, content=base64.b64encode(result["content"]).decode("ascii"), encoding="base64")
