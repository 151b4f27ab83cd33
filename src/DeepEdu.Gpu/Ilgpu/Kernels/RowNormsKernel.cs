using DeepEdu.Devices;
using DeepEdu.Memory;
using DeepEdu.Ops;
using ILGPU;
using Floats = ILGPU.ArrayView<float>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>Layer, RMS and group normalisation: a team a row; weight gradients are sums of columns, of pieces first where there are many rows.</summary>
internal static class RowNormsKernel
{
    // rows whose sum one team makes
    private const int Piece = 256;

    public static void Register(GpuDevice device)
    {
        device.Register((GpuDevice d, in RowNorms.RowNormKernel k) =>
        {
            if (k.Y.Length == 0) { return; }
            var x = GpuDevice.Of(k.X);
            var team = d.Teams(k.Rows, k.N, false, out var how);
            d.Start(how, new Forward
            {
                Team = team, X = x, Weight = GpuDevice.Of(k.Weight, x), Bias = GpuDevice.Of(k.Bias, x), Y = GpuDevice.Of(k.Y), Statistics = GpuDevice.Of(k.Statistics),
                N = k.N, HasWeight = k.Weight.IsNone ? 0 : 1, HasBias = k.Bias.IsNone ? 0 : 1, Centre = k.Centre ? 1 : 0, Eps = k.Eps,
            });
        });
        device.Register((GpuDevice d, in RowNorms.RowNormPullKernel k) =>
        {
            if (!k.DWeight.IsNone || !k.DBias.IsNone) { Affine(d, k); }
            if (k.Dx.Length == 0) { return; }
            var x = GpuDevice.Of(k.X);
            var team = d.Teams(k.Rows, k.N, false, out var how);
            d.Start(how, new Pull
            {
                Team = team, Dy = GpuDevice.Of(k.Dy), X = x, Weight = GpuDevice.Of(k.Weight, x), Statistics = GpuDevice.Of(k.Statistics), Dx = GpuDevice.Of(k.Dx),
                N = k.N, HasWeight = k.Weight.IsNone ? 0 : 1, Centre = k.Centre ? 1 : 0,
            });
            if (!k.Before.IsNone) { d.Zip(default(Arithmetic.AddFormula), k.Before, k.Dx, k.Dx, Broadcast.Flat(k.Dx.Length)); }
        });
    }

    private static void Affine(GpuDevice d, in RowNorms.RowNormPullKernel k)
    {
        if (k.Rows == 0 || k.N == 0)
        {
            if (!k.DWeight.IsNone) { d.Fill(k.DWeight, 0); }
            if (!k.DBias.IsNone) { d.Fill(k.DBias, 0); }
            return;
        }
        using var arena = Arena.OfKernel();
        int pieces = Math.Clamp(k.Rows / Piece, 1, 256), piece = (k.Rows + pieces - 1) / pieces;
        View weight = Partial(k.DWeight, k.N), bias = Partial(k.DBias, k.N);
        var x = GpuDevice.Of(k.X);
        var team = d.Teams(pieces * k.N, piece, true, out var how);
        d.Start(how, new AffinePull
        {
            Team = team, Dy = GpuDevice.Of(k.Dy), X = x, Statistics = GpuDevice.Of(k.Statistics), DWeight = GpuDevice.Of(weight, x), DBias = GpuDevice.Of(bias, x),
            Rows = k.Rows, N = k.N, Piece = piece, HasWeight = weight.IsNone ? 0 : 1, HasBias = bias.IsNone ? 0 : 1,
        });
        if (pieces == 1) { return; }
        if (!weight.IsNone) { d.Fold(default(Reductions.SumFold), weight, 1, pieces, k.N, k.DWeight); }
        if (!bias.IsNone) { d.Fold(default(Reductions.SumFold), bias, 1, pieces, k.N, k.DBias); }

        View Partial(View all, int n) => all.IsNone || pieces == 1 ? all : new(d.Allocate(pieces * n), 0, pieces * n);
    }

    internal struct Forward : IGpuKernel
    {
        public Team Team;
        public Floats X, Weight, Bias, Y, Statistics;
        public int N, HasWeight, HasBias, Centre;
        public float Eps;

        public readonly void Run()
        {
            var shared = SharedMemory.Allocate<float>(Team.MaxThreads);
            for (long first = Team.First; first < Team.Count; first += Team.Step)
            {
                int row = Team.Row(first), n = row < Team.Count ? N : 0;
                long begin = (long)row * N;
                float mean = 0, rest = 0, squares = 0;
                if (Centre != 0)
                {
                    for (int i = Team.Me; i < n; i += Team.Size) { mean += X[begin + i]; }
                    mean = Team.Sum(shared, mean) / N;
                }
                for (int i = Team.Me; i < n; i += Team.Size)
                {
                    float v = X[begin + i] - mean;
                    rest += v;
                    squares += v * v;
                }
                squares = Team.Sum(shared, squares);
                if (Centre != 0)
                {
                    // what rounding left in the mean is taken out
                    rest = Team.Sum(shared, rest);
                    squares -= rest * rest / N;
                    mean += rest / N;
                }
                float scale = 1f / MathF.Sqrt((squares / N) + Eps);
                for (int i = Team.Me; i < n; i += Team.Size)
                {
                    float v = (X[begin + i] - mean) * scale;
                    if (HasWeight != 0) { v *= Weight[i]; }
                    Y[begin + i] = HasBias != 0 ? v + Bias[i] : v;
                }
                if (n > 0 && Team.Me == 0)
                {
                    Statistics[row] = mean;
                    Statistics[(long)Team.Count + row] = scale;
                }
            }
        }
    }

    internal struct Pull : IGpuKernel
    {
        public Team Team;
        public Floats Dy, X, Weight, Statistics, Dx;
        public int N, HasWeight, Centre;

        public readonly void Run()
        {
            var shared = SharedMemory.Allocate<float>(Team.MaxThreads);
            for (long first = Team.First; first < Team.Count; first += Team.Step)
            {
                int row = Team.Row(first), n = row < Team.Count ? N : 0;
                long begin = (long)row * N;
                float mean = n > 0 ? Statistics[row] : 0f, scale = n > 0 ? Statistics[(long)Team.Count + row] : 0f, sum = 0, along = 0;
                for (int i = Team.Me; i < n; i += Team.Size)
                {
                    float g = HasWeight != 0 ? Dy[begin + i] * Weight[i] : Dy[begin + i];
                    sum += g;
                    along += g * ((X[begin + i] - mean) * scale);
                }
                sum = Centre != 0 ? Team.Sum(shared, sum) / N : 0f;
                along = Team.Sum(shared, along) / N;
                for (int i = Team.Me; i < n; i += Team.Size)
                {
                    float g = HasWeight != 0 ? Dy[begin + i] * Weight[i] : Dy[begin + i];
                    Dx[begin + i] = scale * (g - ((along * ((X[begin + i] - mean) * scale)) + sum));
                }
            }
        }
    }

    /// <summary>dWeight and dBias [pieces, N], each of a piece of the rows.</summary>
    internal struct AffinePull : IGpuKernel
    {
        public Team Team;
        public Floats Dy, X, Statistics, DWeight, DBias;
        public int Rows, N, Piece, HasWeight, HasBias;

        public readonly void Run()
        {
            var shared = SharedMemory.Allocate<float>(Team.MaxThreads);
            for (long first = Team.First; first < Team.Count; first += Team.Step)
            {
                int which = Team.Row(first), column = (int)((uint)which % (uint)N), from = (int)((uint)which / (uint)N) * Piece;
                int end = which < Team.Count ? IntrinsicMath.Min(Rows, from + Piece) : 0;
                float weight = 0, bias = 0;
                for (int row = from + Team.Me; row < end; row += Team.Size)
                {
                    long at = ((long)row * N) + column;
                    float dy = Dy[at];
                    bias += dy;
                    weight += dy * ((X[at] - Statistics[row]) * Statistics[(long)Rows + row]);
                }
                weight = Team.Sum(shared, weight);
                bias = Team.Sum(shared, bias);
                if (which < Team.Count && Team.Me == 0)
                {
                    if (HasWeight != 0) { DWeight[which] = weight; }
                    if (HasBias != 0) { DBias[which] = bias; }
                }
            }
        }
    }
}
