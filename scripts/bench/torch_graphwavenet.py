"""Graph WaveNet in eager PyTorch.

Written from the publication's equations with 2-d convolutions over [batch, channel, node, time], dense transition
matrices and a 1x1 convolution over all mixed signals, as the original computes it.
Signals are mixed along a graph with einsum, as the original does, or as matrix products.
"""

import torch
import torch.nn.functional as F
from torch import nn

CHANNELS, RESIDUAL, SKIP, END, EMBEDDING, HORIZONS = 2, 32, 256, 512, 10, 12
BLOCKS, LAYERS, KERNEL, ORDER, DROPOUT = 4, 2, 2, 2, 0.3


def einsum(y, p):
    return torch.einsum("bcnt,nm->bcmt", y, p).contiguous()


def product(y, p):
    return torch.matmul(p.t(), y)


class Diffusion(nn.Module):
    """The signal and its mixtures along every support, side by side, through one 1x1 convolution."""

    def __init__(self, supports, mixed):
        super().__init__()
        self.mixed = mixed
        self.mix = nn.Conv2d((1 + supports * ORDER) * RESIDUAL, RESIDUAL, 1)

    def forward(self, x, supports):
        parts = [x]
        for p in supports:
            y = x
            for _ in range(ORDER):
                y = self.mixed(y, p)
                parts.append(y)
        return F.dropout(self.mix(torch.cat(parts, 1)), DROPOUT, self.training)


class GraphWaveNet(nn.Module):
    """Layers of gated dilated convolutions and diffusions, with skip connections to the end."""

    def __init__(self, services, supports, mixed):
        super().__init__()
        self.supports = supports
        self.source = nn.Parameter(torch.randn(services, EMBEDDING))
        self.target = nn.Parameter(torch.randn(EMBEDDING, services))
        self.start = nn.Conv2d(CHANNELS, RESIDUAL, 1)
        self.layers = nn.ModuleList()
        for i in range(BLOCKS * LAYERS):
            dilation = (1, 2 ** (i % LAYERS))
            self.layers.append(nn.ModuleDict({
                "filter": nn.Conv2d(RESIDUAL, RESIDUAL, (1, KERNEL), dilation=dilation),
                "gate": nn.Conv2d(RESIDUAL, RESIDUAL, (1, KERNEL), dilation=dilation),
                "skip": nn.Conv2d(RESIDUAL, SKIP, 1),
                "diffusion": Diffusion(len(supports) + 1, mixed),
                "norm": nn.BatchNorm2d(RESIDUAL),
            }))
        self.wide, self.last = nn.Conv2d(SKIP, END, 1), nn.Conv2d(END, HORIZONS, 1)

    def receptive(self):
        return 1 + BLOCKS * (KERNEL - 1) * (2 ** LAYERS - 1)

    def forward(self, x):
        x = F.pad(x, (max(0, self.receptive() - x.shape[3]), 0))
        adaptive = torch.softmax(torch.relu(self.source @ self.target), 1)
        supports = self.supports + [adaptive]
        h, skip = self.start(x), None
        for layer in self.layers:
            g = torch.tanh(layer["filter"](h)) * torch.sigmoid(layer["gate"](h))
            s = layer["skip"](g)
            skip = s if skip is None else s + skip[..., -s.shape[3]:]
            y = layer["diffusion"](g, supports)
            h = layer["norm"](y + h[..., -y.shape[3]:])
        return self.last(F.relu(self.wide(F.relu(skip))))


def transitions(services, share):
    """Random walks along and against a graph with a share of all edges, and each node's to itself."""
    a = torch.rand(services, services) * (torch.rand(services, services) < share) + torch.eye(services)
    return [a / a.sum(1, keepdim=True), a.t() / a.t().sum(1, keepdim=True)]
