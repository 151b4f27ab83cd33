using DeepEdu.Memory;
using DeepEdu.Ops;
using ILGPU;
using Floats = ILGPU.ArrayView<float>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>Softmax and negative log-likelihood in one kernel, with the gradient if it is wanted: a team a label.</summary>
internal static class CrossEntropyKernel
{
    public static void Register(GpuDevice device) => device.Register((GpuDevice d, in CrossEntropyOp.Kernel k) =>
    {
        if (k.Labels.Size == 0) { return; }
        using var arena = Arena.OfKernel();
        var x = GpuDevice.Of(k.X);
        var team = d.Teams(k.Labels.Size, k.Classes, k.Inner > 1, out var how);
        d.Start(how, new Body
        {
            Team = team, X = x, Labels = d.Upload(k.Labels.Span), Weights = k.Weights.IsNone ? x : GpuDevice.Of(k.Weights), Losses = GpuDevice.Of(k.Losses),
            Gradient = k.Gradient.IsNone ? x : GpuDevice.Of(k.Gradient), Classes = k.Classes, Inner = k.Inner, Ignore = k.Ignore,
            HasWeights = k.Weights.IsNone ? 0 : 1, HasGradient = k.Gradient.IsNone ? 0 : 1, Smoothing = k.Smoothing, Scale = k.Scale,
        });
    });

    internal struct Body : IGpuKernel
    {
        public Team Team;
        public Floats X, Weights, Losses, Gradient;
        public ArrayView<int> Labels;
        public int Classes, Inner, Ignore, HasWeights, HasGradient;
        public float Smoothing, Scale;

        public readonly void Run()
        {
            var shared = SharedMemory.Allocate<float>(Team.MaxThreads);
            for (long first = Team.First; first < Team.Count; first += Team.Step)
            {
                int row = Team.Row(first), n = row < Team.Count ? Classes : 0, label = n > 0 ? Labels[row] : Ignore, me = Team.Me;
                if (label == Ignore) { n = 0; }
                long begin = SoftmaxKernel.Begin(row, Classes, Inner);
                float max = float.NegativeInfinity, sum = 0, shifted = 0, all = 0;
                for (int c = me; c < n; c += Team.Size) { max = GpuLane.Max(max, X[begin + ((long)c * Inner)]).V; }
                max = Team.Max(shared, max);
                for (int c = me; c < n; c += Team.Size)
                {
                    long at = begin + ((long)c * Inner);
                    float v = X[at] - max, e = GpuLane.Exp(v).V, w = Weight(c);
                    if (HasGradient != 0) { Gradient[at] = e; }
                    sum += e;
                    all += w;
                    shifted += w * v;
                }
                sum = Team.Sum(shared, sum);
                if (Smoothing > 0f)
                {
                    all = Team.Sum(shared, all);
                    shifted = Team.Sum(shared, shifted);
                }
                if (n > 0) { Finish(row, begin, label, max, sum, all, shifted); }
                else if (row < Team.Count)
                {
                    if (me == 0) { Losses[row] = 0f; }
                    if (HasGradient != 0) { for (int c = me; c < Classes; c += Team.Size) { Gradient[begin + ((long)c * Inner)] = 0f; } }
                }
            }
        }

        private readonly float Weight(int c) => HasWeights != 0 ? Weights[c] : 1f;

        private readonly void Finish(int row, long begin, int label, float max, float sum, float all, float shifted)
        {
            // Σ w_c (−ln p_c) = Σ w_c · ln Σ e^(x − max) − Σ w_c (x_c − max)
            float log = GpuLane.Log(sum).V, each = Smoothing / Classes, right = (1f - Smoothing) * Weight(label), x = X[begin + ((long)label * Inner)];
            float smooth = Smoothing > 0f ? each * all : 0f;
            if (Team.Me == 0) { Losses[row] = (right * (log - (x - max))) + (Smoothing > 0f ? each * ((all * log) - shifted) : 0f); }
            if (HasGradient == 0) { return; }
            float scale = Scale * ((right + smooth) / sum);
            for (int c = Team.Me; c < Classes; c += Team.Size)
            {
                long at = begin + ((long)c * Inner);
                float g = (scale * Gradient[at]) - (Scale * each * Weight(c));
                Gradient[at] = c == label ? g - (Scale * right) : g;
            }
        }
    }
}
