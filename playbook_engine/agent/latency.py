"""Samples of a latency, summed up: never one number."""


def summary(samples_ms: "list[float]") -> "dict":
    """{samples, min_ms, p50_ms, p95_ms, p99_ms, max_ms, clock}; None where there is no sample.

    Percentiles are by nearest rank, so that each was really measured.
    """
    ordered = sorted(samples_ms)
    told: "dict" = {"samples": len(ordered), "clock": "monotonic"}
    told["min_ms"] = _round(ordered[0]) if ordered else None
    told["max_ms"] = _round(ordered[-1]) if ordered else None
    for percent in (50, 95, 99):
        rank = -(-percent * len(ordered) // 100)  # ceil
        told["p%d_ms" % percent] = _round(ordered[rank - 1]) if ordered else None
    return told


def _round(value: float) -> float:
    return round(value, 3)
