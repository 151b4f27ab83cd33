using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests;

public static partial class OpCatalog
{
    private static OpRow[] Indexing =>
    [
        new("index-select", (x, i) => x[0].IndexSelect(1, i[0])) { Big = [[200, 5, 40]] },
        new("index-select first", (x, i) => x[0].IndexSelect(0, i[0])) { Big = [[4, 20_000]] },
        new("index-select behind an axis of one", (x, i) => x[0].IndexSelect(1, i[0])) { Big = [[1, 6, 2000]] },
        new("gather", (x, i) => x[0].Gather(1, i[0])) { Big = [[70, 300, 3]], BigIndices = [Scattered([70, 250, 3], 300)] },
        new("gather fewer rows", (x, i) => x[0].Gather(-1, i[0])),
        new("scatter-add", (x, i) => x[0].ScatterAdd(1, i[0], x[1])) { Big = [[1, 7, 64], [1, 900, 64]], BigIndices = [Scattered([1, 900, 64], 7)] },
        new("scatter-add last", (x, i) => x[0].ScatterAdd(-1, i[0], x[1])) { Big = [[300, 7], [300, 200]], BigIndices = [Scattered([300, 200], 7)] },
        new("index-add", (x, i) => x[0].IndexAdd(1, i[0], x[1])) { Big = [[2, 7, 64], [2, 900, 64]], BigIndices = [Scattered([900], 7)] },
        new("index-add first", (x, i) => x[0].IndexAdd(0, i[0], x[1])) { Big = [[300, 40], [3000, 40]], BigIndices = [Scattered([3000], 300)] },
        new("embedding", (x, i) => x[0].Embedding(i[0])) { Big = [[50, 100]], BigIndices = [Scattered([40, 25], 50)] },
        new("embedding padding", (x, i) => x[0].Embedding(i[0], padding: 2)) { CheckTolerance = 0 }, // the padding row has a gradient of 0 though the output depends on it
        Sparse("sparse matmul", 5, 6) with { Big = [[3000], [6, 70]], BigIndices = [Scattered([3000], 5), Scattered([3000], 6)] },
        Sparse("sparse matmul of many columns", 5, 6) with { OwnCases = [[[9], [6, 85]], [[9], [6, 0]]], OwnIndices = [Indices.Of(4, 0, 2, 0, 4, 1, 2, 2, 4), Indices.Of(5, 0, 3, 4, 5, 3, 0, 1, 2)] }, // golden files stay small
        new("scatter", (x, i) => x[0].Scatter(1, i[0], x[1])),
        new("unfold", x => x[0].Unfold(1, 3, 2)) { Big = [[20, 50, 40]] },
        new("unfold last", x => x[0].Unfold(-1, 2, 1)),
        new("masked-select", x => x[0].MaskedSelect(x[1])),
        new("non-zero", x => Floats(x[0].NonZero())),
        new("search-sorted", x => Floats(x[0].SearchSorted(x[1]))),
        new("search-sorted right", x => Floats(x[0].SearchSorted(x[1], right: true))),
        new("bin-count", (x, i) => i[0].BinCount(4, x[0])) { Composed = (x, i) => (i[0].OneHot(4, x[0].Device) * x[0].Unsqueeze(2)).Sum([0, 1]) },
        new("one-hot", (x, i) => i[0].OneHot(4, x[0].Device) * x[0]),
        new("sort", x => x[0].Sort().Values) { Big = [[70, 300]] },
        new("sort descending", x => x[0].Sort(1, descending: true).Values),
        new("sort special", x => x[0].Sort(0).Values.Detach()),
        new("argsort", x => Floats(x[0].ArgSort(1))) { Big = [[70, 300]] },
        new("argsort stable", x => Floats(x[0].ArgSort(0, descending: true))),
        new("top-k", x => x[0].TopK(2).Values) { Big = [[70, 300]] },
        new("top-k smallest", x => x[0].TopK(3, 1, largest: false).Values),
        new("unique", x => x[0].Unique().Values),
        new("unique inverse", x => Floats(x[0].Unique().Inverse)),
        new("unique counts", x => Floats(x[0].Unique().Counts)),
        new("unique whole numbers", (x, i) => Floats(i[0].Unique().Values).To(x[0].Device) + x[0].Detach()) { IndicesArePositions = false },
        new("unique whole numbers inverse", (x, i) => Floats(i[0].Unique().Inverse).To(x[0].Device) + x[0].Detach()) { IndicesArePositions = false },
        new("unique whole numbers counts", (x, i) => Floats(i[0].Unique().Counts).To(x[0].Device) + x[0].Detach()) { IndicesArePositions = false },
        new("top-k positions", x => Floats(x[0].TopK(3, 0).Indices)),
    ];

    private static OpRow Sparse(string name, int rows, int columns) => new(name, (x, i) => new SparseMatrix(rows, columns, i[0], i[1], x[0]).MatMul(x[1]))
    {
        Composed = (x, i) => SparseProducts.Composed(new SparseMatrix(rows, columns, i[0], i[1], x[0]), x[1]),
    };

    // positions below a limit that fall all over the place
    private static Indices Scattered(Shape shape, int limit) => Indices.Wrap([.. Enumerable.Range(0, shape.Size).Select(i => (int)((i * 2654435761L >> 7) % limit))], shape);
}
