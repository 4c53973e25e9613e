"""Put a file on the host whose content the controller renders with Jinja2 first."""

from playbook_engine.agent import content, filestate
from playbook_engine.agent.actions import copy

VOLATILE = filestate.VOLATILE

SPEC = {
    "name": "template",
    "kind": "state",
    "glance": True,
    "summary": "Render a Jinja2 template and put the result on the host",
    "doc": "Rendered on the controller, before anything is sent: an undefined variable is an error there.",
    "params": dict(
        {
            "src": {
                "type": "str",
                "required": True,
                "local": "template",
                "doc": "A template beside the runbook or in its `templates/`.",
            },
            "content": {"type": "content", "internal": True, "doc": "What the controller rendered."},
            "dest": {"type": "path", "required": True, "doc": "Where it goes; ending in `/`, or a directory: into it."},
            **{
                name: {"type": "str", "doc": "Instead of Jinja's `%s`." % sign}
                for name, sign in (
                    ("block_start_string", "{%"),
                    ("block_end_string", "%}"),
                    ("variable_start_string", "{{"),
                    ("variable_end_string", "}}"),
                    ("comment_start_string", "{#"),
                    ("comment_end_string", "#}"),
                )
            },
            "trim_blocks": {"type": "bool", "default": True, "doc": "Without the newline behind a block."},
            "lstrip_blocks": {"type": "bool", "default": False, "doc": "Without the white space before a block."},
            "newline_sequence": {"type": "str", "default": "\n", "doc": "What ends lines: `\\n`, `\\r` or `\\r\\n`."},
            "output_encoding": {"type": "str", "default": "utf-8", "doc": "How the text becomes bytes."},
            "force": {"type": "bool", "default": True, "doc": "When false, a file that is there is left alone."},
            "follow": {"type": "bool", "default": False, "doc": "Write through a link at `dest`."},
        },
        **content.PARAMS,
    ),
    "undo": "content, mode, owner, extended attributes as before; what was absent is removed",
    "returns": copy.SPEC["returns"],
    "examples": 'template: {src: app.conf.j2, dest: /etc/app.conf, mode: "0644"}',
}

observe = copy.observe
plan = copy.plan
keep = copy.keep
apply = copy.apply
undo = copy.undo
result = copy.result
