using System.Reflection;
using DeepEdu.Tensors;

namespace DeepEdu.Tests;

/// <summary>Every op, one row each. To add one:
/// <code>
/// 1. OpCatalog.YourFamily.cs        new("gelu", x => x[0].Gelu()) { Elementwise = true },
/// 2. tests/golden/rows_family.py    row("gelu", lambda x: torch.nn.functional.gelu(x), [(3, 5)], [(2, 1, 4)], low=-4, high=4)
/// then                              /usr/bin/python3 tests/golden/ops.py family
/// </code>
/// The Python row states the shapes (a list of them a case), the interval of the values, kinks to stay away from and integer inputs; its drawn values, PyTorch's result and
/// gradients are stored in Golden/ops-family.json, by the name that both rows share. The row then gets (OpCatalogTests): golden values forward and backward, a gradient check
/// against finite differences, every length 0..67 between guards and bit for bit the scalar path (Elementwise), the same bits on 1, 2 and 8 threads, its composed form if it states
/// one, a pool whole again after each. A family file is a <c>partial class OpCatalog</c> with <c>private static OpRow[] YourFamily =&gt; [..]</c>; nothing else lists it.</summary>
public static partial class OpCatalog
{
    private static readonly Dictionary<string, OpRow> s_rows = Families().SelectMany(rows => rows).ToDictionary(r => r.Name);

    /// <summary>All rows.</summary>
    public static IReadOnlyCollection<OpRow> Rows => s_rows.Values;

    /// <summary>The row of a name.</summary>
    public static OpRow Row(string name) => s_rows[name];

    /// <summary>Indices as a tensor, for ops that return them.</summary>
    private static Tensor Floats(Indices i) => Tensor.Of(i.Shape, Array.ConvertAll(i.ToArray(), v => (float)v));

    private static IEnumerable<OpRow[]> Families() =>
        typeof(OpCatalog).GetProperties(BindingFlags.NonPublic | BindingFlags.Static).Where(p => p.PropertyType == typeof(OpRow[])).Select(p => (OpRow[])p.GetValue(null)!);
}

/// <summary>One op, or one variant of it.</summary>
/// <param name="Name">Shared with the golden file.</param>
/// <param name="Run">Tensors and integer inputs to one tensor. An op of several outputs has one row for each, or combines them.</param>
public sealed record OpRow(string Name, Func<Tensor[], Indices[], Tensor> Run)
{
    /// <summary>A row without integer inputs.</summary>
    public OpRow(string name, Func<Tensor[], Tensor> run) : this(name, (x, _) => run(x)) { }

    /// <summary>Value by value: runs at every length, and must give the same bits in a SIMD lane as alone.</summary>
    public bool Elementwise { get; init; }

    /// <summary>Allowed relative error against the golden values; the absolute floor is a tenth of it times the largest golden value. State why if it is looser.</summary>
    public float Tolerance { get; init; } = 1e-5f;

    /// <summary>Allowed error of the gradient check; 0 skips it for functions that finite differences in float32 cannot resolve (state why).</summary>
    public double CheckTolerance { get; init; } = DeepEdu.Autograd.GradCheck.DefaultTolerance;

    /// <summary>Input shapes big enough to be cut into chunks, for the thread test. Elementwise rows have some by themselves; other rows without them run their golden inputs.</summary>
    public Shape[]? Big { get; init; }

    /// <summary>The integer inputs that go with <see cref="Big"/>, if not those of the first golden case.</summary>
    public Indices[]? BigIndices { get; init; }

    /// <summary>The same function in other ops: the specification of a fused kernel.</summary>
    public Func<Tensor[], Indices[], Tensor>? Composed { get; init; }

    /// <summary>For an op that PyTorch lacks: its cases, each a list of input shapes. State why.</summary>
    public Shape[][]? OwnCases { get; init; }

    /// <summary>With <see cref="OwnCases"/>: its integer inputs.</summary>
    public Indices[] OwnIndices { get; init; } = [];

    /// <summary>Whether the integer inputs are positions, which must lie inside an axis; masks are not.</summary>
    public bool IndicesArePositions { get; init; } = true;

    /// <inheritdoc/>
    public override string ToString() => Name;
}
