"""Stop with a message. Evaluated on the controller."""

from playbook_engine.agent import failure

SPEC = {
    "name": "fail",
    "kind": "control",
    "summary": "Fail with a message",
    "doc": "With `when`, for what a runbook must not go on after.",
    "params": {"msg": {"type": "str", "default": "Failed as requested from task", "doc": "What to say."}},
    "returns": {"msg": ""},
    "examples": "fail: {msg: this host holds the primary database}",
}


def observe(args: "dict") -> "dict":
    raise failure.Failed(args["msg"], result={"msg": args["msg"]})
