"""Show a text or a variable. Evaluated on the controller."""

from playbook_engine.agent import failure

SPEC = {
    "name": "debug",
    "kind": "control",
    "summary": "Show a text or the value of an expression",
    "doc": "",
    "params": {
        "msg": {"type": "raw", "doc": "What to show; `Hello world!` when neither this nor `var` is given."},
        "var": {"type": "raw", "expression": True, "doc": "An expression, without braces, whose value is shown."},
        "value": {"type": "raw", "internal": True, "doc": "What the engine found `var` to be."},
        "verbosity": {"type": "int", "default": 0, "doc": "Only shown with at least so many -v."},
    },
    "returns": {"msg": "with `msg`; with `var` the value stands under the expression itself"},
    "examples": "debug: {var: result.free_bytes}",
}


def observe(args: "dict") -> "dict":
    if args.get("var") and args.get("msg") is not None:
        raise failure.Failed("msg and var exclude one another")
    if args.get("var"):
        return {args["var"]: args.get("value")}
    return {"msg": args.get("msg", "Hello world!")}
