"""Cases recorded from the tools that people know, replayed against the product: `make cases CASES=DIR`."""
