import torch
from ops import row

N = float("nan")
I = float("inf")

for name, f in {
    "equal": torch.eq, "not equal": torch.ne, "less": torch.lt, "less or equal": torch.le,
    "greater": torch.gt, "greater or equal": torch.ge,
    "a > b": torch.gt, "a < b": torch.lt, "a >= b": torch.ge, "a <= b": torch.le, "logical and": torch.logical_and, "logical or": torch.logical_or, "logical xor": torch.logical_xor,
}.items():
    row(name, f, values=[[[0, 1, 2, N, 3], [1, 0, N, I, 3]], [[0, 0, 2, N, 4]]], grad=False)
for name, f in {
    "equal 1": lambda x: x == 1, "not equal 1": lambda x: x != 1, "less 1": lambda x: x < 1, "less or equal 1": lambda x: x <= 1,
    "greater 1": lambda x: x > 1, "greater or equal 1": lambda x: x >= 1, "logical not": torch.logical_not,
    "a > 1": lambda x: x > 1, "a < 1": lambda x: x < 1, "a >= 1": lambda x: x >= 1, "a <= 1": lambda x: x <= 1,
    "is nan": torch.isnan, "is finite": torch.isfinite, "is inf": torch.isinf,
}.items():
    row(name, f, values=[[[0, 1, 2, N], [I, -I, -3, 1]]], grad=False)

row("where", lambda c, a, b: torch.where(c > 1, a, b), [(3, 4), (3, 4), (3, 4)], [(2, 1, 3), (4, 1), ()], [(3,), (2, 3), (2, 1)], low=[0, -2, -2], high=[2, 2, 2], frozen=(0,))
row("where or a number", lambda c, a: torch.where(c > 1, a, -0.5), [(3, 4), (3, 4)], [(3,), (2, 1)], low=[0, -2], high=[2, 2], frozen=(0,))
row("where a number or", lambda c, a: torch.where(c > 1, 2.0, a), [(3, 4), (3, 4)], [(3,), (2, 1)], low=[0, -2], high=[2, 2], frozen=(0,))
row("where of numbers", lambda c, a: torch.where(c > 1, 1.0, -1.0) * a, [(3, 4), (3, 4)], low=[0, -2], high=[2, 2], frozen=(0,))
row("where of a mask", lambda c, a, b: torch.where(c != 0, a, b), values=[[[1], [0]], [1, 2, 3], [[4, 5, 6], [7, 8, 9]]], frozen=(0,))
row("nan to num", lambda x: torch.nan_to_num(x, 1, 2, 3), [(3, 4)])
row("nan to num, special", lambda x: torch.nan_to_num(x, 0.5, 3.4028234663852886e38, -3.4028234663852886e38), values=[[1, N, I, -I, -2]])
row("masked fill", lambda x, m: x.masked_fill(m != 0, -5), values=[[[1, 2, 3], [4, 5, 6]], [1, 0, 1]], frozen=(1,))

# one answer alone is possible, whatever the generator
row("multinomial", lambda x: torch.multinomial(x, 1)[:, 0].float(), values=[[[0, 0, 2], [1, 0, 0]]], grad=False)
row("multinomial, all of them", lambda x: torch.multinomial(x, 2).sort().values.float(), values=[[[0, 1, 3], [2, 0, 5]]], grad=False)
row("bernoulli", torch.bernoulli, values=[[[0, 1, 1], [1, 0, 0]]], grad=False)
