using System.Runtime.InteropServices;
using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Memory;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests;

/// <summary>What every row of the catalogue must pass. The tests count the pool's blocks and set the number of threads, so they run alone.</summary>
[Collection("alone")]
public sealed class OpCatalogTests : IDisposable
{
    private const float Guard = 1234.5f;

    private readonly int _blocksBefore = CpuDevice.Instance.Pool.LiveBlocks;

    /// <summary>The pool is whole again after each row.</summary>
    public void Dispose() => Assert.Equal(_blocksBefore, CpuDevice.Instance.Pool.LiveBlocks);

    public static TheoryData<string> All => [.. OpCatalog.Rows.Select(r => r.Name)];

    public static TheoryData<string> Elementwise => [.. OpCatalog.Rows.Where(r => r.Elementwise).Select(r => r.Name)];

    public static TheoryData<string> Fused => [.. OpCatalog.Rows.Where(r => r.Composed is not null).Select(r => r.Name)];

    [Fact]
    public void EveryRowHasAGoldenAndEveryGoldenARow()
    {
        Assert.Empty(OpGolden.Names.Except(OpCatalog.Rows.Select(r => r.Name)));
        Assert.Empty(OpCatalog.Rows.Where(r => r.OwnCases is null).Select(r => r.Name).Except(OpGolden.Names));
    }

    [Theory, MemberData(nameof(All)), Trait("Width", "yes")]
    public void GoldenValues(string name)
    {
        var row = OpCatalog.Row(name);
        foreach (var c in OpGolden.Cases(row))
        {
            if (c.Output is null) { continue; }
            Poison.Memory();
            var (y, dx) = Differentiate(row.Run, c, c.Seed, _ => Poison.Memory());
            Assert.Equal(c.Output.Shape, y.Shape);
            Near(c.Output.ToArray(), y.ToArray(), row.Tolerance, $"{name} {Shapes(c.Inputs)}: output");
            foreach (int i in c.Differentiable) { Near(c.Gradients[i]!, dx[i]!, row.Tolerance, $"{name} {Shapes(c.Inputs)}: gradient of input {i}"); }
        }
    }

    [Theory, MemberData(nameof(All))]
    public void GradientAgainstFiniteDifferences(string name)
    {
        var row = OpCatalog.Row(name);
        foreach (var c in OpGolden.Cases(row))
        {
            int[] which = c.Differentiable;
            // golden cases with special values (NaN, infinity) have no finite differences
            if (which.Length == 0 || row.CheckTolerance == 0 || c.Inputs.Any(x => x.ToArray().Any(v => !float.IsFinite(v)))) { continue; }
            GradCheck.Check(_ => row.Run(c.Inputs, c.Indices), Array.ConvertAll(which, i => c.Inputs[i]), row.CheckTolerance);
        }
    }

    /// <summary>The input ends at its array's end; the output's block is filled with a guard value beyond the length. What a SIMD lane computes has the same bits as one value alone.</summary>
    [Theory, MemberData(nameof(Elementwise)), Trait("Width", "yes")]
    public void EveryLengthBetweenGuards(string name)
    {
        const int Longest = 67;
        var row = OpCatalog.Row(name);
        var first = OpGolden.Cases(row)[0];
        float[][] x = Array.ConvertAll(OpGolden.Draw(row, Array.ConvertAll(first.Inputs, _ => Shape.Create([Longest])), 11), t => t.ToArray());
        float[] seed = OpGolden.Draw(row, [[Longest]], 12)[0].ToArray();
        float[] y = new float[Longest];
        float[][] dx = Array.ConvertAll(x, _ => new float[Longest]);
        for (int i = 0; i < Longest; i++)
        {
            var (yi, dxi) = Differentiate(row.Run, first with { Inputs = Array.ConvertAll(x, v => Tensor.Of([1], [v[i]])) }, [seed[i]]);
            y[i] = yi.Item();
            for (int k = 0; k < x.Length; k++) { dx[k][i] = dxi[k]?[0] ?? 0; }
        }
        for (int n = 0; n <= Longest; n++)
        {
            PlantGuards(n);
            int length = n;
            var c = first with { Inputs = Array.ConvertAll(x, v => Tensor.Wrap([Guard, Guard, Guard, .. v[..length]], [length + 3]).Alias([length], 3)) };
            var (yn, dxn) = Differentiate(row.Run, c, seed[..n], CheckGuards);
            SameBits(y[..n], yn.ToArray(), $"{name} at length {n}: output");
            for (int k = 0; k < x.Length; k++)
            {
                if (dxn[k] is { } d) { SameBits(dx[k][..n], d, $"{name} at length {n}: gradient of input {k}"); }
            }
        }
    }

    [Theory, MemberData(nameof(All))]
    public void SameBitsForAnyNumberOfThreads(string name)
    {
        var row = OpCatalog.Row(name);
        int before = DeepEduOptions.MaxThreads;
        var first = OpGolden.Cases(row)[0];
        Shape[]? big = row.Elementwise ? Array.ConvertAll(first.Inputs, _ => Shape.Create([(3 * CpuDevice.Grain) + 77])) : row.Big;
        var c = big is null ? first : first with { Inputs = OpGolden.Draw(row, big, 13), Indices = row.BigIndices ?? first.Indices };
        try
        {
            DeepEduOptions.MaxThreads = 1;
            var (y, dx) = Differentiate(row.Run, c, null);
            foreach (int threads in (int[])[2, 8])
            {
                DeepEduOptions.MaxThreads = threads;
                var (yt, dxt) = Differentiate(row.Run, c, null);
                SameBits(y.ToArray(), yt.ToArray(), $"{name} on {threads} threads: output");
                for (int k = 0; k < dx.Length; k++)
                {
                    if (dx[k] is { } d) { SameBits(d, dxt[k]!, $"{name} on {threads} threads: gradient of input {k}"); }
                }
            }
        }
        finally { DeepEduOptions.MaxThreads = before; }
    }

    [Theory, MemberData(nameof(Fused))]
    public void FusedIsComposed(string name)
    {
        var row = OpCatalog.Row(name);
        foreach (var c in OpGolden.Cases(row))
        {
            var (y, dx) = Differentiate(row.Run, c, null);
            var (yc, dxc) = Differentiate(row.Composed!, c, null);
            Assert.Equal(yc.Shape, y.Shape);
            Near(yc.ToArray(), y.ToArray(), row.Tolerance, $"{name} {Shapes(c.Inputs)}: output, fused against composed");
            foreach (int i in c.Differentiable) { Near(dxc[i]!, dx[i]!, row.Tolerance, $"{name} {Shapes(c.Inputs)}: gradient of input {i}, fused against composed"); }
        }
    }

    /// <summary>Gradients that are recorded are the plain ones, and their own gradients are right.</summary>
    [Theory, MemberData(nameof(All))]
    public void GradientsOfGradients(string name)
    {
        var row = OpCatalog.Row(name);
        foreach (var c in OpGolden.Cases(row))
        {
            Tensor[] which = Array.ConvertAll(c.Differentiable, i => c.Inputs[i]);
            if (which.Length == 0) { continue; }
            float[]? plain = null;
            using (var tape = new Tape())
            {
                foreach (var x in which) { tape.Watch(x); }
                var y = row.Run(c.Inputs, c.Indices);
                var g = tape.Gradients(y, Seed(y));
                plain = [.. which.SelectMany(x => g.Find(x)?.ToArray() ?? new float[x.Size])];
            }
            using (new Tape()) { Near(plain, Recorded(null!).ToArray(), 10 * row.Tolerance, $"{name} {Shapes(c.Inputs)}: recorded gradients"); }
            if (row.CheckTolerance == 0 || c.Inputs.Any(x => x.ToArray().Any(v => !float.IsFinite(v)))) { continue; }
            GradCheck.Check(Recorded, which, row.CheckTolerance);

            Tensor Recorded(Tensor[] _)
            {
                foreach (var x in which) { Tape.Recording!.Watch(x); }
                var y = row.Run(c.Inputs, c.Indices);
                var slopes = Tape.Recording!.SlopesOf((y * Seed(y)).Sum(), which);
                return Tensor.Concat([.. which.Select((x, i) => slopes[i]?.Flatten() ?? Tensor.Zeros([x.Size]))]);
            }
        }

        static Tensor Seed(Tensor y) => Tensor.Of(y.Shape, [.. Enumerable.Range(0, y.Size).Select(i => MathF.Sin(i + 1))]);
    }

    // forward and, from the given or a made-up dL/dy, backward; an op without differentiable inputs must record nothing
    private static (Tensor Output, float[]?[] Gradients) Differentiate(Func<Tensor[], Indices[], Tensor> op, OpCase c, float[]? seed, Action<Tensor>? inspect = null)
    {
        int[] which = c.Differentiable;
        var gradients = new float[]?[c.Inputs.Length];
        using var tape = new Tape();
        foreach (int i in which) { tape.Watch(c.Inputs[i]); }
        var y = op(c.Inputs, c.Indices);
        inspect?.Invoke(y);
        if (which.Length > 0)
        {
            var dy = Tensor.Of(y.Shape, seed ?? [.. Enumerable.Range(0, y.Size).Select(i => MathF.Sin(i + 1))]);
            var g = tape.Gradients(y, dy);
            foreach (int i in which)
            {
                var d = g.Find(c.Inputs[i]);
                if (d is not null)
                {
                    Assert.Equal(c.Inputs[i].Shape, d.Shape);
                    inspect?.Invoke(d);
                }
                gradients[i] = d?.ToArray() ?? new float[c.Inputs[i].Size];
            }
        }
        else if (c.Output is not null)
        {
            foreach (var x in c.Inputs) { tape.Watch(x); }
            Assert.False(tape.Wants(op(c.Inputs, c.Indices)), "the golden row has no gradient, but the op recorded one");
        }
        return (Tensor.Of(y.Shape, y.ToArray()).Keep(), gradients);
    }

    // the blocks that tensors of this length will be rented from
    private static void PlantGuards(int n)
    {
        using var arena = new Arena();
        for (int i = 0; i < 12; i++) { ((CpuBlock)Tensor.Empty([n]).View.Block).Span.Fill(Guard); }
    }

    private static void CheckGuards(Tensor t)
    {
        var view = t.View;
        var beyond = ((CpuBlock)view.Block).Span[(view.Offset + view.Length)..];
        int at = beyond.IndexOfAnyExcept(Guard);
        Assert.True(at < 0, $"a tensor {t.Shape}: {at + 1} beyond its end was written");
    }

    internal static void Near(float[] want, float[] got, float tolerance, string what)
    {
        Assert.Equal(want.Length, got.Length);
        float largest = want.Where(float.IsFinite).Select(MathF.Abs).DefaultIfEmpty().Max();
        for (int i = 0; i < want.Length; i++)
        {
            if (want[i].Equals(got[i])) { continue; }
            float allowed = tolerance * (MathF.Abs(want[i]) + (0.1f * largest));
            Assert.True(MathF.Abs(want[i] - got[i]) <= allowed, $"{what}: value {i} is {got[i]:g9}, expected {want[i]:g9} (allowed difference {allowed:g3})");
        }
    }

    private static void SameBits(float[] want, float[] got, string what)
    {
        Assert.Equal(want.Length, got.Length);
        for (int i = 0; i < want.Length; i++)
        {
            bool same = BitConverter.SingleToInt32Bits(want[i]) == BitConverter.SingleToInt32Bits(got[i]) || (float.IsNaN(want[i]) && float.IsNaN(got[i]));
            Assert.True(same, $"{what}: value {i} is {got[i]:g9} instead of {want[i]:g9}");
        }
    }

    private static string Shapes(Tensor[] x) => string.Join(", ", x.Select(t => t.Shape));
}
