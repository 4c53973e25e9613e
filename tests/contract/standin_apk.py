# A stand-in for apk(8) of Alpine, which Debian does not have: a database, a world, and its words, as apk 2.14 prints
# them. alpha needs beta; the repository has alpha 1.0-r0 and 2.0-r0, and beta 1.0-r0.
import sys
from pathlib import Path

OFFERED = {"alpha": ["1.0-r0", "2.0-r0"], "beta": ["1.0-r0"]}
NEEDS = {"alpha": ["beta"]}
DATABASE, WORLD = Path("/lib/apk/db/installed"), Path("/etc/apk/world")


def installed() -> "dict[str, str]":
    found, name = {}, ""
    for line in DATABASE.read_text().splitlines():
        if line.startswith("P:"):
            name = line[2:]
        elif line.startswith("V:"):
            found[name] = line[2:]
    return found


def main(words: "list[str]") -> int:
    words = [word for word in words if word not in ("--no-progress", "--wait", "60")]
    verb = words[0]
    flags = [word for word in words[1:] if word.startswith("--")]
    names = [word for word in words[1:] if not word.startswith("--")]
    was, world = installed(), WORLD.read_text().split()
    now = dict(was)
    if verb == "update":
        print("OK: 2 distinct packages available")
        return 0
    if verb == "info":
        name, _, version = names[0].partition("=")
        return 0 if was.get(name) == version or (not version and name in was) else 1
    if verb == "add":
        for text in names:
            name, _, version = text.partition("=")
            if name not in OFFERED or (version and version not in OFFERED[name]):
                print(f"ERROR: unable to select packages:\n  {name} (no such package):\n    required by: world[{text}]")
                return 1
            world = [each for each in world if each.partition("=")[0] != name] + [text]
            if version or name not in now or "--upgrade" in flags:
                now[name] = version or OFFERED[name][-1]
    elif verb == "upgrade":
        now = {name: OFFERED[name][-1] for name in now}
    elif verb == "del":
        world = [each for each in world if each.partition("=")[0] not in names]
    wanted = [each.partition("=")[0] for each in world]
    wanted += [need for name in wanted for need in NEEDS.get(name, [])]
    now = {name: version for name, version in now.items() if name in wanted}
    for name in wanted:
        now.setdefault(name, OFFERED[name][-1])
    told(was, now)
    if "--simulate" not in flags:
        DATABASE.write_text("".join(f"P:{name}\nV:{version}\n\n" for name, version in sorted(now.items())))
        WORLD.write_text("".join(f"{each}\n" for each in world))
    print(f"OK: 8 MiB in {len(now)} packages")
    return 0


def told(was: "dict[str, str]", now: "dict[str, str]") -> None:
    changes = sorted(name for name in {*was, *now} if was.get(name) != now.get(name))
    for at, name in enumerate(changes, 1):
        place = f"({at}/{len(changes)})"
        if name not in was:
            print(f"{place} Installing {name} ({now[name]})")
        elif name not in now:
            print(f"{place} Purging {name} ({was[name]})")
        else:
            verb = "Upgrading" if was[name] < now[name] else "Downgrading"
            print(f"{place} {verb} {name} ({was[name]} -> {now[name]})")


sys.exit(main(sys.argv[1:]))
