using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;
using FsCheck;
using FsCheck.Fluent;

namespace DeepEdu.Tests.Ops;

/// <summary>What is computed together is what its parts compute: sizes are drawn around vector widths, blocks and the thresholds at which one way of computing gives place to another, and all memory
/// that a call may find holds NaN. It sets the number of threads, so it runs alone.</summary>
[Collection("alone")]
public sealed class FusedProperties : IDisposable
{
    // sums in another order, of values around 1; what cancels keeps their rounding
    private const float Rounding = 1e-4f, Left = 1e-5f;

    private static readonly int[] s_widths = [1, 2, 3, 7, 8, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65];

    private readonly int _threads = DeepEduOptions.MaxThreads;

    public FusedProperties() => DeepEduOptions.MaxThreads = 1; // the working memory of this thread

    public void Dispose() => DeepEduOptions.MaxThreads = _threads;

    [Fact, Trait("Width", "yes")]
    public void AttentionIsItsEquations() => ForAll(40, rng =>
    {
        int[] steps = [1, 2, 5, 6, 7, 12, 13, 23, 48, 63, 64, 65, 96, 97, 129];
        int heads = rng.Next(1, 4), width = heads * Any(s_widths, rng), values = heads * Any(s_widths, rng), queries = Any(steps, rng), keys = Any(steps, rng);
        Tensor[] x = [Drawn([2, queries, width], rng), Drawn([2, keys, width], rng), Drawn([2, keys, values], rng)];
        var mask = new AttentionMask
        {
            Causal = rng.Next(2) == 0,
            Offset = rng.Next(4),
            Lengths = rng.Next(3) == 0 ? Indices.Of(rng.Next(keys + 1), rng.Next(keys + 1)) : null,
            Scores = rng.Next(3) == 0 ? Drawn([heads, queries, keys], rng) : null,
        };
        Same(x, v => v[0].Attention(v[1], v[2], heads, mask), v => new AttentionCall(v[0], v[1], v[2], heads, mask, null, 0, null).Composed(out _), rng);
    });

    // a hidden layer with GELU and the layer behind it; what lies between may be used elsewhere too
    [Fact, Trait("Width", "yes")]
    public void DenseLayersAreProductsAndFunctions() => ForAll(40, rng =>
    {
        int rows = Any([1, 2, 15, 16, 17, 33, 64, 70, 700], rng), inputs = Any(s_widths, rng), hidden = Any([.. s_widths, 0, 200], rng), outputs = Any(s_widths, rng), elsewhere = rng.Next(4);
        Tensor[] x = [Drawn([rows, inputs], rng), Drawn([hidden, inputs], rng), Drawn([hidden], rng), Drawn([outputs, hidden], rng), Drawn([outputs], rng)];
        Same(x, v => Behind(v, v[0].LinearGelu(v[1], v[2])), v => Behind(v, (v[0].MatMul(v[1], transB: true) + v[2]).Gelu()), rng);
        x = Array.ConvertAll(x, t => Whole(t.Shape, rng));
        Same(x, v => v[0].Linear(v[1], v[2], relu: true), v => (v[0].MatMul(v[1], transB: true) + v[2]).Relu(), rng);

        Tensor Behind(Tensor[] v, Tensor h)
        {
            var y = h.Linear(v[3], v[4]);
            return elsewhere switch { 0 => y * (1 + h.Square().Sum()), 1 => Tensor.Concat([y, h], 1), _ => y };
        }
    });

    // norms whose input is used around them, twice or as weight
    [Fact, Trait("Width", "yes")]
    public void NormsOnResidualPathsAreTheirEquations() => ForAll(30, rng =>
    {
        int n = Any([.. s_widths, 300, 1100], rng) + 1, rows = Any([1, 2, 3, 17, 64], rng);
        bool centre = rng.Next(2) == 0;
        Tensor[] x = [Drawn([rows, n], rng), Drawn([n], rng), Drawn([n], rng)];
        Same(x, v => Around(v, y => centre ? y.LayerNorm([n], v[1], v[2], 1e-2f) : y.RmsNorm([n], v[1], 1e-2f)), v => Around(v, y =>
        {
            var d = centre ? y - y.Mean(-1, keepDims: true) : y;
            var z = d / (d.Square().Mean(-1, keepDims: true) + 1e-2f).Sqrt() * v[1];
            return centre ? z + v[2] : z;
        }), rng);

        static Tensor Around(Tensor[] v, Func<Tensor, Tensor> norm)
        {
            var h = v[0].Tanh();
            var y = h + norm(h);
            return (y + norm(y)) * norm(v[0]);
        }
    });

    // a pixel at a time with few and with many pixels, by groups, and with what follows in the same pass
    [Fact, Trait("Width", "yes")]
    public void ConvolutionsAreSumsOfProducts() => ForAll(30, rng =>
    {
        int groups = Any([1, 1, 1, 2, 3], rng), taps = Any([1, 1, 3], rng), n = rng.Next(4), channels = groups * Any([1, 3, 8, 16, 17], rng), outputs = groups * Any([1, 4, 16, 17], rng);
        int h = rng.Next(taps + 1, 16), w = rng.Next(taps + 1, 18), pad = rng.Next(taps);
        Tensor[] x = [Whole([n, channels, h, w], rng), Whole([outputs, channels / groups, taps, taps], rng), Whole([outputs], rng)];
        Same(x, v => v[0].Conv2d(v[1], v[2], padding: (pad, pad), groups: groups), Apart, rng);
        Same(x, v => v[0].Conv2dReluMaxPool(v[1], v[2], padding: (pad, pad), groups: groups), v => Apart(v).Relu().MaxPool2d((2, 2)), rng);

        Tensor Apart(Tensor[] v)
        {
            var padded = v[0].Pad([(pad, pad), (pad, pad)]);
            int oh = padded.Shape[2] - taps + 1, ow = padded.Shape[3] - taps + 1, own = channels / groups, made = outputs / groups;
            Tensor[] parts = new Tensor[groups];
            for (int g = 0; g < groups; g++)
            {
                Tensor? sum = null;
                for (int t = 0; t < taps * taps; t++)
                {
                    var at = padded.Narrow(1, g * own, own).Narrow(2, t / taps, oh).Narrow(3, t % taps, ow).Reshape([n, own, oh * ow]);
                    var product = v[1].Narrow(0, g * made, made).Reshape([made, own, taps * taps]).Narrow(2, t, 1).Squeeze(2).MatMul(at);
                    sum = sum is null ? product : sum + product;
                }
                parts[g] = sum!.Reshape([n, made, oh, ow]);
            }
            return Tensor.Concat(parts, 1) + v[2].Reshape([outputs, 1, 1]);
        }
    });

    private static void Same(Tensor[] inputs, Func<Tensor[], Tensor> fused, Func<Tensor[], Tensor> apart, Rng rng)
    {
        var wanted = Array.ConvertAll(inputs, _ => rng.Next(4) > 0);
        float[][] want = Results(apart, null), got = Results(fused, () => Poison.Memory());
        for (int i = 0; i < want.Length; i++) { Near(want[i], got[i], $"{string.Join(" ", inputs.Select(x => x.Shape))}: {(i == 0 ? "output" : $"gradient {i}")}"); }

        float[][] Results(Func<Tensor[], Tensor> f, Action? before)
        {
            before?.Invoke();
            using var tape = new Tape();
            var leaves = Array.ConvertAll(inputs, x => x.Detach());
            for (int i = 0; i < leaves.Length; i++) { if (wanted[i]) { tape.Watch(leaves[i]); } }
            var y = f(leaves);
            if (!tape.Wants(y)) { return [y.ToArray()]; }
            var dy = Drawn(y.Shape, new Rng(7));
            before?.Invoke();
            var g = tape.Gradients(y, dy);
            return [y.ToArray(), .. leaves.Where(leaf => leaf.IsLeaf).Select(leaf => g.Find(leaf)?.ToArray() ?? new float[leaf.Size])];
        }
    }

    private static void Near(float[] want, float[] got, string what)
    {
        Assert.Equal(want.Length, got.Length);
        float largest = want.Select(MathF.Abs).DefaultIfEmpty().Max();
        for (int i = 0; i < want.Length; i++) { Assert.True(MathF.Abs(want[i] - got[i]) <= (Rounding * (MathF.Abs(want[i]) + largest)) + Left, $"{what}: value {i} is {got[i]:g9}, expected {want[i]:g9}"); }
    }

    private static int Any(int[] of, Rng rng) => of[rng.Next(of.Length)];

    // values whose sums of products stay around 1
    private static Tensor Drawn(Shape shape, Rng rng) => Tensor.Normal(shape, rng, 0, shape.Rank < 2 || shape[^1] == 0 ? 1 : 1 / MathF.Sqrt(MathF.Sqrt(shape[^1])));

    // sums of them are exact, so that no rounding decides on which side of a kink a value is
    private static Tensor Whole(Shape shape, Rng rng) => Tensor.Of(shape, [.. Enumerable.Range(0, shape.Size).Select(_ => (float)rng.Next(-3, 4))]);

    private static void ForAll(int times, Action<Rng> law) =>
        Properties.Hold(times, Prop.ForAll(Gen.Choose(0, 1 << 20).ToArbitrary(), seed => law(new Rng((ulong)seed))));
}
