"""What a case is, and how it is timed."""

import gc
import statistics
import time

import torch

INFORMATION = "info: "  # begins the name of a way that is shown, and is no baseline
NEAR = 1.25  # times the fastest: worth a longer look
LONG_ENOUGH_NS = 100_000  # of a sample, for the clock to be exact
LONG_NS = 1_000_000_000  # of a call: timed once, since a second look would take too long
HOPELESS = 1.5  # times the fastest: a long call that is not timed again


class Case:
    """One thing to compute, in all the ways an eager author may write it.

    ways maps a description to a function without arguments that computes once and returns what
    is compared between ways by --check.
    """

    def __init__(self, ways):
        self.ways = ways

    def baselines(self):
        return {name: way for name, way in self.ways.items() if not name.startswith(INFORMATION)}


def inference(way):
    """way without the bookkeeping of gradients."""
    def run():
        with torch.inference_mode():
            return way()
    return run


def calls(way, number):
    """Nanoseconds a call, over so many calls."""
    start = time.perf_counter_ns()
    for _ in range(number):
        way()
    return (time.perf_counter_ns() - start) / number


def measure(way, min_time_s, best=float("inf")):
    """The median of nanoseconds a call, and the number of calls; best is what another way took."""
    first = calls(way, 1)
    if first > max(LONG_NS, HOPELESS * best):
        return first, 1
    number = 1 if first > LONG_NS else max(1, round(LONG_ENOUGH_NS / max(calls(way, 1), 1)))
    samples = []
    gc.collect()
    gc.disable()
    try:
        end = time.perf_counter() + min_time_s
        while not samples or time.perf_counter() < end:
            samples.append(calls(way, number))
    finally:
        gc.enable()
    return statistics.median(samples), number * len(samples)


def calibrate(case, min_time_s, only=()):
    """Nanoseconds of each way, or of some; those far off after a short look are not looked at twice."""
    ways = {name: way for name, way in case.ways.items() if not only or name in only}
    found = {}
    for name, way in ways.items():
        best = min((found[name] for name in found if name in case.baselines()), default=float("inf"))
        found[name] = measure(way, min_time_s / 5, best)[0]
    best = min(found[name] for name in ways if name in case.baselines())
    for name, way in ways.items():
        if found[name] < min(NEAR * best, LONG_NS):
            found[name] = min(found[name], measure(way, min_time_s)[0])
    return found


def fastest(case, found):
    """The baseline: the way that took least."""
    return min((name for name in found if name in case.baselines()), key=found.get)
