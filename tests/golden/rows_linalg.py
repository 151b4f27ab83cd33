import torch
from torch import linalg

from ops import row


def firm(a):
    """far from singular"""
    return a + 5 * torch.eye(a.shape[-1], dtype=a.dtype)


def definite(a):
    return a @ a.transpose(-1, -2) + torch.eye(a.shape[-1], dtype=a.dtype)


def spread(a):
    """symmetric, with values apart"""
    n = a.shape[-1]
    return 0.3 * (a + a.transpose(-1, -2)) + torch.diag(torch.arange(n, dtype=a.dtype) * 2)


def flat(*parts):
    return torch.cat([p.reshape(-1) for p in parts])


square = [[(1, 1)], [(2, 2)], [(3, 3)], [(2, 4, 4)], [(2, 1, 3, 3)], [(7, 7)], [(0, 3, 3)]]
row("solve", lambda a, b: linalg.solve(firm(a), b), [(1, 1), (1, 1)], [(3, 3), (3, 2)], [(3, 3), (3,)], [(2, 3, 3), (2, 3)], [(2, 3, 3), (3, 2)], [(2, 1, 3, 3), (4, 3, 1)], [(3, 3), (2, 3, 2)], [(9, 9), (9, 5)])
row("inverse", lambda a: linalg.inv(firm(a)), *square)
row("det", linalg.det, *square[:-1])
row("slogdet", lambda a: flat(*linalg.slogdet(a)), [(1, 1)], [(3, 3)], [(2, 4, 4)], [(6, 6)])
row("cholesky", lambda a: linalg.cholesky(definite(a)), *square)
row("solve-triangular-lower", lambda a, b: linalg.solve_triangular(firm(a), b, upper=False), [(3, 3), (3, 2)], [(2, 3, 3), (3, 2)], [(1, 1), (2, 1, 3)])
row("solve-triangular-upper", lambda a, b: linalg.solve_triangular(firm(a), b, upper=True), [(3, 3), (3, 2)], [(2, 3, 3), (3, 2)], [(6, 6), (6, 6)])
row("qr", lambda a: flat(*linalg.qr(a)), [(3, 3)], [(5, 3)], [(2, 4, 2)], [(3, 5)], [(2, 2, 4)], [(1, 1)], [(4, 1)], [(1, 3)], low=[0.2])
row("eigh-values", lambda a: linalg.eigh(spread(a))[0], [(1, 1)], [(3, 3)], [(2, 4, 4)], [(8, 8)])
row("eigh-vectors", lambda a: linalg.eigh(spread(a))[1].square(), [(1, 1)], [(3, 3)], [(2, 4, 4)], [(6, 6)])
row("svd-values", lambda a: linalg.svd(a, full_matrices=False)[1], [(1, 1)], [(3, 3)], [(5, 3)], [(2, 3, 4)])
row("svd-left", lambda a: linalg.svd(a, full_matrices=False)[0].square(), [(3, 3)], [(5, 3)], [(2, 2, 4)])
row("svd-right", lambda a: linalg.svd(a, full_matrices=False)[2].square(), [(3, 3)], [(5, 3)], [(2, 2, 4)])
row("least-squares", lambda a, b: linalg.lstsq(a, b).solution, [(5, 2), (5, 3)], [(2, 6, 3), (2, 6, 1)], [(2, 5), (2, 1)], [(3, 3), (3, 2)])
row("pseudo-inverse", linalg.pinv, [(4, 2)], [(2, 4)], [(2, 3, 3)])
