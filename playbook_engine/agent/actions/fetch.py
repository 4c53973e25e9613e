"""A file of the host, kept on the controller (`engine/fetching.py` writes it)."""

from playbook_engine.agent.actions import slurp

SPEC = {
    "name": "fetch",
    "kind": "probe",
    "summary": "Keep a file of the host on the controller",
    "doc": "It is written as DEST/HOST/SRC, and only where it differs from what is there; nothing on the host changes. "
    "A rollback leaves it. Nothing is fetched in check mode.",
    "params": {
        "src": {"type": "path", "required": True, "doc": "The file on the host."},
        "dest": {"type": "path", "required": True, "doc": "The folder on the controller, beside the runbook; with "
                 "`flat` the file, or with a slash at its end the folder."},
        "flat": {"type": "bool", "default": False, "doc": "Without the names of the host and of folders."},
        "fail_on_missing": {"type": "bool", "default": True, "doc": "Fail when there is no such file."},
        "validate_checksum": {"type": "bool", "default": True, "doc": "Understood: bytes always arrive whole."},
        "max_bytes": {"type": "size", "default": 268435456, "doc": "A larger file is refused, not cut."},
    },
    "returns": {
        "dest": "the file on the controller", "checksum": "its SHA-1", "md5sum": "", "remote_checksum": "",
        "remote_md5sum": "", "file": "the file on the host",
    },
    "examples": "fetch: {src: /var/log/app.log, dest: logs/}",
}  # fmt: skip


def observe(args: "dict") -> "dict":
    return slurp.observe(args)
