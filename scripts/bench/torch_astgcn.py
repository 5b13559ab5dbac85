"""AST-GCN in eager PyTorch, written from the paper's equations.

The graph can be mixed as one dense product of all windows, as a batch of dense products, or as a sparse product.
"""

import torch
from torch import nn

import torch_graph as graphs


class Cell(nn.Module):
    """T-GCN's cell with the gates split per service."""

    def __init__(self, graph, channels, hidden, mix):
        super().__init__()
        self.hidden, self.kind = hidden, mix
        self.graph = graphs.Sparse(graph.to_sparse().coalesce(), "csr") if mix == "sparse" else graph
        self.w1 = nn.Parameter(nn.init.xavier_uniform_(torch.empty(channels + hidden, 2 * hidden)))
        self.b1 = nn.Parameter(torch.ones(2 * hidden))
        self.w2 = nn.Parameter(nn.init.xavier_uniform_(torch.empty(channels + hidden, hidden)))
        self.b2 = nn.Parameter(torch.zeros(hidden))

    def mix(self, v):  # [batch, service, channel]
        if self.kind == "batch":
            return torch.matmul(self.graph, v)
        wide = v.transpose(0, 1).reshape(v.shape[1], -1)
        wide = self.graph.mm(wide) if self.kind == "sparse" else self.graph @ wide
        return wide.reshape(v.shape[1], v.shape[0], -1).transpose(0, 1)

    def forward(self, x, h):
        gates = torch.sigmoid(self.mix(torch.cat([x, h], -1)) @ self.w1 + self.b1)
        r, u = gates.chunk(2, -1)
        c = torch.tanh(self.mix(torch.cat([x, r * h], -1)) @ self.w2 + self.b2)
        return u * h + (1 - u) * c


class Network(nn.Module):
    def __init__(self, graph, channels, hidden, horizons, mix):
        super().__init__()
        self.cell = Cell(graph, channels, hidden, mix)
        self.regressor = nn.Linear(hidden, horizons)

    def forward(self, x):  # [batch, time, service, channel]
        h = x.new_zeros(x.shape[0], x.shape[2], self.cell.hidden)
        for k in range(x.shape[1]):
            h = self.cell(x[:, k], h)
        return self.regressor(h)


def laplacian(adjacency):
    a = adjacency + torch.eye(adjacency.shape[0])
    d = a.sum(1).pow(-0.5)
    return d[:, None] * a.t() * d[None, :]
