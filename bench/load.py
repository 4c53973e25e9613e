"""How long a large runbook takes from its file to a plan: `python bench/load.py [STEPS]`."""

from __future__ import annotations

import itertools
import json
import sys
import tempfile
import time
from pathlib import Path

from playbook_engine.engine.compile import compile_plan
from playbook_engine.engine.plan_data import from_data, to_data
from playbook_engine.journal.plain import to_json
from playbook_engine.loading.lint import undefined
from playbook_engine.loading.runbooks import Loader
from playbook_engine.model.host import Host
from playbook_engine.model.plan import Options
from playbook_engine.templating.environment import Templar

STEP = """\
  - name: the file number {n}
    template: {{src: app.conf.j2, dest: "{{{{ folder }}}}/app-{n}.conf", mode: "0644", owner: "{{{{ owner }}}}"}}
    when: ansible_facts.os_family == "Debian" and port_{m} > 1024
    notify: restart {m}
    checks:
      - stat: {{path: "{{{{ folder }}}}/app-{n}.conf"}}
        expect: result.stat.exists and result.stat.size > {n}
        within: 5s
"""


def runbook(steps: int) -> str:
    """A runbook with so many steps, each with templates, a condition, a handler and a check."""
    params = "".join(f"  port_{m}: {{type: int, default: {2000 + m}}}\n" for m in range(10))
    handlers = "".join(f"  - {{name: restart {m}, service: {{name: app-{m}, state: restarted}}}}\n" for m in range(10))
    body = "".join(STEP.format(n=n, m=n % 10) for n in range(steps))
    head = f"name: large\nparams:\n  folder: {{type: path, default: /etc/app}}\n  owner: {{default: root}}\n{params}"
    return f"{head}steps:\n{body}handlers:\n{handlers}"


def main() -> None:
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "large.yml"
        file.write_text(runbook(steps))
        templar = Templar()
        times = [("", time.perf_counter())]
        book = Loader([Path(folder)], templar).load(str(file))
        times.append(("load", time.perf_counter()))
        assert not undefined(book, templar, ())
        times.append(("lint", time.perf_counter()))
        hosts = [Host(name=f"web{n}.test") for n in range(100)]
        plan = compile_plan(book, hosts, {}, kind="run", options=Options())
        times.append(("compile for 100 hosts", time.perf_counter()))
        text = json.dumps(to_json(to_data(plan)))
        times.append(("to the journal", time.perf_counter()))
        assert from_data(json.loads(text)) == plan
        times.append(("and back", time.perf_counter()))
    print(f"{steps} steps, {len(runbook(steps)) >> 10} KiB of YAML, {len(text) >> 10} KiB of plan")
    for (_, before), (name, after) in itertools.pairwise(times):
        print(f"  {name:<24}{(after - before) * 1000:8.0f} ms")


if __name__ == "__main__":
    main()
