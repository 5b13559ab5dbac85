#!/usr/bin/env python3
"""Times cases in eager PyTorch, one request a line.

    {"case": "BenchmarkGemm/m=200/n=64", "min_time_s": 0.3}     the fastest way of writing it
    {"case": ..., "min_time_s": ..., "way": "CSR"}              a certain one
    {"case": ..., "min_time_s": ..., "calibrate": []}           all of them, or those that are named
    {"drop": "BenchmarkGemm/m=200/n=64"}                        forget a case and its inputs

Each is answered by a line: {"ns": median of nanoseconds a call, "reps": calls, "way": description}, after
a calibration with "ways": {description: ns} as well, or {"error": text}. The first line that is
written says what runs here: {"torch": version, "blas": library and core, "threads": [torch's, BLAS's]}.

    torch_side.py --threads 2             a server with two threads in PyTorch's own pool
    torch_side.py --list                  the names of all cases
    torch_side.py --case NAME             times all ways of one case, and prints them
    torch_side.py --check                 compares the results of all ways of every case
"""

import argparse
import ctypes
import json
import sys
import traceback
import warnings

import torch

import torch_default
import torch_kernels
import torch_paper
import torch_rivals
from torch_case import calibrate, fastest, measure

FAMILIES = {**torch_kernels.FAMILIES, **torch_paper.FAMILIES, **torch_default.FAMILIES, **torch_rivals.FAMILIES}


def names():
    """All cases, as our benchmarks are called but for the number of threads."""
    for family, (_, sizes) in FAMILIES.items():
        for size in sizes:
            yield "/".join([family, *(f"{key}={value}" for key, value in size.items())])


def build(name):
    """The case of a name, its random inputs the same each time."""
    family, *sizes = name.split("/")
    torch.manual_seed(1)
    return FAMILIES[family][0](**{key: int(value) for key, value in (s.split("=") for s in sizes)})


class Server:
    def __init__(self):
        self.cases = {}    # by name
        self.fastest = {}  # way of each case that was calibrated

    def case(self, name):
        if name not in self.cases:
            self.cases[name] = build(name)
        return self.cases[name]

    def calibrate(self, name, min_time_s, only=()):
        case = self.case(name)
        ways = calibrate(case, min_time_s, only)
        self.fastest[name] = fastest(case, ways)
        return ways

    def answer(self, request):
        if "drop" in request:
            self.cases.pop(request["drop"], None)
            return {}
        name, min_time_s = request["case"], request["min_time_s"]
        if "calibrate" in request:
            ways = self.calibrate(name, min_time_s, request["calibrate"])
            way = self.fastest[name]
            return {"ns": ways[way], "reps": 0, "way": way, "ways": ways}
        way = request.get("way") or self.fastest.get(name)
        if not way:
            self.calibrate(name, min_time_s)
            way = self.fastest[name]
        ns, reps = measure(self.case(name).ways[way], min_time_s)
        return {"ns": ns, "reps": reps, "way": way}

    def serve(self):
        print(json.dumps(about()), flush=True)
        for line in sys.stdin:
            try:
                answer = self.answer(json.loads(line))
            except Exception as e:  # the other side decides what to do without this case
                traceback.print_exc()
                answer = {"error": f"{type(e).__name__}: {e}"}
            print(json.dumps(answer), flush=True)


def about():
    blas, threads = blas_library()
    return {
        "torch": torch.__version__, "blas": blas, "threads": [torch.get_num_threads(), threads],
        "vectors": next((line.split()[-1] for line in torch.__config__.show().split("\n") if "capability" in line), ""),
    }


def blas_library():
    """The name, core and threads of the OpenBLAS that is loaded, if one is."""
    torch.mm(torch.ones(2, 2), torch.ones(2, 2))
    try:
        with open("/proc/self/maps", encoding="utf-8") as maps:
            paths = sorted({line.split()[-1] for line in maps if "libopenblas" in line})
        library = ctypes.CDLL(paths[0])
        library.openblas_get_config.restype = ctypes.c_char_p
        library.openblas_get_corename.restype = ctypes.c_char_p
        version = " ".join(library.openblas_get_config().decode().split()[:2])
        return f"{version} ({library.openblas_get_corename().decode()})", library.openblas_get_num_threads()
    except (OSError, IndexError, AttributeError):
        return "", 0


def show(name, min_time_s):
    """Times all ways of a case."""
    case = build(name)
    ways = calibrate(case, min_time_s)
    best = fastest(case, ways)
    for way in sorted(ways, key=ways.get):
        print(f"{ways[way] / 1000:12.1f} us  {name}  {way}{'  <- baseline' if way == best else ''}", flush=True)


def check(only):
    """Compares the first results of all ways of each case; gives the number of cases that disagree."""
    wrong = 0
    for name in names():
        if only and only not in name:
            continue
        first, *rest = [results(way) for way in build(name).ways.values()]
        far = max((difference(a, b) for other in rest for a, b in zip(first, other)), default=0)
        wrong += not far < 1e-4
        print(f"{'ok' if far < 1e-4 else 'DISAGREE':9}{name}: {1 + len(rest)} ways, largest difference {far:.1e}", flush=True)
    return wrong


def results(way):
    """What one call computes, as a list of tensors; dropout draws the same for each way."""
    torch.manual_seed(2)
    found = way()
    return [t.clone() for t in (found if isinstance(found, tuple) else (found,))]


def difference(a, b):
    """The largest one, as a share of the largest value."""
    return ((a - b).abs().max() / a.abs().max()).item()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1, help="of PyTorch's own pool")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--case", help="a name of --list; with --check, a part of names")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--seconds", type=float, default=0.5, help="for --case")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    warnings.filterwarnings("ignore", "Sparse CSR")  # "is in beta state"
    if options.list:
        print("\n".join(names()))
    elif options.check:
        sys.exit(check(options.case) > 0)
    elif options.case:
        show(options.case, options.seconds)
    else:
        Server().serve()


if __name__ == "__main__":
    main()
