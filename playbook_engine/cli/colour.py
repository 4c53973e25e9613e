"""--color and --no-color: options of every command. What they mean says `report/colour.py`."""

from __future__ import annotations

import click

COLOUR = "playbook_engine.colour"


def colour_option() -> click.Option:
    """--color and --no-color, which every command takes."""
    return click.Option(
        ["--color/--no-color", "colour"], default=None, expose_value=False, callback=keep_colour, hidden=True
    )


def keep_colour(ctx: click.Context, param: click.Parameter, value: bool | None) -> None:
    if value is not None:
        ctx.meta[COLOUR] = value
