"""The first thing that runs on a host: takes modules, keeps them in memory, and serves.

The controller starts `python3 -I -S -c STAGE0` and sends this file and the modules of `serve`, compiled for its own
Python. A Python that reads other code says so, and gets the sources. Nothing is written to the host's disk.
"""

import gc
import sys

OLDEST = (3, 6)


def package(name: str) -> object:
    """The in-memory package `name`, made with its parents if it is not there."""
    if name in sys.modules:
        return sys.modules[name]
    module = type(sys)(name)
    module.__path__ = []
    sys.modules[name] = module
    if "." in name:
        parent, _, leaf = name.rpartition(".")
        setattr(package(parent), leaf, module)
    return module


def install(name: str, given: "str | bytes") -> None:
    """Makes `import name` work from now on, from source (text) or compiled code. What is there already stays."""
    if name in sys.modules:
        return
    parent, _, leaf = name.rpartition(".")
    module = type(sys)(name)
    module.__file__ = "<agent>/%s.py" % name.replace(".", "/")
    holder = package(parent)
    sys.modules[name] = module
    try:
        if isinstance(given, str):
            code = compile(given, module.__file__, "exec", dont_inherit=True)
        else:
            import marshal
            import zlib

            code = marshal.loads(zlib.decompress(given))
        exec(code, module.__dict__)
    except BaseException:
        del sys.modules[name]
        raise
    setattr(holder, leaf, module)


def entries(data: bytes) -> "list[tuple[str, bytes]]":
    """(name, content) of modules that follow one another, each behind a line `NAME LENGTH`."""
    found, at = [], 0
    while at < len(data):
        end = data.index(b"\n", at)
        name, length = data[at:end].decode("ascii").split(" ")
        at = end + 1 + int(length)
        found.append((name, data[end + 1 : at]))
    return found


def start(data: bytes, compiled: bool) -> None:
    """Takes in the modules and hands over to `serve.main`."""
    gc.set_threshold(50000)  # what a call leaves behind is not worth looking at everything each few hundred objects
    me = type(sys)("playbook_engine.agent.boot")
    me.__dict__.update({"install": install, "package": package})
    package("playbook_engine.agent").boot = me  # type: ignore[attr-defined]
    sys.modules["playbook_engine.agent.boot"] = me
    for name, content in entries(data):
        install(name, content if compiled else content.decode("utf-8"))
    sys.modules["playbook_engine.agent.serve"].main()
