"""A remediation and runbook engine: see docs/architecture.md for the floors of the house."""

__version__ = "0.1.0"
