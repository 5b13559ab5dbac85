"""The default network: the newest slice diffused, rows assembled from the ring, residual blocks.

Columns of a row of inputs, with 12 slices, 2 diffused channels in 6 ways, and 6 channels in all:

    144  diffused values less the service's own last value
     24  own diffused channels: 11 changes against the last value, then that value
     48  the other four channels
     13  mask of the target, and the age of its last value
      2  mean of the target less its last value, log of the change's unit
      4  standing, log degrees
      4  phases of day and week
"""

import torch
import torch.nn.functional as F

import torch_graph as graph
from torch_case import Case, inference

SLICES, DIFFUSED, WAYS, CHANNELS = 12, 2, 6, 6
INPUTS, LAG, LAGS = 239, SLICES * DIFFUSED * WAYS, SLICES - 1
WIDTH, EMBED, BLOCKS, SLOTS = 64, 24, 3, 48
HORIZONS, LEVELS = 12, (0.1, 0.5, 0.9)
SIMILAR, BOUND, DROPOUT = 10, 2.0, 0.15


class Block(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.first, self.second = torch.nn.Linear(width, width), torch.nn.Linear(width, width)

    def forward(self, x):
        return x + self.second(F.dropout(F.relu(self.first(x)), DROPOUT, self.training))

    def in_place(self, x):
        """The same without new tensors for what can be overwritten; for forecasts."""
        x.add_(self.second(self.first(x).relu_()))
        return x


class Network(torch.nn.Module):
    def __init__(self, services):
        super().__init__()
        self.window = torch.nn.Linear(INPUTS, WIDTH)
        self.day = torch.nn.Embedding(SLOTS, EMBED)
        self.name = torch.nn.Embedding(services, EMBED)
        self.blocks = torch.nn.ModuleList(Block(WIDTH + 2 * EMBED) for _ in range(BLOCKS))
        self.head = torch.nn.Linear(WIDTH + 2 * EMBED, HORIZONS * len(LEVELS))
        self.lags = torch.nn.Linear(LAGS, HORIZONS * len(LEVELS))

    def forward(self, x, day, name, base, unit, in_place=False):
        """Quantiles [R, horizons, 3]; day is [R, 24] and name [R, 24], base and unit are [R, 1, 1]."""
        h = torch.cat([self.window(x), day, name], 1)
        for block in self.blocks:
            h = block.in_place(h) if in_place else block(h)
        raw = self.head(h) + self.lags(x[:, LAG:LAG + LAGS])
        raw = raw.view(-1, HORIZONS, len(LEVELS))
        low, middle, high = raw.unbind(2)
        y = torch.stack([middle - F.softplus(low), middle, middle + F.softplus(high)], 2)
        return y.mul_(unit).add_(base) if in_place else y * unit + base


class Ring:
    """The last twelve slices, and what turns a new one into inputs."""

    def __init__(self, services, layout):
        n = self.services = services
        g = torch.Generator().manual_seed(2)
        edges = graph.random_edges(n, graph.EDGES)
        matrices = (edges, edges.flip(0), graph.random_edges(n, SIMILAR, seed=3))
        self.along, self.against, self.alike = (graph.to_layout(graph.mean_of(m, n), layout) for m in matrices)
        self.diffused = torch.randn(SLICES, n, DIFFUSED * WAYS, generator=g)
        self.own = torch.randn(SLICES, n, CHANNELS, generator=g)
        self.new = torch.randn(n, CHANNELS, generator=g)
        self.mask = torch.ones(n, SLICES + 1)
        self.usual = torch.rand(n, 1, generator=g) + 0.5
        self.fixed = torch.randn(n, 4, generator=g)  # standing and degrees
        self.clock = torch.randn(1, 4, generator=g)
        self.x = torch.empty(n, INPUTS)
        self.at = 5  # of the oldest slice

    def diffuse(self):
        """Takes the new slice in: two channels averaged over the neighbours in six ways."""
        x = self.new[:, :DIFFUSED].contiguous()
        along, against = torch.sparse.mm(self.along, x), torch.sparse.mm(self.against, x)
        ways = [
            along, torch.sparse.mm(self.along, along), against, torch.sparse.mm(self.against, against),
            torch.sparse.mm(self.alike, x), x.mean(0, keepdim=True).expand_as(x),
        ]
        self.diffused[self.at] = torch.stack(ways, 2).view(self.services, -1)
        self.own[self.at] = self.new

    def parts(self):
        """The groups of columns, and base and unit."""
        n, first = self.services, self.at + 1
        own = torch.cat([self.own[first:], self.own[:first]]).permute(1, 2, 0)  # [N, channels, slices]
        diffused = torch.cat([self.diffused[first:], self.diffused[:first]])
        diffused = diffused.view(SLICES, n, DIFFUSED, WAYS).permute(1, 0, 2, 3)  # [N, slices, diffused, ways]
        last = own[:, :DIFFUSED, -1:]
        changes = own[:, :DIFFUSED, :-1] - last
        squares = changes[:, 0].square().mean(1, keepdim=True)
        unit = torch.exp((LAGS * 0.5 * squares.clamp(min=1e-8).log() + 4 * self.usual.log()) / (LAGS + 4))
        target = changes[:, 0] / unit
        columns = [
            torch.nan_to_num((diffused - last[:, None]).reshape(n, -1)),
            target, last[:, 0], changes[:, 1], last[:, 1],
            own[:, DIFFUSED:].reshape(n, -1), self.mask,
            target.sum(1, keepdim=True) / SLICES, unit.log(), self.fixed, self.clock.expand(n, 4),
        ]
        return columns, last[:, :1], unit[:, :, None]

    def inputs(self):
        columns, base, unit = self.parts()
        return bounded(torch.cat(columns, 1)), base, unit

    def inputs_in_place(self):
        """The same, into a matrix that is kept."""
        columns, base, unit = self.parts()
        return bounded_in_place(torch.cat(columns, 1, out=self.x)), base, unit


def bounded(x):
    """Compresses what is beyond two deviations along a logarithm."""
    size = x.abs()
    return torch.where(size > BOUND, x.sign() * (BOUND + torch.log1p((size - BOUND).clamp(min=0))), x)


def bounded_in_place(x):
    """The same as the part within the bounds plus the logarithm of the rest."""
    inside = x.clamp(-BOUND, BOUND)
    rest = x.sub_(inside)
    return inside.add_(rest.abs().log1p_().copysign_(rest))


def forecast(services):
    net = Network(services).eval()

    def way(layout, in_place):
        ring = Ring(services, layout)

        def run():
            ring.diffuse()
            x, base, unit = ring.inputs_in_place() if in_place else ring.inputs()
            day = net.day.weight[17].expand(services, EMBED)
            y = net(x, day, net.name.weight, base, unit, in_place)
            return y.clamp_(0, 60).expm1_() if in_place else torch.expm1(y.clamp(0, 60))
        return inference(run)
    return Case({
        f"{layout.upper()}, {'in place' if in_place else 'new tensors'}": way(layout, in_place)
        for layout in ("csr", "coo") for in_place in (False, True)
    })


def quantile_loss(y, target):
    """Pinball loss of the three quantiles and a tenth of the median's Huber loss."""
    late = target[:, :, None] - y
    level = torch.tensor(LEVELS)
    pinball = torch.maximum(level * late, (level - 1) * late).mean()
    return pinball + 0.1 * F.huber_loss(y[:, :, 1], target)


def train_step(services, batch):
    """One step of AdamW, clipped, on rows of inputs that are at hand."""
    rows = services * batch
    start = Network(services)
    x, target = torch.randn(rows, INPUTS), torch.randn(rows, HORIZONS)
    base, unit = torch.randn(rows, 1, 1), torch.rand(rows, 1, 1) + 0.5
    slot = torch.randint(SLOTS, (batch,)).repeat_interleave(services)
    name = torch.arange(services).repeat(batch)

    def way(foreach):
        net = Network(services).train()
        net.load_state_dict(start.state_dict())
        optimiser = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=1e-2, foreach=foreach)

        def run():
            loss = quantile_loss(net(x, net.day(slot), net.name(name), base, unit), target)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
            optimiser.step()
            return loss.detach(), *(p.grad for p in net.parameters())
        return run
    return Case({"AdamW": way(False), "AdamW(foreach)": way(True)})


FAMILIES = {
    "BenchmarkForecast": (forecast, [dict(services=s) for s in (1000, 2000, 5000, 10000, 20000)]),
    "BenchmarkTrainStep": (train_step, [dict(services=200, batch=32)]),
}
