"""DGCRN in eager PyTorch, written from its equations.

Signals are mixed along a graph with einsum, as the original does, or as matrix products.
"""

import torch
from torch import nn

ALPHA, BETA, GAMMA, STEEPNESS, DEPTH = 0.05, 0.95, 0.95, 3.0, 2


class Einsum:
    @staticmethod
    def fixed(h, p):
        return torch.einsum("vw,bvc->bwc", p, h)

    @staticmethod
    def made(h, d):
        return torch.einsum("bvw,bvc->bwc", d, h)


class Product:
    @staticmethod
    def fixed(h, p):
        return torch.matmul(p.t(), h)

    @staticmethod
    def made(h, d):
        return torch.bmm(d.transpose(1, 2), h)


class HyperConv(nn.Module):
    """Diffusion along a fixed graph, then three layers."""

    def __init__(self, width, hyper, middle, out, mix):
        super().__init__()
        self.mix = mix
        self.mlp = nn.Sequential(nn.Linear((DEPTH + 1) * width, hyper), nn.Sigmoid(), nn.Linear(hyper, middle), nn.Sigmoid(),
                                 nn.Linear(middle, out))

    def forward(self, x, p):
        h, out = x, [x]
        for _ in range(DEPTH):
            h = ALPHA * x + GAMMA * self.mix.fixed(h, p)
            out.append(h)
        return self.mlp(torch.cat(out, -1))


class GraphConv(nn.Module):
    """Diffusion along a made and a fixed graph, then one layer."""

    def __init__(self, width, out, mix):
        super().__init__()
        self.mix = mix
        self.mlp = nn.Linear((DEPTH + 1) * width, out)

    def forward(self, x, d, p):
        h, out = x, [x]
        for _ in range(DEPTH):
            h = ALPHA * x + BETA * self.mix.made(h, d) + GAMMA * self.mix.fixed(h, p)
            out.append(h)
        return self.mlp(torch.cat(out, -1))


class Cell(nn.Module):
    """One recurrent unit with its hyper-networks."""

    def __init__(self, inputs, hidden, hyper, middle, embedding, mix):
        super().__init__()
        width = inputs + hidden
        self.filters = nn.ModuleList(HyperConv(width, hyper, middle, embedding, mix) for _ in range(4))
        self.gates = nn.ModuleList(GraphConv(width, hidden, mix) for _ in range(6))

    def forward(self, x, h, supports, e1, e2):
        c = torch.cat([x, h], -1)
        f = self.filters
        n1 = torch.tanh(STEEPNESS * (e1 * (f[0](c, supports[0]) + f[1](c, supports[1]))))
        n2 = torch.tanh(STEEPNESS * (e2 * (f[2](c, supports[0]) + f[3](c, supports[1]))))
        a = n1 @ n2.transpose(1, 2) - n2 @ n1.transpose(1, 2)
        adjacency = torch.relu(torch.tanh(STEEPNESS * a))
        d = [self.normalised(adjacency), self.normalised(adjacency.transpose(1, 2))]
        g = self.gates
        z = torch.sigmoid(g[0](c, d[0], supports[0]) + g[1](c, d[1], supports[1]))
        r = torch.sigmoid(g[2](c, d[0], supports[0]) + g[3](c, d[1], supports[1]))
        rc = torch.cat([x, r * h], -1)
        n = torch.tanh(g[4](rc, d[0], supports[0]) + g[5](rc, d[1], supports[1]))
        return z * h + (1 - z) * n

    @staticmethod
    def normalised(a):
        a = a + torch.eye(a.shape[1])
        return a / a.sum(-1, keepdim=True)


class DGCRN(nn.Module):
    def __init__(self, nodes, mix, inputs=2, hidden=64, hyper=16, middle=2, embedding=40):
        super().__init__()
        self.hidden = hidden
        self.emb1, self.emb2 = nn.Parameter(torch.randn(nodes, embedding)), nn.Parameter(torch.randn(nodes, embedding))
        self.encoder = Cell(inputs, hidden, hyper, middle, embedding, mix)
        self.decoder = Cell(inputs, hidden, hyper, middle, embedding, mix)
        self.final = nn.Linear(hidden, 1)

    def forward(self, x, clock, supports):
        """x [batch, time, node, 2], clock [batch, horizon, node, 1]; gives [batch, node, horizon]."""
        h = torch.zeros(x.shape[0], x.shape[2], self.hidden)
        for k in range(x.shape[1]):
            h = self.encoder(x[:, k], h, supports, self.emb1, self.emb2)
        value, out = torch.zeros(x.shape[0], x.shape[2], 1), []
        for k in range(clock.shape[1]):
            h = self.decoder(torch.cat([value, clock[:, k]], -1), h, supports, self.emb1, self.emb2)
            value = self.final(h)
            out.append(value)
        return torch.cat(out, -1)
