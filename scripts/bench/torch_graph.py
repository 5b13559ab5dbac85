"""Random service graphs and the ways in which eager PyTorch multiplies by them."""

import torch

EDGES = 5  # a service


class SparseMM(torch.autograd.Function):
    """A sparse product whose backward uses the transpose that was made beforehand."""

    @staticmethod
    def forward(ctx, dense, matrix, transpose):
        ctx.transpose = transpose
        return torch.sparse.mm(matrix, dense)

    @staticmethod
    def backward(ctx, grad):
        return torch.sparse.mm(ctx.transpose, grad.contiguous()), None, None


class Sparse:
    """A sparse matrix as CSR or COO, ready for forward and backward products."""

    def __init__(self, coo, layout):
        self.matrix, self.transpose = (to_layout(m, layout) for m in (coo, coo.t().coalesce()))

    def mm(self, x):
        if x.requires_grad:
            return SparseMM.apply(x, self.matrix, self.transpose)
        return torch.sparse.mm(self.matrix, x)


class Bag:
    """A sparse matrix as bags of rows to add up, which is what embedding_bag was made for."""

    def __init__(self, coo):
        csr = coo.to_sparse_csr()
        self.rows, self.starts, self.values = csr.col_indices(), csr.crow_indices()[:-1], csr.values()

    def mm(self, x):
        return torch.nn.functional.embedding_bag(
            self.rows, x, self.starts, mode="sum", per_sample_weights=self.values)


class Dense:
    """The same matrix with its zeros."""

    def __init__(self, coo):
        self.matrix = coo.to_dense()

    def mm(self, x):
        return torch.mm(self.matrix, x)


def to_layout(coo, layout):
    return coo.to_sparse_csr() if layout == "csr" else coo


def random_edges(n, a_row, seed=1):
    """Rows and columns of a_row random edges a service, as [2, n * a_row]."""
    g = torch.Generator().manual_seed(seed)
    rows = torch.arange(n).repeat_interleave(a_row)
    return torch.stack([rows, torch.randint(n, (n * a_row,), generator=g)])


def symmetric(n):
    """D^-1/2 (A + I) D^-1/2 of a random graph, as coalesced COO."""
    edges = random_edges(n, EDGES)
    own = torch.arange(n).repeat(2, 1)
    a = torch.sparse_coo_tensor(torch.cat([edges, own], 1), torch.ones(edges.shape[1] + n), (n, n)).coalesce()
    root = torch.sparse.sum(a, 1).to_dense().rsqrt()
    at = a.indices()
    return torch.sparse_coo_tensor(at, a.values() * root[at[0]] * root[at[1]], (n, n)).coalesce()


def mean_of(edges, n):
    """The matrix that averages over the ends of edges, as coalesced COO."""
    a = torch.sparse_coo_tensor(edges, torch.ones(edges.shape[1]), (n, n)).coalesce()
    degree = torch.sparse.sum(a, 1).to_dense().clamp(min=1)
    at = a.indices()
    return torch.sparse_coo_tensor(at, a.values() / degree[at[0]], (n, n)).coalesce()


def stacked(coo, times):
    """A block diagonal matrix with coo in it so many times."""
    n = coo.shape[0]
    shift = n * torch.arange(times).repeat_interleave(coo.values().numel())
    at = coo.indices().repeat(1, times) + shift
    return torch.sparse_coo_tensor(at, coo.values().repeat(times), (n * times, n * times)).coalesce()
