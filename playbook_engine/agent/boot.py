"""The first thing that runs on a host: takes modules from stdin, keeps them in memory, and serves.

The controller starts `python3 -I -S -c STAGE0` and sends this file, then the modules of `serve`, each as a line
`NAME LENGTH` and its source, then an empty line. Nothing is written to the host's disk.
"""

import os
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


def install(name: str, source: str) -> None:
    """Makes `import name` work from now on. A module that is already there is left alone."""
    if name in sys.modules:
        return
    parent, _, leaf = name.rpartition(".")
    module = type(sys)(name)
    module.__file__ = "<agent>/%s.py" % name.replace(".", "/")
    holder = package(parent)
    sys.modules[name] = module
    try:
        exec(compile(source, module.__file__, "exec", dont_inherit=True), module.__dict__)
    except BaseException:
        del sys.modules[name]
        raise
    setattr(holder, leaf, module)


def line() -> str:
    """One line of stdin, byte by byte: nothing may be read past it, frames follow."""
    got = b""
    while not got.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            sys.exit(0)
        got += byte
    return got[:-1].decode("ascii")


def speak_utf8() -> None:
    """Has Python 3.6 read names and arguments as UTF-8 under the locale C, as later ones do by themselves (PEP 540).

    Otherwise no path and no command with a letter beyond ASCII exists for it, and sudo or sshd often leave that locale.
    """
    if sys.getfilesystemencoding() != "ascii":
        return
    try:
        from ctypes import c_void_p
        from ctypes import pythonapi as c

        # A copy of its own: Python frees this text when it ends (Py_FinalizeEx).
        c._PyMem_RawStrdup.restype = c_void_p
        c_void_p.in_dll(c, "Py_FileSystemDefaultEncoding").value = c._PyMem_RawStrdup(b"utf-8")
    except Exception:
        return  # a Python without ctypes: ASCII works as ever
    os.fsencode, os.fsdecode = _fsencode, _fsdecode


def _fsencode(filename: "str | bytes | os.PathLike") -> bytes:
    name = os.fspath(filename)
    return name.encode("utf-8", "surrogateescape") if isinstance(name, str) else name


def _fsdecode(filename: "str | bytes | os.PathLike") -> str:
    name = os.fspath(filename)
    return name.decode("utf-8", "surrogateescape") if isinstance(name, bytes) else name


def start() -> None:
    """Reads the modules and hands over to `serve.main`."""
    speak_utf8()
    me = type(sys)("playbook_engine.agent.boot")
    me.__dict__.update({"install": install, "package": package})
    package("playbook_engine.agent").boot = me  # type: ignore[attr-defined]
    sys.modules["playbook_engine.agent.boot"] = me
    while True:
        head = line()
        if not head:
            break
        name, length = head.split(" ")
        body, left = [], int(length)
        while left:
            part = os.read(0, left)
            if not part:
                sys.exit(0)
            body.append(part)
            left -= len(part)
        install(name, b"".join(body).decode("utf-8"))
    sys.modules["playbook_engine.agent.serve"].main()


if __name__ == "__boot__":
    start()
