using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Kernels;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>Normalisation of groups of channels of each sample by itself: the same while learning and in use.</summary>
public static class GroupNorms
{
    // positions below which a channel is no run worth a loop of its own
    private const int ShortChannel = 16;

    extension(Tensor x)
    {
        /// <summary>Channels normalised in groups: those of a group and all their positions together. Wu, He 2018, arXiv:1803.08494, eq. 1, 7.</summary>
        /// <param name="groups">How many groups; they divide the channels, axis 1 of x [N, C, ..].</param>
        /// <param name="weight">[C]; none is 1.</param>
        /// <param name="bias">[C]; none is 0.</param>
        /// <param name="eps">ε.</param>
        /// <returns>x's shape.</returns>
        /// <exception cref="ShapeException">x has no axis 1, the groups do not divide it, or weight or bias is not [C].</exception>
        public Tensor GroupNorm(int groups, Tensor? weight = null, Tensor? bias = null, float eps = 1e-5f)
        {
            ArgumentNullException.ThrowIfNull(x);
            var s = x.Shape;
            if (s.Rank < 2 || groups <= 0 || s[1] % groups != 0) { ThrowGroups(s, groups); }
            RowNorms.CheckAffine("group-norm", x, [s[1]], weight, bias);
            return x.Device.Has<GroupNormKernel>() && s.Product(2, s.Rank) >= ShortChannel ? Fused(x, groups, weight, bias, eps) : Composed(x, groups, weight, bias, eps);
        }
    }

    /// <summary>The same in other operations.</summary>
    internal static Tensor Composed(Tensor x, int groups, Tensor? weight, Tensor? bias, float eps)
    {
        var s = x.Shape;
        int row = s.Product(1, s.Rank) / groups;
        var y = x.Reshape([s[0] * groups, row]).LayerNorm([row], eps: eps).Reshape(s);
        int[] channels = [s[1], .. Enumerable.Repeat(1, s.Rank - 2)];
        if (weight is not null) { y = y * weight.Reshape(channels); }
        return bias is null ? y : y + bias.Reshape(channels);
    }

    private static Tensor Fused(Tensor x, int groups, Tensor? weight, Tensor? bias, float eps)
    {
        var s = x.Shape;
        int n = s[0], c = s[1], inner = s.Product(2, s.Rank);
        var y = Tensor.Empty(s, x.Device);
        var statistics = Tensor.Empty([2, n * groups], x.Device);
        x.Device.Launch(new GroupNormKernel(x.View, RowNorms.View(weight), RowNorms.View(bias), y.View, statistics.View, n, c, inner, groups, eps));
        Tensor[] inputs = [x, .. weight is null ? [] : (Tensor[])[weight], .. bias is null ? [] : (Tensor[])[bias]];
        if (Tape.For(inputs) is { } tape)
        {
            tape.AddRecordable([y], inputs, (dOutputs, dInputs) =>
            {
                if (Tape.Recording is not null)
                {
                    tape.Through(() => [Composed(x, groups, weight, bias, eps)], dOutputs, inputs, dInputs);
                    return;
                }
                for (int i = 0; i < inputs.Length; i++) { dInputs[i] = tape.Wants(inputs[i]) ? Tensor.Empty(inputs[i].Shape, x.Device) : null; }
                x.Device.Launch(new GroupNormPullKernel(dOutputs[0]!.View, x.View, RowNorms.View(weight), statistics.View, RowNorms.View(dInputs[0]),
                    RowNorms.View(weight is null ? null : dInputs[1]), RowNorms.View(bias is null ? null : dInputs[^1]), n, c, inner, groups));
            });
        }
        return y;
    }

    [DoesNotReturn]
    private static void ThrowGroups(Shape x, int groups) =>
        throw new ShapeException("group-norm", $"{groups} groups of the channels of {x}: x must be [N, C, ..] and the groups must divide C", x);

    /// <summary>Normalises each group of channels of each sample of X [n, c, inner]. Statistics [2, n · groups] keeps what was subtracted and the factor.</summary>
    internal readonly record struct GroupNormKernel(View X, View Weight, View Bias, View Y, View Statistics, int N, int C, int Inner, int Groups, float Eps) : IKernel, IRange
    {
        /// <inheritdoc/>
        public static string Name => "group-norm";

        /// <inheritdoc/>
        public void Run()
        {
            if (Y.Length > 0) { Work.For(N * Groups, Math.Max(1, CpuDevice.Grain / (C / Groups * Inner)), this); }
        }

        /// <inheritdoc/>
        public void Run(int from, int to)
        {
            int channels = C / Groups;
            nint n = (nint)channels * Inner;
            ref float none = ref System.Runtime.CompilerServices.Unsafe.NullRef<float>();
            for (int row = from; row < to; row++)
            {
                int at = row * channels * Inner, channel = row % Groups * channels;
                ref float x = ref CpuDevice.At(X, at);
                float mean = NormRows.Sum(ref x, n) / n;
                var (rest, squares) = NormRows.Moments(ref x, n, mean);
                // what rounding left in the mean is taken out
                float scale = 1 / MathF.Sqrt(((squares - (rest * rest / n)) / n) + Eps);
                mean += rest / n;
                CpuDevice.At(Statistics, row) = mean;
                CpuDevice.At(Statistics, (N * Groups) + row) = scale;
                for (int c = 0; c < channels; c++, at += Inner)
                {
                    NormRows.Normalise(ref CpuDevice.At(X, at), ref none, ref none, ref CpuDevice.At(Y, at), Inner, mean, Weight.IsNone ? scale : scale * CpuDevice.At(Weight, channel + c),
                        Bias.IsNone ? 0 : CpuDevice.At(Bias, channel + c));
                }
            }
        }
    }

    /// <summary>The way back of <see cref="GroupNormKernel"/>: with g = dy · weight, x̂ the normalised values and means over the group, dx = scale · (g − mean(g) − x̂ · mean(g ⊙ x̂)),
    /// dWeight = Σ dy ⊙ x̂, dBias = Σ dy over samples and positions.</summary>
    internal readonly record struct GroupNormPullKernel(View Dy, View X, View Weight, View Statistics, View Dx, View DWeight, View DBias, int N, int C, int Inner, int Groups) : IKernel
    {
        /// <inheritdoc/>
        public static string Name => "group-norm-pull";

        /// <inheritdoc/>
        public void Run()
        {
            // Σ dy and Σ dy ⊙ x̂ of each channel of each sample
            float[] sums = ArrayPool<float>.Shared.Rent(2 * N * C);
            if (Dy.Length > 0) { Work.For(N * Groups, Math.Max(1, CpuDevice.Grain / (C / Groups * Inner)), new Range(this, sums)); }
            else { sums.AsSpan(0, 2 * N * C).Clear(); }
            Join(DBias, sums.AsSpan(0, N * C));
            Join(DWeight, sums.AsSpan(N * C, N * C));
            ArrayPool<float>.Shared.Return(sums);
        }

        private void Join(View to, ReadOnlySpan<float> sums)
        {
            if (to.IsNone) { return; }
            var sum = CpuDevice.Of(to);
            sum.Clear();
            for (int i = 0; i < N; i++) { System.Numerics.Tensors.TensorPrimitives.Add(sum, sums.Slice(i * C, C), sum); }
        }

        private readonly struct Range(GroupNormPullKernel k, float[] sums) : IRange
        {
            public void Run(int from, int to)
            {
                int channels = k.C / k.Groups;
                float n = channels * k.Inner;
                ref float none = ref System.Runtime.CompilerServices.Unsafe.NullRef<float>();
                for (int row = from; row < to; row++)
                {
                    int start = row * channels * k.Inner, first = row * channels, channel = row % k.Groups * channels;
                    float mean = CpuDevice.At(k.Statistics, row), scale = CpuDevice.At(k.Statistics, (k.N * k.Groups) + row), g = 0, gx = 0;
                    for (int c = 0, at = start; c < channels; c++, at += k.Inner)
                    {
                        var (s, sx) = NormRows.Sums(ref CpuDevice.At(k.Dy, at), ref CpuDevice.At(k.X, at), ref none, ref none, ref none, k.Inner, mean, scale);
                        (sums[first + c], sums[(k.N * k.C) + first + c]) = (s, sx);
                        float weight = k.Weight.IsNone ? 1 : CpuDevice.At(k.Weight, channel + c);
                        g += weight * s;
                        gx += weight * sx;
                    }
                    if (k.Dx.IsNone) { continue; }
                    for (int c = 0, at = start; c < channels; c++, at += k.Inner)
                    {
                        float weight = k.Weight.IsNone ? 1 : CpuDevice.At(k.Weight, channel + c);
                        NormRows.Mix(ref CpuDevice.At(k.Dy, at), ref CpuDevice.At(k.X, at), ref CpuDevice.At(k.Dx, at), k.Inner, mean, scale * weight, -scale * scale * gx / n, -scale * g / n);
                    }
                }
            }
        }
    }
}
