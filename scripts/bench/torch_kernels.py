"""The kernels: products, pointwise functions, gates, norms, one optimiser step."""

import torch

import torch_graph as graph
from torch_case import Case, inference

HIDDEN = 64


def gemm(m, n):
    """c[m, n] = a[m, 64] b[64, n]."""
    a, b, c = torch.randn(m, HIDDEN), torch.randn(HIDDEN, n), torch.empty(m, n)
    return Case({"torch.mm(out=)": inference(lambda: torch.mm(a, b, out=c))})


def pointwise(function):
    def build(n):
        x, y = 2 * torch.randn(n), torch.empty(n)
        return Case({f"torch.{function.__name__}(out=)": inference(lambda: function(x, out=y))})
    return build


def gates_as_written(gi, gh, h):
    i_r, i_z, i_n = gi.chunk(3, 1)
    h_r, h_z, h_n = gh.chunk(3, 1)
    r = torch.sigmoid(i_r + h_r)
    z = torch.sigmoid(i_z + h_z)
    n = torch.tanh(i_n + r * h_n)
    return n + z * (h - n)


def gates_joint(gi, gh, h):
    """Fewer and fused calls: one sigmoid for both gates, addcmul, lerp."""
    c = h.shape[1]
    r, z = torch.sigmoid(gi[:, :2 * c] + gh[:, :2 * c]).chunk(2, 1)
    n = torch.tanh(torch.addcmul(gi[:, 2 * c:], r, gh[:, 2 * c:]))
    return torch.lerp(n, h, z)


def gates_in_place(gi, gh, h):
    """As gates_joint, in place where a new tensor is at hand. Not for training."""
    c = h.shape[1]
    r, z = (gi[:, :2 * c] + gh[:, :2 * c]).sigmoid_().chunk(2, 1)
    n = torch.addcmul(gi[:, 2 * c:], r, gh[:, 2 * c:]).tanh_()
    return n.lerp_(h, z)


def gru_gates(rows):
    gi, gh, h = torch.randn(rows, 3 * HIDDEN), torch.randn(rows, 3 * HIDDEN), torch.randn(rows, HIDDEN)
    return Case({
        "as written": inference(lambda: gates_as_written(gi, gh, h)),
        "joint sigmoid, addcmul, lerp": inference(lambda: gates_joint(gi, gh, h)),
        "joint, in place": inference(lambda: gates_in_place(gi, gh, h)),
    })


def spmm(services):
    """Five edges a service and the identity, times [services, 64]. Dense products are information."""
    coo, x = graph.symmetric(services), torch.randn(services, HIDDEN)
    rows, cols, values = *coo.indices(), coo.values()[:, None]
    csr, bag = coo.to_sparse_csr(), graph.Bag(coo)
    ways = {
        "COO": lambda: torch.sparse.mm(coo, x),
        "CSR": lambda: torch.sparse.mm(csr, x),
        "info: index_add": lambda: torch.zeros_like(x).index_add_(0, rows, values * x[cols]),
        "info: embedding_bag": lambda: bag.mm(x),
    }
    if services <= 1000:
        dense = coo.to_dense()
        ways["info: dense mm"] = lambda: torch.mm(dense, x)
    return Case({name: inference(f) for name, f in ways.items()})


def softmax(rows, cols):
    x = torch.randn(rows, cols)
    return Case({"torch.softmax": inference(lambda: torch.softmax(x, 1))})


def layer_norm(rows, cols):
    x, w, b = torch.randn(rows, cols), torch.randn(cols), torch.randn(cols)
    return Case({"F.layer_norm": inference(lambda: torch.nn.functional.layer_norm(x, (cols,), w, b))})


def adam(n):
    """Clipping and one Adam step with weight decay over one tensor."""
    start, grad = torch.randn(n), torch.randn(n)

    def way(foreach):
        w = torch.nn.Parameter(start.clone())
        w.grad = grad.clone()
        optimiser = torch.optim.Adam([w], lr=1e-3, weight_decay=1e-2, foreach=foreach)

        def step():
            torch.nn.utils.clip_grad_norm_([w], 5.0)
            optimiser.step()
            return w.detach()
        return step
    return Case({"Adam": way(False), "Adam(foreach)": way(True)})


FAMILIES = {
    "BenchmarkGemm": (gemm, [dict(m=m, n=n) for m in (200, 1000, 5000, 20000, 60000) for n in (64, 128, 192)]),
    "BenchmarkSigmoid": (pointwise(torch.sigmoid), [dict(n=65536)]),
    "BenchmarkTanh": (pointwise(torch.tanh), [dict(n=65536)]),
    "BenchmarkExp": (pointwise(torch.exp), [dict(n=65536)]),
    "BenchmarkGRUGates": (gru_gates, [dict(rows=r) for r in (200, 1000, 5000)]),
    "BenchmarkSpMM": (spmm, [dict(services=s) for s in (200, 1000, 5000)]),
    "BenchmarkSoftmax": (softmax, [dict(rows=1000, cols=64)]),
    "BenchmarkLayerNorm": (layer_norm, [dict(rows=1000, cols=64)]),
    "BenchmarkAdam": (adam, [dict(n=100000)]),
}
