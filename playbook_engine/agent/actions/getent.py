"""Entries of a system database: users, groups, hosts, services, wherever they come from."""

from playbook_engine.agent import failure, process

SPEC = {
    "name": "getent",
    "kind": "probe",
    "summary": "Look up entries of a system database (getent)",
    "doc": "What nsswitch.conf(5) leads to counts, directory services too.",
    "params": {
        "database": {"type": "str", "required": True, "doc": "passwd, group, hosts, services, …"},
        "key": {"type": "str", "doc": "One entry; else all."},
        "service": {"type": "str", "doc": "Only this source, as in `files`."},
        "split": {"type": "str", "doc": "What separates fields; else `:` where that is known, or white space."},
        "fail_key": {"type": "bool", "default": True, "doc": "A key that is not there is a failure."},
    },
    "returns": {
        "ansible_facts": "{getent_DATABASE: {first field: the other fields}}; null for a key that is not there"
    },
    "examples": "getent: {database: passwd, key: root}",
}

COLONS = ("passwd", "shadow", "group", "gshadow")
SAID = {
    1: "the database is not known, or an argument is missing",
    2: "the key is not in the database",
    3: "the database cannot be listed: give key",
}


def observe(args: "dict") -> "dict":
    database, key = args["database"], args["key"]
    words = ["getent"] + (["-s", args["service"]] if args["service"] else []) + [database]
    ran = process.run(words + ([key] if key is not None else []), env={"LC_ALL": "C"}, cap=16 << 20)
    name = "getent_" + database
    if ran["rc"] == 2 and not args["fail_key"]:
        return {"ansible_facts": {name: {key: None}}, "msg": SAID[2]}
    if ran["rc"] != 0:
        said = SAID.get(ran["rc"], ran["stderr"].strip())
        kind = "not-found" if ran["rc"] == 2 else "failed"
        raise failure.Failed("getent %s %s: %s" % (database, key or "", said), kind)
    split = args["split"] or (":" if database in COLONS else None)
    found: "dict" = {}
    many = set()
    for line in ran["stdout"].splitlines():
        record = line.split(split)
        if not record:
            continue
        first, rest = record[0], record[1:]
        if first not in found:
            found[first] = rest
        elif first in many:
            found[first].append(rest)
        else:
            many.add(first)
            found[first] = [found[first], rest]
    return {"ansible_facts": {name: found}}
