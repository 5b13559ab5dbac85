"""The paper's network: two graph convolutions, a GRU along time, an MLP.

Rows of a convolution are independent of each other but for the graph, so a batch of windows
and the slices of a window can be laid out in two ways: services first, where one product by the
graph [N, N] serves a matrix of N rows that holds all slices side by side ("wide"), and time first,
where a block diagonal matrix ("stacked"), a product a slice ("each slice") or, with a dense
graph, a broadcast product ("broadcast") serves the slices one below the other.
"""

import torch
import torch.nn.functional as F

import torch_graph as graph
from torch_case import Case, inference
from torch_kernels import gates_in_place, gates_joint

SLICES, FEATURES, HIDDEN, HORIZONS = 12, 10, 64, 12
DENSE = 500  # services up to which a dense graph is tried: at 1000 it takes twice as long as a sparse one


class Network(torch.nn.Module):
    """The weights, and what comes after the convolutions."""

    def __init__(self):
        super().__init__()
        self.first = torch.nn.Parameter(torch.randn(FEATURES, HIDDEN) / FEATURES ** 0.5)
        self.second = torch.nn.Parameter(torch.randn(HIDDEN, HIDDEN) / HIDDEN ** 0.5)
        self.gru = torch.nn.GRU(HIDDEN, HIDDEN)
        self.fc1 = torch.nn.Linear(HIDDEN, HIDDEN)
        self.fc2 = torch.nn.Linear(HIDDEN, HORIZONS)

    def head(self, h):
        return self.fc2(F.relu(self.fc1(h)))

    def nn_gru(self, x, time_first):
        """The last state of rows, x being [T, R, hidden] or [R, T, hidden]."""
        self.gru.batch_first = not time_first
        return self.gru(x)[1][0]

    def loop_gru(self, x, time_first):
        """The same with one input product for all steps, and the gates by hand."""
        g = self.gru
        gates = gates_joint if torch.is_grad_enabled() else gates_in_place
        gi = F.linear(x, g.weight_ih_l0, g.bias_ih_l0).unbind(0 if time_first else 1)
        h = x.new_zeros(gi[0].shape[0], HIDDEN)
        for step in gi:
            h = gates(step, F.linear(h, g.weight_hh_l0, g.bias_hh_l0), h)
        return h


def rectify(x):
    return F.relu(x) if x.requires_grad else x.relu_()


def wide(net, a, x):
    """x is [N, .., F], services first."""
    n, lead = x.shape[0], x.shape[:-1]
    for w in (net.first, net.second):
        x = rectify(torch.mm(a.mm(x.reshape(n, -1)).view(-1, w.shape[0]), w))
    return x.view(*lead, HIDDEN)


def stacked(net, a, x):
    """x is [.., N, F], time first; a holds the graph once a slice."""
    lead = x.shape[:-1]
    x = x.reshape(-1, FEATURES)
    for w in (net.first, net.second):
        x = rectify(torch.mm(a.mm(x), w))
    return x.view(*lead, HIDDEN)


def each_slice(net, a, x):
    def one(s):
        for w in (net.first, net.second):
            s = rectify(torch.mm(a.mm(s), w))
        return s
    return torch.stack([one(s) for s in x.reshape(-1, *x.shape[-2:])]).view(*x.shape[:-1], HIDDEN)


def broadcast(net, a, x):
    for w in (net.first, net.second):
        x = rectify(torch.matmul(torch.matmul(a.matrix, x), w))
    return x


def ways_to_convolve(services, slices, batched):
    """Names to (services first?, convolution, graph) of all ways; slices is how many there are in all."""
    coo = graph.symmetric(services)
    found = {}
    for layout in ("csr", "coo"):
        one, all_ = graph.Sparse(coo, layout), graph.Sparse(graph.stacked(coo, slices), layout)
        found[f"wide {layout.upper()}"] = True, wide, one
        found[f"stacked {layout.upper()}"] = False, stacked, all_
        if not batched:
            found[f"each slice {layout.upper()}"] = False, each_slice, one
    if not batched:
        found["info: wide embedding_bag"] = True, wide, graph.Bag(coo)
    if services <= DENSE:
        dense = graph.Dense(coo)
        found["wide dense"] = True, wide, dense
        found["broadcast dense"] = False, broadcast, dense
    return found


def forecast(services):
    net = Network()
    time_first = torch.randn(SLICES, services, FEATURES)
    services_first = time_first.transpose(0, 1).contiguous()

    def way(first, convolve, a, gru):
        def run():
            x = convolve(net, a, services_first if first else time_first)
            return net.head(gru(x, not first))
        return inference(run)
    return Case({
        f"{name}, {gru_name}": way(*how, gru)
        for name, how in ways_to_convolve(services, SLICES, False).items()
        for gru_name, gru in (("nn.GRU", net.nn_gru), ("GRU by hand", net.loop_gru))
    })


def train_step(services, batch):
    """Loss, backward and Adam on a batch of windows that share their graph."""
    start = Network()
    time_first = torch.randn(SLICES, batch, services, FEATURES)
    target = torch.randn(batch, services, HORIZONS)
    # Rows of a GRU are [batch, services] time first and [services, batch] services first.
    inputs = {False: time_first, True: time_first.permute(2, 1, 0, 3).contiguous()}
    targets = {False: target.reshape(-1, HORIZONS), True: target.transpose(0, 1).reshape(-1, HORIZONS)}

    def way(first, convolve, a, gru_name):
        net = Network()
        net.load_state_dict(start.state_dict())
        optimiser = torch.optim.Adam(net.parameters(), lr=1e-3)

        def run():
            x = convolve(net, a, inputs[first])
            x = x.view(-1, SLICES, HIDDEN) if first else x.view(SLICES, -1, HIDDEN)
            y = net.head(getattr(net, gru_name)(x, not first))
            loss = F.mse_loss(y, targets[first])
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            return loss.detach(), *(p.grad for p in net.parameters())
        return run
    return Case({
        f"{name}, {gru_title}": way(*how, gru)
        for name, how in ways_to_convolve(services, SLICES * batch, True).items()
        for gru_title, gru in (("nn.GRU", "nn_gru"), ("GRU by hand", "loop_gru"))
    })


FAMILIES = {
    "BenchmarkPaperForecast": (forecast, [dict(services=s) for s in (200, 1000, 5000)]),
    "BenchmarkPaperTrainStep": (train_step, [dict(services=200, batch=32), dict(services=1000, batch=8)]),
}
