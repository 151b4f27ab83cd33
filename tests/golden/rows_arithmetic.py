from math import inf

import torch
from ops import row

BROADCAST = [[(3, 5), (3, 5)], [(2, 1, 4), (3, 1)], [(5,), (2, 5)], [(2, 3), ()], [(2, 0), (1,)]]
ONE = [[(3, 7)], [()]]

row("add", lambda a, b: a + b, *BROADCAST)
row("sub", lambda a, b: a - b, *BROADCAST)
row("mul", lambda a, b: a * b, *BROADCAST)
row("div", lambda a, b: a / b, *BROADCAST, low=[-2, 0.5], high=[2, 3])
row("neg", lambda x: -x, *ONE)
row("x + 1.5", lambda x: x + 1.5, *ONE)
row("1.5 + x", lambda x: 1.5 + x, *ONE)
row("x - 1.5", lambda x: x - 1.5, *ONE)
row("1.5 - x", lambda x: 1.5 - x, *ONE)
row("x * 1.5", lambda x: x * 1.5, *ONE)
row("1.5 * x", lambda x: 1.5 * x, *ONE)
row("x / 3", lambda x: x / 3, *ONE)
row("3 / x", lambda x: 3 / x, *ONE, low=0.5, high=3)
row("minimum", torch.minimum, [(4, 6), (4, 6)], [(2, 1, 4), (3, 1)], apart=True)
row("maximum", torch.maximum, [(4, 6), (4, 6)], [(2, 1, 4), (3, 1)], apart=True)
row("minimum at ties", torch.minimum, values=[[1, 2, -3, 0], [1, 3, -3, -1]])
row("maximum at ties", torch.maximum, values=[[1, 2, -3, 0], [1, 3, -3, -1]])
row("clamp", lambda x: x.clamp(-1, 1.5), *ONE, away=(-1, 1.5))
row("clamp at its bounds", lambda x: x.clamp(-1, 2), values=[[-2, -1, 0, 2, 3]])
row("clamp from below", lambda x: x.clamp(min=0.5), *ONE, away=(0.5,))
row("remainder", torch.remainder, [(3, 5), (3, 5)], [(2, 1, 4), (3, 1)], low=[-0.9, 1], high=[0.9, 3], away=(0,))
row("remainder, special", torch.remainder, values=[[5, -5, 5, -5, 5.5, -5.5, 5.5, 0.25], [3, 3, -3, -3, inf, inf, -inf, 0.5]])
# 1 % .1, 6 % .6: the rounded quotient is a whole number, the true one just below it
row("remainder at a step", torch.remainder, values=[[1, 6, -1], [0.1, 0.6, 0.1]])
row("remainder of large", torch.remainder, values=[[1e20, -1e20, 3e9, -7e12, 1e20], [1.1875955, 0.3, -0.7, 2.5, -3]], frozen=[1])
row("remainder of tiny", torch.remainder, values=[[-1e-10, 1e-10, 1e-10, -1e-10], [1, -1, 1, -1]])
row("remainder by 1.5", lambda x: torch.remainder(x, 1.5), *ONE, low=-4, high=4, away=(-3, -1.5, 0, 1.5, 3))
row("pow 2", lambda x: x ** 2, *ONE)
row("pow 3", lambda x: x ** 3, *ONE)
row("pow -2", lambda x: x ** -2, *ONE, low=0.5, high=2)
row("pow 0", lambda x: x ** 0, *ONE)
row("pow 0.5", lambda x: x ** 0.5, *ONE, low=0.3, high=3)
row("pow 2.7", lambda x: x ** 2.7, *ONE, low=0.3, high=3)
row("pow of tensors", torch.pow, *BROADCAST, low=[0.3, -2], high=[3, 2])
row("pow of tensors, special", torch.pow, values=[[-2, -2, -2, 0, 0, 3, 1, 0.5], [3, 2, -1, 2, 0, 0, 7, 1]])
row("1.7 pow x", lambda x: 1.7 ** x, *ONE)
