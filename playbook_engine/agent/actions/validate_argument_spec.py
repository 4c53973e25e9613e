"""Check variables against a specification of arguments, such as that of a role. Evaluated on the controller.

What a type takes, and the words of the complaints, are those of Ansible's `ansible.module_utils.common.arg_spec`.
"""

from playbook_engine.agent import failure

SPEC = {
    "name": "validate_argument_spec",
    "kind": "control",
    "summary": "Fail unless variables fit a specification of arguments",
    "doc": "Nothing is sent to the host. Each variable that the specification names is looked at as it is when the "
    "step comes. A role with `argument_specs` in its meta folder begins with this by itself.",
    "params": {
        "argument_spec": {
            "type": "dict", "required": True,
            "doc": "By name of the variable: `type`, `required`, `choices`, `elements`, `options` and the rest.",
        },
        "provided_arguments": {"type": "dict", "default": {}, "doc": "Values that win over those of variables."},
        "validate_args_context": {"type": "dict", "default": {}, "doc": "Whose arguments these are; kept as it is."},
    },
    "returns": {
        "argument_errors": "what does not fit, a sentence each", "argument_spec_data": "the specification",
        "validate_args_context": "", "msg": "",
    },
    "examples": "validate_argument_spec: {argument_spec: {port: {type: int, required: true}}}",
}  # fmt: skip

TRUE = ("y", "yes", "on", "1", "true", "t", 1, 1.0, True)
FALSE = ("n", "no", "off", "0", "false", "f", 0, 0.0, False)
UNITS = "BKMGTPEZY"


def observe(args: "dict") -> "dict":
    """`provided_arguments` are all the values there are."""
    told = {"validate_args_context": args["validate_args_context"]}
    errors = []  # type: list[str]
    _validate(args["argument_spec"], dict(args["provided_arguments"]), {}, (), errors)
    if errors:
        told.update(argument_errors=errors, argument_spec_data=args["argument_spec"])
        raise failure.Failed("Validation of arguments failed:\n%s" % "\n".join(errors), result=told)
    told.update(changed=False, msg="The arg spec validation passed")
    return told


def _validate(spec: "dict", values: "dict", rules: "dict", inside: "tuple", errors: "list") -> None:
    """Adds to `errors`. `rules` are those between arguments (`required_together` and the like), `inside` the names of
    the arguments around these."""
    within = " found in %s" % " -> ".join(inside) if inside else ""
    spec = {name: one or {} for name, one in spec.items()}
    for name, one in spec.items():
        for alias in one.get("aliases") or ():
            if alias in values:
                values.setdefault(name, values.pop(alias))
    unknown = sorted(str(name) for name in values if name not in spec)
    if unknown:
        names = ", ".join(".".join(inside + (name,)) for name in unknown)
        errors.append("%s. Supported parameters include: %s." % (names, ", ".join(sorted(spec))))
    for name, one in spec.items():
        if values.get(name) is None and one.get("default") is not None:
            values[name] = one["default"]
    missing = [name for name, one in spec.items() if one.get("required") and name not in values]
    if missing:
        errors.append("missing required arguments: %s%s" % (", ".join(sorted(missing)), within))
    for name, one in spec.items():
        if name not in values or (values[name] is None and not one.get("required")):
            continue
        try:
            values[name] = _typed(one.get("type") or "str", values[name])
        except (TypeError, ValueError) as error:
            errors.append(
                "argument '%s' is of type %s%s and we were unable to convert to %s: %s"
                % (name, type(values[name]).__name__, within, one.get("type") or "str", error)
            )
            continue
        if one.get("elements"):
            values[name] = _elements(name, one["elements"], values[name], within, errors)
        _chosen(name, one.get("choices"), values[name], within, errors)
    _together(rules, values, within, errors)
    for name, one in spec.items():
        if one.get("options") is None or values.get(name) is None:
            continue
        for part in values[name] if isinstance(values[name], list) else [values[name]]:
            if isinstance(part, dict):
                _validate(one["options"], dict(part), one, inside + (name,), errors)
            else:
                errors.append("value of '%s' must be of type dict or list of dicts" % name)


def _typed(kind: str, value: object) -> object:
    """Raises TypeError, ValueError."""
    text = value if isinstance(value, str) else None
    if kind in ("str", "path"):
        return str(value)
    if kind == "bool":
        word = text.strip().lower() if text is not None else value
        if isinstance(word, (str, int, float)) and word in TRUE + FALSE:
            return word in TRUE
    elif kind == "int":
        if isinstance(value, (int, float)) or text is not None:
            number = float(text) if text is not None else value
            if number == int(number):  # type: ignore[call-overload]
                return int(number)  # type: ignore[call-overload]
    elif kind == "float":
        if isinstance(value, (str, int, float)):
            return float(value)
    elif kind == "list":
        if isinstance(value, list):
            return value
        if isinstance(value, (str, int, float)):
            return str(value).split(",")
    elif kind == "dict":
        if isinstance(value, dict):
            return value
        if text is not None:
            return _mapping(text)
    elif kind in ("json", "jsonarg"):
        import json

        if isinstance(value, (str, list, dict, tuple)):
            return text.strip() if text is not None else json.dumps(value)
    elif kind in ("bytes", "bits"):
        import re

        found = re.match(r"\s*(\d*\.?\d*)([A-Za-z]+)?", str(value))
        if found and found.group(1) and (found.group(2) or "B")[0].upper() in UNITS:
            return int(float(found.group(1)) * 1024 ** UNITS.index((found.group(2) or "B")[0].upper()))
    elif kind == "raw":
        return value
    raise TypeError("%r cannot be converted to %s" % (value, kind))


def _mapping(text: str) -> "dict":
    """JSON, or `a=1, b=2`. Raises TypeError, ValueError."""
    import re

    if text.startswith("{"):
        import ast
        import json

        try:
            return json.loads(text)
        except ValueError:
            found = ast.literal_eval(text)
            if isinstance(found, dict):
                return found
    pairs = [pair.partition("=") for pair in re.split(r"[,\s]+", text.strip())]
    if not all(equals for _, equals, _ in pairs):
        raise TypeError("dictionary requested, could not parse JSON or key=value")
    return {key: value for key, _, value in pairs}


def _elements(name: str, kind: str, values: object, within: str, errors: "list") -> object:
    if not isinstance(values, list):
        errors.append("option '%s'%s has elements, and is no list" % (name, within))
        return values
    made = []
    for value in values:
        try:
            made.append(_typed(kind, value))
        except (TypeError, ValueError, SyntaxError) as error:
            errors.append(
                "Elements value for option '%s'%s is of type %s and we were unable to convert to %s: %s"
                % (name, within, type(value).__name__, kind, error)
            )
    return made


def _chosen(name: str, choices: "list | None", value: object, within: str, errors: "list") -> None:
    if choices is None:
        return
    offered = ", ".join(str(c) for c in choices)
    if isinstance(value, list):
        others = [str(each) for each in value if each not in choices]
        if others:
            message = "value of %s must be one or more of: %s. Got no match for: %s%s"
            errors.append(message % (name, offered, ", ".join(others), within))
    elif value not in choices:
        words = {"True": TRUE, "False": FALSE}.get(str(value), ())  # YAML 1.1 reads `yes` as true
        if len([word for word in words if isinstance(word, str) and word in choices]) != 1:
            errors.append("value of %s must be one of: %s, got: %s%s" % (name, offered, value, within))


def _together(rules: "dict", values: "dict", within: str, errors: "list") -> None:
    """What arguments ask of one another."""
    there = {name for name, value in values.items() if value is not None}
    for names in rules.get("mutually_exclusive") or ():
        if len(there.intersection(names)) > 1:
            errors.append("parameters are mutually exclusive: %s%s" % ("|".join(names), within))
    for names in rules.get("required_one_of") or ():
        if not there.intersection(names):
            errors.append("one of the following is required: %s%s" % (", ".join(names), within))
    for names in rules.get("required_together") or ():
        if 0 < len(there.intersection(names)) < len(names):
            errors.append("parameters are required together: %s%s" % (", ".join(names), within))
    for name, wanted in (rules.get("required_by") or {}).items():
        missing = [w for w in ([wanted] if isinstance(wanted, str) else wanted) if w not in there]
        if name in there and missing:
            errors.append("missing parameter(s) required by '%s': %s%s" % (name, ", ".join(missing), within))
    for name, value, wanted, *any_of in rules.get("required_if") or ():
        missing = [w for w in wanted if w not in there]
        if values.get(name) == value and missing and not (any_of and any_of[0] and len(missing) < len(wanted)):
            message = "%s is %s but %s of the following are missing: %s%s"
            few = "any" if any_of and any_of[0] else "all"
            errors.append(message % (name, value, few, ", ".join(missing), within))
