"""How a case of each category is played: what is called, and what its answer is made of."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cases.place import content, first_object, lay, seen, swapped
from cases.product import Product

Case = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What a case is played with. `work` is its folder, `files` the category's own, `web` a server's address."""

    product: Product
    work: Path
    home: Path
    files: Path
    web: str

    def call(self, *words: str, folder: Path | None = None) -> Any:
        return self.product.call(words, folder or self.work, self.home)


def inventory(case: Case, stage: Stage) -> Any:
    sources = [word for source in case["sources"] for word in ("-i", source)]
    limit = ["--limit", case["limit"]] if "limit" in case else []
    extra, op = list(case.get("extra", [])), case["op"]
    if op == "hosts":
        said = stage.call("hosts", *sources, case["pattern"], "--list-hosts", *limit, *extra)
        if said.status:
            return said.refusal
        lines = [line.strip() for line in said.text.splitlines() if line.strip()]
        return {"hosts": [line for line in lines if not re.match(r"hosts \(\d+\):$", line)]}
    words = {"list": ["--list"], "host": ["--host", case.get("host", "")],
             "graph": ["--graph", *([case["group"]] if "group" in case else [])]}[op]  # fmt: skip
    said = stage.call("inventory", *sources, *words, *limit, *extra)
    if said.status:
        return said.refusal
    if op == "graph":
        return {"text": said.text.rstrip("\n") + "\n"}
    found = first_object(said.text)
    if op == "list":
        found.get("_meta", {}).pop("profile", None)
        found = {name: group for name, group in found.items() if name == "_meta" or group != {}}
    return {"json": found}


def vault(case: Case, stage: Stage) -> Any:
    secrets, op = case["secrets"], case["op"]
    if op == "eval":
        said = stage.call("eval", *secrets, "--vars", case["file"], "--expr", case["expr"])
        return said.refusal if said.status else {"value": first_object(said.text).get("value")}
    if op == "host":
        said = stage.call("inventory", "-i", case["file"], "--host", case["host"], *secrets)
        return said.refusal if said.status else {"json": first_object(said.text)}
    said = stage.call("vault", op, "--output", "-", *secrets, case["file"])
    if said.status or op == "decrypt":
        return said.refusal if said.status else content(said.out)
    lines = said.text.splitlines()
    (stage.work / "_enc").write_bytes(said.out)
    back = stage.call("vault", "decrypt", "--output", "-", *case["read_secrets"], "_enc")
    hexes = bool(lines[1:]) and all(re.fullmatch(r"[0-9a-f]{1,80}", line) for line in lines[1:])
    return {
        "header": lines[0] if lines else "",
        "body_is_hex_80": hexes and all(len(line) == 80 for line in lines[1:-1]),
        "ends_with_newline": said.out.endswith(b"\n"),
        "roundtrip": back.out == (stage.work / case["file"]).read_bytes(),
    }


def modules(case: Case, stage: Stage) -> Any:
    root = stage.work / "w"
    root.mkdir()
    root.chmod(0o755)
    lay(root, case.get("files", []))
    known = [spec["path"] for spec in case.get("files", [])]
    there = {"@DIR@": str(root), "@HTTP@": stage.web, "@HTTPHOST@": stage.web.removeprefix("http://")}
    back = {str(root): "@DIR@", str(stage.home): "@HOME@", stage.web: "@HTTP@", there["@HTTPHOST@"]: "@HTTPHOST@"}
    words = ["module", case["module"], "--connection", "local", "--args", json.dumps(swapped(case["args"], there))]
    if case.get("vars"):
        words += ["--extra-vars", json.dumps(swapped(case["vars"], there))]
    out: dict[str, Any] = {"runs": []}
    start = seen(root, known)
    for mode in case.get("runs", ["check", "run", "run"]):
        said = stage.call(*words, *(["--check"] if mode == "check" else []), folder=root)
        try:
            answer = swapped(first_object(said.text), back)
        except ValueError as error:
            out["runs"].append({"mode": mode, "error": str(error)})
            continue
        out["runs"].append(_run(case, mode, answer))
        now = seen(root, known)
        if mode == "check":
            if now != start:
                out["runs"][-1]["check_changed_files"] = True
        elif "after" not in out:
            out["after"] = now
        elif now != out["after"]:
            out["after_second"] = now
    return out


def _run(case: Case, mode: str, answer: Mapping[str, Any]) -> dict[str, Any]:
    """One answer of a module, as far as the case asks."""
    failed = bool(answer.get("failed"))
    skipped = mode == "check" and bool(answer.get("skipped"))
    one: dict[str, Any] = {"mode": mode, "failed": failed, "_msg": str(answer.get("msg"))[:300]}
    if skipped:
        one["skipped"] = True
    if not failed:
        one["changed"] = bool(answer.get("changed"))
    keys = case.get("fail_keys" if failed else "result_keys", [])
    if keys and not (skipped and not failed):
        one["result"] = {key: picked(answer, key) for key in keys}
    return one


def picked(answer: Any, dotted: str) -> Any:
    """What a dotted path leads to; `*` is every element, and they are sorted then."""
    found, many = [answer], False
    for part in dotted.split("."):
        following: list[Any] = []
        for item in found:
            if part == "*":
                many = True
                following += item if isinstance(item, list) else list(item.values()) if isinstance(item, dict) else []
            elif isinstance(item, dict) and part in item:
                following.append(item[part])
            elif isinstance(item, list) and part.isdigit() and int(part) < len(item):
                following.append(item[int(part)])
        found = following
    if many:
        return sorted(found, key=lambda value: json.dumps(value, sort_keys=True))
    return found[0] if found else "<absent>"


def expressions(case: Case, stage: Stage) -> Any:
    file = stage.work / "vars.json"
    file.write_text(json.dumps(case.get("vars", {})), encoding="utf-8")
    said = stage.call("eval", "--vars", str(file), "--when" if case["kind"] == "when" else "--expr", case["expr"])
    return said.refusal if said.status else {"value": first_object(said.text).get("value")}


def plays(case: Case, stage: Stage) -> Any:
    root = stage.work / "w"
    shutil.copytree(stage.files / case["set"], root, symlinks=True)
    extra = swapped(case.get("extra", []), {"@DIR@": str(root)})
    words = ["play", "--json", "-i", case.get("inventory", "hosts.ini"), case["playbook"], *extra]
    said = stage.call(*words, folder=root)
    answer = swapped(first_object(said.text), {str(root): "@DIR@"})
    if answer.get("error"):
        return {"error": True, "_err": str(answer["error"])}
    for event in answer.get("events") or []:
        for result in event.get("results", {}).values():
            if not case.get("messages"):
                result.pop("msg", None)
    out = {"ok": said.status == 0, "events": answer.get("events"), "stats": answer.get("stats")}
    after = {k: v["content"] for k, v in seen(root).items() if k.startswith("out/") and v["type"] == "file"}
    return {**out, "after": after} if after else out


def sshconfig(case: Case, stage: Stage) -> Any:
    said = stage.call("ssh-config", "-G", "-F", case["file"], *case.get("extra", []), case["host"])
    if said.status:
        return said.refusal
    found: dict[str, list[str]] = {key: [] for key in case["keys"]}
    for line in said.text.splitlines():
        key, _, value = line.partition(" ")
        if key in found:
            found[key].append(value.replace(str(stage.home), "@HOME@").replace(str(stage.work), "@DIR@"))
    return {"options": found}


CATEGORIES: Mapping[str, Callable[[Case, Stage], Any]] = {
    "inventory": inventory, "vault": vault, "modules": modules, "expressions": expressions, "plays": plays,
    "sshconfig": sshconfig,
}  # fmt: skip
