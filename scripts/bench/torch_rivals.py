"""Training steps of the networks that ours is compared with in forecasts, each on a graph as large and as full as a road network's.

Every step is forward, loss, backward and Adam, with what the network's authors train it with: the loss, clipping, weight decay.
"""

import torch
from torch import nn

import torch_astgcn
import torch_dgcrn
import torch_graphwavenet
from torch_case import Case

SLICES, HORIZONS, STATIC, CHANGING, LAGS = 12, 12, 3, 3, 3
ROADS = 207  # services where a case's name doesn't say it
CLIP = 5.0


def edges(services, share):
    """A random graph's weights [services, services], most of them zero."""
    return torch.rand(services, services) * (torch.rand(services, services) < share)


def training(net, start, loss, decay=0.0, clip=None):
    """One step of a network that begins with the weights of start."""
    net.load_state_dict(start.state_dict())
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-3, weight_decay=decay)

    def run():
        value = loss(net)
        optimiser.zero_grad(set_to_none=True)
        value.backward()
        if clip:
            nn.utils.clip_grad_norm_(net.parameters(), clip)
        optimiser.step()
        return value.detach(), *(p.grad for p in net.parameters() if p.grad is not None)
    return run


def graph_wavenet(services, batch):
    """Mean absolute error, dropout, weight decay, clipping."""
    supports = torch_graphwavenet.transitions(services, 0.065)
    x, y = torch.randn(batch, torch_graphwavenet.CHANNELS, services, SLICES), torch.randn(batch, HORIZONS, services, 1)
    start = torch_graphwavenet.GraphWaveNet(services, supports, torch_graphwavenet.einsum)

    def way(mix):
        net = torch_graphwavenet.GraphWaveNet(services, supports, mix)
        return training(net, start, lambda net: (net(x) - y).abs().mean(), 1e-4, CLIP)
    return Case({"einsum": way(torch_graphwavenet.einsum), "products": way(torch_graphwavenet.product)})


def dgcrn(batch):
    """Mean absolute error of all horizons, weight decay, clipping."""
    a = edges(ROADS, 0.07)
    supports = [m / m.sum(1, keepdim=True).clamp(min=1e-6) for m in (a, a.t())]
    x, clock = torch.randn(batch, SLICES, ROADS, 2), torch.rand(batch, HORIZONS, ROADS, 1)
    y = torch.randn(batch, ROADS, HORIZONS)
    start = torch_dgcrn.DGCRN(ROADS, torch_dgcrn.Einsum)

    def way(mix):
        return training(torch_dgcrn.DGCRN(ROADS, mix), start, lambda net: (net(x, clock, supports) - y).abs().mean(), 1e-4, CLIP)
    return Case({"einsum": way(torch_dgcrn.Einsum), "products": way(torch_dgcrn.Product)})


def ast_gcn(services, batch, steps, hidden):
    """Mean squared error."""
    graph = torch_astgcn.laplacian(edges(services, 0.065))
    channels = 1 + STATIC + CHANGING * LAGS
    x, y = torch.randn(batch, steps, services, channels), torch.zeros(batch, services, HORIZONS)
    start = torch_astgcn.Network(graph, channels, hidden, HORIZONS, "product")

    def way(mix):
        net = torch_astgcn.Network(graph, channels, hidden, HORIZONS, mix)
        return training(net, start, lambda net: nn.functional.mse_loss(net(x), y))
    return Case({mix: way(mix) for mix in ("product", "batch", "sparse")})


FAMILIES = {
    "BenchmarkRivalGraphWaveNet": (graph_wavenet, [dict(services=207, batch=64)]),
    "BenchmarkRivalDGCRN": (dgcrn, [dict(batch=16)]),
    "BenchmarkRivalASTGCN": (ast_gcn, [dict(services=207, batch=64, steps=10, hidden=128)]),
}
