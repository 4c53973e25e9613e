"""Fixtures for every test that wants real hosts."""

from live_hosts import runbook, shop

__all__ = ["runbook", "shop"]
