using DeepEdu.Autograd;
using DeepEdu.Memory;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;
using Xunit;

namespace DeepEdu.Tests.Devices;

/// <summary>Results larger than the caches are written past them, whole lines at a time: they have the bits of their parts, whatever begins or ends within a line.</summary>
public sealed class StreamedTests
{
    private const int Rows = 8200, Part = 820;

    private static readonly Dictionary<string, Func<Tensor, Tensor>> s_ops = new()
    {
        ["sum"] = x => x + (x * 2),
        ["row"] = x => x * Tensor.Arange(0, x.Shape[1]),
        ["column"] = x => x * x.Narrow(1, 0, 1),
        ["number"] = x => x - 3,
        ["three"] = x => Tensor.Where(x.Greater(0), x, x * 0.5f),
        ["function"] = x => x.Tanh(),
        ["row over columns"] = x => x.Narrow(1, 0, 1).BroadcastTo(x.Shape),
        ["concatenation"] = x => Tensor.Concat([x, x.Narrow(1, 0, 16)], 1),
        ["concatenation within lines"] = x => Tensor.Concat([x.Narrow(1, 0, 5), x], 1),
        ["slice"] = x => x.Narrow(1, 1, x.Shape[1] - 1),
        ["padding"] = x => x.Pad([(0, 0), (16, 3)]),
    };

    public static TheoryData<string> Cases => [.. s_ops.Keys];

    [Theory]
    [MemberData(nameof(Cases))]
    public void HasTheBitsOfItsParts(string op)
    {
        foreach (int columns in new[] { 1024, 1027 }) { Compare(op, columns); }
    }

    private static void Compare(string op, int columns)
    {
        using var arena = new Arena();
        var x = Tensor.Uniform([Rows, columns], new Rng(3), -9, 9);
        var all = s_ops[op](x);
        for (int from = 0; from < Rows; from += Part)
        {
            using var inner = new Arena();
            Assert.True(all.Narrow(0, from, Part).ToArray().AsSpan().SequenceEqual(s_ops[op](x.Narrow(0, from, Part)).ToArray()), $"{op}: rows from {from}");
        }
    }

    [Theory]
    [InlineData(1024)]
    [InlineData(1027)]
    public void ChosenRowsAreTheRows(int columns)
    {
        using var arena = new Arena();
        var x = Tensor.Uniform([Rows, columns], new Rng(3), -9, 9);
        var rng = new Rng(5);
        int[] rows = [.. Enumerable.Range(0, Rows).Select(_ => rng.Next(Rows))];
        ReadOnlySpan<float> from = x.AsSpan(), y = x.IndexSelect(0, Indices.Of(rows)).AsSpan();
        for (int i = 0; i < Rows; i++) { Assert.True(y.Slice(i * columns, columns).SequenceEqual(from.Slice(rows[i] * columns, columns)), $"row {i}"); }
    }

    [Theory]
    [InlineData(1024)]
    [InlineData(1027)]
    public void BatchNormOfRowsIsThatOfItsColumns(int columns)
    {
        using var arena = new Arena();
        var x = Tensor.Uniform([Rows, columns], new Rng(3), -9, 9);
        Tensor dy = Tensor.Uniform([Rows, columns], new Rng(4), -1, 1), mean = Tensor.Zeros([columns]), variance = Tensor.Ones([columns]);
        using var tape = new Tape();
        tape.Watch(x);
        var y = x.BatchNorm(mean, variance);
        var dx = tape.Gradients(y, dy)[x];
        // eight columns of their own, among them the last: the sums of a column do not depend on its neighbours
        int[] some = [0, 1, 15, 16, 511, 1000, columns - 2, columns - 1];
        var index = Indices.Of(some);
        Tensor few = x.IndexSelect(1, index), dFew = dy.IndexSelect(1, index);
        tape.Watch(few);
        var expected = few.BatchNorm(Tensor.Zeros([8]), Tensor.Ones([8]));
        var dExpected = tape.Gradients(expected, dFew)[few];
        // pieces of other sizes are joined in another order: a few units in the last place of numbers around 1
        Close(expected, y.IndexSelect(1, index), 4e-6f);
        Close(dExpected, dx.IndexSelect(1, index), 4e-6f);
    }

    private static void Close(Tensor expected, Tensor actual, float tolerance)
    {
        float[] e = expected.ToArray(), a = actual.ToArray();
        for (int i = 0; i < e.Length; i++) { Assert.True(MathF.Abs(e[i] - a[i]) <= tolerance, $"value {i}: {a[i]} instead of {e[i]}"); }
    }
}
