using DeepEdu.Ops;
using ILGPU;
using Floats = ILGPU.ArrayView<float>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>Batch normalisation: a team a channel does all of it, where channels are many or short; others are done in pieces.</summary>
internal static class BatchNormsKernel
{
    public static void Register(GpuDevice device)
    {
        device.Register((GpuDevice d, in BatchNorms.BatchNormKernel k) =>
        {
            if (k.Y.Length == 0) { return; }
            if (BatchNormPieces.Of(k.C, k.N * k.Inner) is > 1 and var pieces)
            {
                BatchNormPieces.Run(d, k, pieces);
                return;
            }
            var x = GpuDevice.Of(k.X);
            var team = d.Teams(k.C, k.N * k.Inner, k.Inner == 1, out var how);
            d.Start(how, new Forward
            {
                Team = team, X = x, Weight = GpuDevice.Of(k.Weight, x), Bias = GpuDevice.Of(k.Bias, x), RunningMean = GpuDevice.Of(k.RunningMean, x),
                RunningVariance = GpuDevice.Of(k.RunningVariance, x), Y = GpuDevice.Of(k.Y), Statistics = GpuDevice.Of(k.Statistics), Each = k.N * k.Inner, Inner = k.Inner,
                HasWeight = k.Weight.IsNone ? 0 : 1, HasBias = k.Bias.IsNone ? 0 : 1, HasRunning = k.RunningMean.IsNone ? 0 : 1, Batch = k.Batch ? 1 : 0, Momentum = k.Momentum, Eps = k.Eps,
            });
        });
        device.Register((GpuDevice d, in BatchNorms.BatchNormPullKernel k) =>
        {
            if (k.C == 0) { return; }
            if (BatchNormPieces.Of(k.C, k.N * k.Inner) is > 1 and var pieces)
            {
                BatchNormPieces.Pull(d, k, pieces);
                return;
            }
            var x = GpuDevice.Of(k.X);
            var team = d.Teams(k.C, k.N * k.Inner, k.Inner == 1, out var how);
            d.Start(how, new Pull
            {
                Team = team, Dy = GpuDevice.Of(k.Dy), X = x, Weight = GpuDevice.Of(k.Weight, x), Statistics = GpuDevice.Of(k.Statistics), Dx = GpuDevice.Of(k.Dx, x),
                DWeight = GpuDevice.Of(k.DWeight, x), DBias = GpuDevice.Of(k.DBias, x), Each = k.N * k.Inner, Inner = k.Inner, HasWeight = k.Weight.IsNone ? 0 : 1,
                WantsX = k.Dx.IsNone ? 0 : 1, WantsWeight = k.DWeight.IsNone ? 0 : 1, WantsBias = k.DBias.IsNone ? 0 : 1, Batch = k.Batch ? 1 : 0,
            });
        });
    }

    // value j of a channel: those of one sample are neighbours
    private static long At(int channel, int j, int channels, int inner) =>
        inner == 1 ? ((long)j * channels) + channel : ((((long)((uint)j / (uint)inner) * channels) + channel) * inner) + ((uint)j % (uint)inner);

    internal struct Forward : IGpuKernel
    {
        public Team Team;
        public Floats X, Weight, Bias, RunningMean, RunningVariance, Y, Statistics;
        public int Each, Inner, HasWeight, HasBias, HasRunning, Batch;
        public float Momentum, Eps;

        public readonly void Run()
        {
            var shared = SharedMemory.Allocate<float>(Team.MaxThreads);
            for (long first = Team.First; first < Team.Count; first += Team.Step)
            {
                int c = Team.Row(first), n = c < Team.Count ? Each : 0;
                float mean = 0, variance = 0;
                if (Batch != 0)
                {
                    float rest = 0;
                    for (int j = Team.Me; j < n; j += Team.Size) { mean += X[At(c, j, Team.Count, Inner)]; }
                    mean = Team.Sum(shared, mean) / Each;
                    for (int j = Team.Me; j < n; j += Team.Size)
                    {
                        float v = X[At(c, j, Team.Count, Inner)] - mean;
                        rest += v;
                        variance += v * v;
                    }
                    // what rounding left in the mean is taken out
                    rest = Team.Sum(shared, rest);
                    variance = (Team.Sum(shared, variance) - (rest * rest / Each)) / Each;
                    if (HasRunning != 0 && n > 0 && Team.Me == 0)
                    {
                        RunningMean[c] += Momentum * (mean - RunningMean[c]);
                        RunningVariance[c] += Momentum * ((variance * ((float)Each / (Each - 1))) - RunningVariance[c]);
                    }
                }
                else if (n > 0)
                {
                    mean = RunningMean[c];
                    variance = RunningVariance[c];
                }
                float scale = 1f / MathF.Sqrt(variance + Eps), offset = 0f;
                if (n > 0 && Team.Me == 0)
                {
                    Statistics[c] = mean;
                    Statistics[(long)Team.Count + c] = scale;
                }
                if (n > 0)
                {
                    if (HasWeight != 0) { scale *= Weight[c]; }
                    if (HasBias != 0) { offset = Bias[c]; }
                }
                for (int j = Team.Me; j < n; j += Team.Size)
                {
                    long at = At(c, j, Team.Count, Inner);
                    Y[at] = ((X[at] - mean) * scale) + offset;
                }
            }
        }
    }

    internal struct Pull : IGpuKernel
    {
        public Team Team;
        public Floats Dy, X, Weight, Statistics, Dx, DWeight, DBias;
        public int Each, Inner, HasWeight, WantsX, WantsWeight, WantsBias, Batch;

        public readonly void Run()
        {
            var shared = SharedMemory.Allocate<float>(Team.MaxThreads);
            for (long first = Team.First; first < Team.Count; first += Team.Step)
            {
                int c = Team.Row(first), n = c < Team.Count ? Each : 0;
                float mean = n > 0 ? Statistics[c] : 0f, scale = n > 0 ? Statistics[(long)Team.Count + c] : 0f, sum = 0, along = 0;
                for (int j = Team.Me; j < n; j += Team.Size)
                {
                    long at = At(c, j, Team.Count, Inner);
                    float dy = Dy[at];
                    sum += dy;
                    along += dy * ((X[at] - mean) * scale);
                }
                sum = Team.Sum(shared, sum);
                along = Team.Sum(shared, along);
                if (c < Team.Count && Team.Me == 0)
                {
                    if (WantsWeight != 0) { DWeight[c] = along; }
                    if (WantsBias != 0) { DBias[c] = sum; }
                }
                if (WantsX == 0) { n = 0; }
                float factor = HasWeight != 0 && n > 0 ? scale * Weight[c] : scale;
                sum = Batch != 0 ? sum / Each : 0f;
                along = Batch != 0 ? along / Each : 0f;
                for (int j = Team.Me; j < n; j += Team.Size)
                {
                    long at = At(c, j, Team.Count, Inner);
                    Dx[at] = factor * (Dy[at] - ((along * ((X[at] - mean) * scale)) + sum));
                }
            }
        }
    }
}
