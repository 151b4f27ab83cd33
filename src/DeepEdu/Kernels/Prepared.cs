using DeepEdu.Devices;

namespace DeepEdu.Kernels;

/// <summary>A layout of weights that a kernel computes with: packed panels.</summary>
internal unsafe interface IPreparation
{
    /// <summary>Floats of it.</summary>
    int Length { get; }

    /// <summary>Makes it.</summary>
    void Fill(float* weights, float* to);
}

/// <summary>How a thread's kernels come to their weights' layouts.</summary>
internal enum Preparing
{
    /// <summary>They make them in each call.</summary>
    EachTime,

    /// <summary>They are in an inference session, where layouts are kept.</summary>
    Once,

    /// <summary>They are in one with weights of eight bits.</summary>
    Rounded,
}

/// <summary>Weights in a kernel's layout. They are made in each call; in an inference session they are made once and stay with the weights until those change.</summary>
internal static unsafe class Prepared
{
    [ThreadStatic] private static Preparing t_mode;

    /// <summary>How this thread does it.</summary>
    public static Preparing Mode
    {
        get => t_mode;
        set => t_mode = value;
    }

    /// <summary>Whether a layout of these weights is kept: in a session, unless they are computed in each call, as normalised weights are.</summary>
    public static bool KeepsFor(View weights) => t_mode != Preparing.EachTime && !weights.Block.IsComputed;

    /// <summary>Whether these weights, those of a dense or recurrent layer, are taken with eight bits.</summary>
    public static bool RoundsFor(View weights) => t_mode == Preparing.Rounded && !weights.Block.IsComputed;

    /// <summary>The weights in layout <paramref name="how"/>: kept ones, or made now in <paramref name="otherwise"/>, which must hold <see cref="IPreparation.Length"/> floats
    /// unless <see cref="KeepsFor"/>.</summary>
    public static Span<float> Of<P>(View weights, scoped in P how, Span<float> otherwise) where P : struct, IPreparation, IEquatable<P>
    {
        if (!KeepsFor(weights))
        {
            Fill(weights, how, otherwise);
            return otherwise;
        }
        // read first: a change while the layout is made makes it stale
        int version = weights.Block.Version;
        for (var e = (Entry?)weights.Block.Prepared; e is not null; e = e.Next)
        {
            if (e is Entry<P> found && e.Version == version && e.Offset == weights.Offset && found.How.Equals(how)) { return e.Memory.Span; }
        }
        return Add(weights, how, version);
    }

    private static Span<float> Add<P>(View weights, scoped in P how, int version) where P : struct, IPreparation, IEquatable<P>
    {
        var memory = new CpuBlock(how.Length, pinned: true);
        Fill(weights, how, memory.Span);
        // whoever adds at the same time may undo this: then it is made once more
        Entry? next = null;
        for (var e = (Entry?)weights.Block.Prepared; e is not null; e = e.Next)
        {
            if (e.Version == version) { next = e.With(next); }
        }
        weights.Block.Prepared = new Entry<P> { How = how, Version = version, Offset = weights.Offset, Memory = memory, Next = next };
        return memory.Span;
    }

    private static void Fill<P>(View weights, scoped in P how, Span<float> to) where P : struct, IPreparation
    {
        fixed (float* from = CpuDevice.Of(weights), memory = to) { how.Fill(from, memory); }
    }

    private abstract record Entry
    {
        public required int Version { get; init; }

        public required int Offset { get; init; }

        public required CpuBlock Memory { get; init; }

        public required Entry? Next { get; init; }

        public Entry With(Entry? next) => this with { Next = next };
    }

    private sealed record Entry<P> : Entry
    {
        public required P How { get; init; }
    }
}
