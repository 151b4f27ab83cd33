from ops import row

row("sum", lambda x: x.sum(), [(2, 3, 4)], [(5000,)], [()], [(0, 3)])
