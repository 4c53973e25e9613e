"""What became of a step that runs in the background (`async` with `poll: 0`)."""

from playbook_engine.agent import failure, labels, lastwords

SPEC = {
    "name": "async_status",
    "kind": "probe",
    "summary": "Whether a step that runs in the background has ended, and how",
    "doc": "`async: 10m` with `poll: 0` starts a step and goes on; its registered `ansible_job_id` is what to ask for. "
    "With `until: result.finished` and `retries` it waits. Its output is kept to the last KiB of each stream.",
    "params": {"jid": {"type": "str", "required": True, "doc": "The `ansible_job_id` of the step."}},
    "returns": {
        "started": "whether it was begun",
        "finished": "whether it has ended",
        "ansible_job_id": "",
        "rc": "exit status of a command that has ended",
        "stdout": "the end of its output",
        "stderr": "",
        "kind": "failure kind when it did not end well, else empty",
    },
    "examples": 'async_status: {jid: "{{ backup.ansible_job_id }}"}',
}


def observe(args: "dict") -> "dict":
    run, _, change = args["jid"].rpartition(".")
    found = {"ansible_job_id": args["jid"], "started": True, "finished": False, "kind": ""}
    if any(one["change"] == change for one in labels.holders(run)[0]["doing"]):
        return found
    reply = lastwords.outcome_of(run, change)
    if reply is not None:
        found.update(reply.get("result") or {})
        return dict(found, finished=True, kind=reply.get("kind") or "", msg=reply.get("msg") or "")
    raise failure.Unmeasured("nothing is known of %s: it never ran here, or the host was rebooted" % args["jid"])
