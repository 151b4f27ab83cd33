using DeepEdu.Devices;
using DeepEdu.Memory;
using DeepEdu.Ops;
using ILGPU;
using Floats = ILGPU.ArrayView<float>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>Batch normalisation of few long channels, of which a team each would leave most multiprocessors idle: sums of pieces, then a team a channel joins them, then all values at once.
/// Means and squares around them are joined as Chan, Golub, LeVeque 1979 do.</summary>
internal static class BatchNormPieces
{
    // values that are worth a piece, and groups that keep a large accelerator busy
    private const int Piece = 4096, Groups = 512;

    /// <summary>Pieces of a channel: 1 where a team does all of it.</summary>
    public static int Of(int channels, int values) => Math.Clamp(Math.Min(values / Piece, Groups / Math.Max(1, channels)), 1, Groups);

    public static void Run(GpuDevice d, in BatchNorms.BatchNormKernel k, int pieces)
    {
        using var arena = Arena.OfKernel();
        int each = k.N * k.Inner, piece = (each + pieces - 1) / pieces;
        var x = GpuDevice.Of(k.X);
        var statistics = GpuDevice.Of(k.Statistics);
        var parts = GpuDevice.Of(new View(d.Allocate(2 * pieces * k.C), 0, 2 * pieces * k.C));
        if (k.Batch)
        {
            var team = d.Teams(pieces * k.C, piece, k.Inner == 1, out var how);
            d.Start(how, new Moments { Team = team, X = x, Parts = parts, Place = new(k.C, k.Inner), Each = each, Piece = piece });
        }
        var joiners = d.Teams(k.C, pieces, true, out var few);
        d.Start(few, new JoinMoments
        {
            Team = joiners, Parts = parts, Statistics = statistics, RunningMean = GpuDevice.Of(k.RunningMean, x), RunningVariance = GpuDevice.Of(k.RunningVariance, x), Each = each, Piece = piece, Pieces = pieces,
            HasRunning = k.RunningMean.IsNone ? 0 : 1, Batch = k.Batch ? 1 : 0, Momentum = k.Momentum, Eps = k.Eps,
        });
        d.Start(k.Y.Length, new Normalise
        {
            X = x, Weight = GpuDevice.Of(k.Weight, x), Bias = GpuDevice.Of(k.Bias, x), Statistics = statistics, Y = GpuDevice.Of(k.Y), Place = new(k.C, k.Inner), HasWeight = k.Weight.IsNone ? 0 : 1, HasBias = k.Bias.IsNone ? 0 : 1,
        });
    }

    public static void Pull(GpuDevice d, in BatchNorms.BatchNormPullKernel k, int pieces)
    {
        using var arena = Arena.OfKernel();
        int each = k.N * k.Inner, piece = (each + pieces - 1) / pieces;
        Floats x = GpuDevice.Of(k.X), dy = GpuDevice.Of(k.Dy), statistics = GpuDevice.Of(k.Statistics);
        var parts = GpuDevice.Of(new View(d.Allocate(2 * pieces * k.C), 0, 2 * pieces * k.C));
        var sums = GpuDevice.Of(new View(d.Allocate(2 * k.C), 0, 2 * k.C));
        var team = d.Teams(pieces * k.C, piece, k.Inner == 1, out var how);
        d.Start(how, new PullSums { Team = team, Dy = dy, X = x, Statistics = statistics, Parts = parts, Place = new(k.C, k.Inner), Each = each, Piece = piece });
        var joiners = d.Teams(k.C, pieces, true, out var few);
        d.Start(few, new JoinSums { Team = joiners, Parts = parts, Sums = sums, DWeight = GpuDevice.Of(k.DWeight, x), DBias = GpuDevice.Of(k.DBias, x), Pieces = pieces, WantsWeight = k.DWeight.IsNone ? 0 : 1, WantsBias = k.DBias.IsNone ? 0 : 1 });
        if (k.Dx.IsNone) { return; }
        d.Start(k.Dx.Length, new PullValues
        {
            Dy = dy, X = x, Weight = GpuDevice.Of(k.Weight, x), Statistics = statistics, Sums = sums, Dx = GpuDevice.Of(k.Dx), Place = new(k.C, k.Inner), Each = each, HasWeight = k.Weight.IsNone ? 0 : 1, Batch = k.Batch ? 1 : 0,
        });
    }

    /// <summary>Where values lie in [n, channels, inner].</summary>
    internal readonly struct ChannelPlace(int channels, int inner)
    {
        private readonly Divisor _inner = new(inner), _channels = new(channels);

        public int Channels => (int)_channels.Value;

        /// <summary>Value j of a channel.</summary>
        public long At(int channel, int j)
        {
            uint sample = _inner.Divide((uint)j);
            return ((((long)sample * _channels.Value) + channel) * _inner.Value) + ((uint)j - (sample * _inner.Value));
        }

        /// <summary>The channel of a value.</summary>
        public int ChannelOf(int at)
        {
            uint row = _inner.Divide((uint)at);
            return (int)(row - (_channels.Divide(row) * _channels.Value));
        }
    }

    /// <summary>The piece of a channel that a team adds up.</summary>
    private readonly struct ChannelPiece
    {
        private readonly Team _team;
        private readonly int _which, _piece;

        public ChannelPiece(Team team, long first, in ChannelPlace place, int each, int piece)
        {
            (_team, _which, Channels) = (team, team.Row(first), place.Channels);
            _piece = (int)((uint)_which / (uint)Channels);
            Channel = _which - (_piece * Channels);
            From = _piece * piece;
            End = _which < team.Count ? IntrinsicMath.Min(each, From + piece) : 0;
        }

        public int Channels { get; }

        public int Channel { get; }

        /// <summary>Its first value.</summary>
        public int From { get; }

        /// <summary>Behind its last value; 0 where there is no piece.</summary>
        public int End { get; }

        /// <summary>What the team found.</summary>
        public void Put(Floats parts, float first, float second)
        {
            if (_which >= _team.Count || _team.Me != 0) { return; }
            parts[((long)_piece * 2 * Channels) + Channel] = first;
            parts[(((long)_piece * 2) + 1) * Channels + Channel] = second;
        }
    }

    /// <summary>Parts [pieces, 2, C] ← the mean of each piece and the sum of squares around it.</summary>
    internal struct Moments : IGpuKernel
    {
        public Team Team;
        public Floats X, Parts;
        public ChannelPlace Place;
        public int Each, Piece;

        public readonly void Run()
        {
            var shared = SharedMemory.Allocate<float>(Team.MaxThreads);
            for (long first = Team.First; first < Team.Count; first += Team.Step)
            {
                ChannelPiece piece = new(Team, first, Place, Each, Piece);
                int n = IntrinsicMath.Max(1, piece.End - piece.From);
                float mean = 0, rest = 0, squares = 0;
                for (int j = piece.From + Team.Me; j < piece.End; j += Team.Size) { mean += X[Place.At(piece.Channel, j)]; }
                mean = Team.Sum(shared, mean) / n;
                for (int j = piece.From + Team.Me; j < piece.End; j += Team.Size)
                {
                    float v = X[Place.At(piece.Channel, j)] - mean;
                    rest += v;
                    squares += v * v;
                }
                // what rounding left in the mean is taken out
                rest = Team.Sum(shared, rest);
                squares = Team.Sum(shared, squares) - (rest * rest / n);
                piece.Put(Parts, mean + (rest / n), squares);
            }
        }
    }

    /// <summary>Statistics [2, C] from the pieces, or from what runs.</summary>
    internal struct JoinMoments : IGpuKernel
    {
        public Team Team;
        public Floats Parts, Statistics, RunningMean, RunningVariance;
        public int Each, Piece, Pieces, HasRunning, Batch;
        public float Momentum, Eps;

        public readonly void Run()
        {
            var shared = SharedMemory.Allocate<float>(Team.MaxThreads);
            for (long first = Team.First; first < Team.Count; first += Team.Step)
            {
                int c = Team.Row(first), pieces = c < Team.Count && Batch != 0 ? Pieces : 0;
                float mean = 0, variance = 0;
                for (int p = Team.Me; p < pieces; p += Team.Size) { mean += Parts[((long)p * 2 * Team.Count) + c] * Values(p); }
                mean = Team.Sum(shared, mean) / Each;
                for (int p = Team.Me; p < pieces; p += Team.Size)
                {
                    float apart = Parts[((long)p * 2 * Team.Count) + c] - mean;
                    variance += Parts[(((long)p * 2) + 1) * Team.Count + c] + (apart * apart * Values(p));
                }
                variance = Team.Sum(shared, variance) / Each;
                if (c < Team.Count && Team.Me == 0)
                {
                    if (Batch == 0) { (mean, variance) = (RunningMean[c], RunningVariance[c]); }
                    else if (HasRunning != 0)
                    {
                        RunningMean[c] += Momentum * (mean - RunningMean[c]);
                        RunningVariance[c] += Momentum * ((variance * ((float)Each / (Each - 1))) - RunningVariance[c]);
                    }
                    Statistics[c] = mean;
                    Statistics[(long)Team.Count + c] = 1f / MathF.Sqrt(variance + Eps);
                }
            }
        }

        private readonly int Values(int piece) => IntrinsicMath.Max(0, IntrinsicMath.Min(Piece, Each - (piece * Piece)));
    }

    /// <summary>y = (x − mean)·scale·weight + bias.</summary>
    internal struct Normalise : IGpuKernel
    {
        public Floats X, Weight, Bias, Statistics, Y;
        public ChannelPlace Place;
        public int HasWeight, HasBias;

        public readonly void Run()
        {
            for (long at = Grid.GlobalLinearIndex; at < Y.Length; at += (long)Grid.DimX * Group.DimX)
            {
                int c = Place.ChannelOf((int)at);
                float scale = Statistics[(long)Place.Channels + c], offset = 0f;
                if (HasWeight != 0) { scale *= Weight[c]; }
                if (HasBias != 0) { offset = Bias[c]; }
                Y[at] = ((X[at] - Statistics[c]) * scale) + offset;
            }
        }
    }

    /// <summary>Parts [pieces, 2, C] ← Σ dy and Σ dy ⊙ x̂ of each piece.</summary>
    internal struct PullSums : IGpuKernel
    {
        public Team Team;
        public Floats Dy, X, Statistics, Parts;
        public ChannelPlace Place;
        public int Each, Piece;

        public readonly void Run()
        {
            var shared = SharedMemory.Allocate<float>(Team.MaxThreads);
            for (long first = Team.First; first < Team.Count; first += Team.Step)
            {
                ChannelPiece piece = new(Team, first, Place, Each, Piece);
                float mean = Statistics[piece.Channel], scale = Statistics[(long)piece.Channels + piece.Channel], sum = 0, along = 0;
                for (int j = piece.From + Team.Me; j < piece.End; j += Team.Size)
                {
                    long at = Place.At(piece.Channel, j);
                    float dy = Dy[at];
                    sum += dy;
                    along += dy * ((X[at] - mean) * scale);
                }
                piece.Put(Parts, Team.Sum(shared, sum), Team.Sum(shared, along));
            }
        }
    }

    /// <summary>Sums [2, C] of the pieces, which are dBias and dWeight.</summary>
    internal struct JoinSums : IGpuKernel
    {
        public Team Team;
        public Floats Parts, Sums, DWeight, DBias;
        public int Pieces, WantsWeight, WantsBias;

        public readonly void Run()
        {
            var shared = SharedMemory.Allocate<float>(Team.MaxThreads);
            for (long first = Team.First; first < Team.Count; first += Team.Step)
            {
                int c = Team.Row(first), pieces = c < Team.Count ? Pieces : 0;
                float sum = 0, along = 0;
                for (int p = Team.Me; p < pieces; p += Team.Size)
                {
                    sum += Parts[((long)p * 2 * Team.Count) + c];
                    along += Parts[(((long)p * 2) + 1) * Team.Count + c];
                }
                sum = Team.Sum(shared, sum);
                along = Team.Sum(shared, along);
                if (c < Team.Count && Team.Me == 0)
                {
                    (Sums[c], Sums[(long)Team.Count + c]) = (sum, along);
                    if (WantsWeight != 0) { DWeight[c] = along; }
                    if (WantsBias != 0) { DBias[c] = sum; }
                }
            }
        }
    }

    /// <summary>dx = weight·scale·(dy − mean(dy) − x̂·mean(dy ⊙ x̂)), or weight·scale·dy.</summary>
    internal struct PullValues : IGpuKernel
    {
        public Floats Dy, X, Weight, Statistics, Sums, Dx;
        public ChannelPlace Place;
        public int Each, HasWeight, Batch;

        public readonly void Run()
        {
            for (long at = Grid.GlobalLinearIndex; at < Dx.Length; at += (long)Grid.DimX * Group.DimX)
            {
                int c = Place.ChannelOf((int)at);
                float scale = Statistics[(long)Place.Channels + c], factor = HasWeight != 0 ? scale * Weight[c] : scale, v = Dy[at];
                if (Batch != 0) { v -= (Sums[(long)Place.Channels + c] / Each * ((X[at] - Statistics[c]) * scale)) + (Sums[c] / Each); }
                Dx[at] = factor * v;
            }
        }
    }
}
