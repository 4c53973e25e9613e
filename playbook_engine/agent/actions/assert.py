"""Stop unless conditions hold. Evaluated on the controller."""  # noqa: N999 (the file is named for the action)

from playbook_engine.agent import failure

SPEC = {
    "name": "assert",
    "kind": "control",
    "summary": "Fail unless all conditions hold",
    "doc": "Nothing is sent to the host. The engine evaluates the expressions and hands over what became of them.",
    "params": {
        "that": {"type": "list", "required": True, "expression": True, "doc": "Expressions, without braces."},
        "fail_msg": {"type": "raw", "aliases": ["msg"], "doc": "What to say when one does not hold."},
        "success_msg": {"type": "raw", "default": "All assertions passed", "doc": "What to say when all do."},
        "quiet": {"type": "bool", "default": False, "doc": "Say less."},
    },
    "returns": {"assertion": "the first that did not hold", "evaluated_to": "false", "msg": ""},
    "examples": "assert: {that: [port > 1024, \"'db' in group_names\"]}",
}


def observe(args: "dict") -> "dict":
    """`that` is a list of [expression, whether it holds]."""
    for expression, holds in args["that"]:
        if not holds:
            msg = args.get("fail_msg") or "Assertion failed"
            raise failure.Failed(msg, result={"assertion": expression, "evaluated_to": holds, "msg": msg})
    return {"msg": args["success_msg"]}
