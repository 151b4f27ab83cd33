using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using System.Security.Cryptography;
using DeepEdu.Lanes;

namespace DeepEdu.Numerics;

/// <summary>A stream of random numbers: number i is a pure function of (seed, stream, i), whichever thread asks for it, in whatever order and in pieces of any length.
/// Integers and uniforms are the same bits on every machine; normal numbers are the same bits wherever the hardware fuses multiply and add, and a few ulp apart elsewhere.
/// One object is for one thread; the static members are for any. Not for cryptography.</summary>
/// <param name="seed">The Philox key. Different seeds give independent numbers.</param>
/// <param name="stream">The upper half of the Philox counter. Different streams never overlap.</param>
public sealed class Rng(ulong seed, ulong stream = 0)
{
    // counters of uniforms stay below 2⁶²; normals are made from their own blocks, so that they share no bits with uniforms at the same position
    internal const ulong NormalBlocks = 1UL << 63;
    private const ulong FirstFork = 1UL << 63;
    private const ulong SplitKey = 0x53504C4954524E47;

    private ulong _block = ulong.MaxValue;
    private (uint W0, uint W1, uint W2, uint W3) _words;

    /// <summary>A stream whose seed and number nobody knows, 128 bits from the operating system: for what must not be guessed, such as the noise of private training. Only a checkpoint can repeat it.
    /// Philox itself is no cipher: who sees many of its numbers as they are may work out the seed.</summary>
    public static Rng Secret()
    {
        Span<ulong> key = stackalloc ulong[2];
        RandomNumberGenerator.Fill(MemoryMarshal.AsBytes(key));
        return new(key[0], key[1]);
    }

    /// <summary>The seed.</summary>
    public ulong Seed => seed;

    /// <summary>The stream of this seed.</summary>
    public ulong Stream => stream;

    /// <summary>The index of the next number. Set it to go back or ahead.</summary>
    public ulong Position { get; set; }

    /// <summary>How many children <see cref="Fork"/> has handed out.</summary>
    public ulong Forks { get; set; }

    /// <summary>The same stream at <paramref name="position"/>, as an object of its own.</summary>
    public Rng At(ulong position) => new(seed, stream) { Position = position };

    /// <summary>Child number <paramref name="index"/>: a pure function of (seed, stream, index). The children of all streams of one seed differ from each other,
    /// because Philox is a bijection. The position stays where it is.</summary>
    public Rng Split(ulong index)
    {
        var (a, b, c, d) = Philox.Block(index, stream, seed ^ SplitKey);
        return new(a | ((ulong)b << 32), c | ((ulong)d << 32));
    }

    /// <summary>The next child: Split(2⁶³ + <see cref="Forks"/>), so that it never meets Split(i) for i below 2⁶³.</summary>
    public Rng Fork()
    {
        if (RngJournal.IsAnyOpen) { RngJournal.Note(this); }
        return Split(FirstFork + Forks++);
    }

    /// <summary>Moves the position past <paramref name="count"/> numbers and returns where it was: the start for <see cref="UniformAt(ulong, ulong, ulong)"/> or <see cref="NormalAt(ulong, ulong, ulong)"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> is negative.</exception>
    public ulong Reserve(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        return Reserve((ulong)count);
    }

    /// <summary>The same for more numbers than a tensor has.</summary>
    internal ulong Reserve(ulong count)
    {
        if (RngJournal.IsAnyOpen) { RngJournal.Note(this); }
        ulong start = Position;
        Position += count;
        return start;
    }

    /// <summary>The next 32 random bits: word (i &amp; 3) of block (i &gt;&gt; 2), i the position. Takes one number.</summary>
    public uint NextUInt32()
    {
        ulong i = Reserve(1);
        if (i >> 2 != _block)
        {
            _block = i >> 2;
            _words = Philox.Block(_block, stream, seed);
        }
        return Pick(_words, i);
    }

    /// <summary>The next 64 random bits, low half first. Takes two numbers.</summary>
    public ulong NextUInt64() => NextUInt32() | ((ulong)NextUInt32() << 32);

    /// <summary>Uniform on [0, 1), a multiple of 2⁻²⁴. Takes one number.</summary>
    public float NextSingle() => Unit(NextUInt32());

    /// <summary>Uniform on [0, 1), a multiple of 2⁻⁵³. Takes two numbers.</summary>
    public double NextDouble() => (NextUInt64() >> 11) * (1.0 / (1UL << 53));

    /// <summary>Uniform on 0 .. <paramref name="below"/> − 1, without bias: Lemire 2019, arXiv:1805.10941, algorithm 5. Takes one number, seldom more.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="below"/> is not positive.</exception>
    public int Next(int below)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(below);
        return (int)Below((uint)below);
    }

    /// <summary>Uniform on <paramref name="from"/> .. <paramref name="below"/> − 1, without bias. Takes one number, seldom more.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="below"/> is not above <paramref name="from"/>.</exception>
    public int Next(int from, int below)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(below, from);
        return (int)(from + Below((uint)(below - (long)from)));
    }

    /// <summary>Normal with mean 0 and variance 1. Takes one number; see <see cref="NormalAt(ulong, ulong, ulong)"/>.</summary>
    public float NextGaussian() => NormalAt(seed, stream, Reserve(1));

    /// <summary>Puts <paramref name="items"/> in random order, every order equally likely: Fisher and Yates 1938; Durstenfeld 1964.</summary>
    public void Shuffle<T>(Span<T> items)
    {
        for (int i = items.Length - 1; i > 0; i--)
        {
            int j = (int)Below((uint)i + 1);
            (items[i], items[j]) = (items[j], items[i]);
        }
    }

    /// <summary>0 .. <paramref name="n"/> − 1 in random order.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="n"/> is negative.</exception>
    public int[] Permutation(int n)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(n);
        var order = new int[n];
        for (int i = 0; i < n; i++) { order[i] = i; }
        Shuffle(order.AsSpan());
        return order;
    }

    /// <summary>Uniforms on [<paramref name="low"/>, <paramref name="high"/>): low + (high − low)·<see cref="NextSingle"/>, which rounding may carry up to high.</summary>
    public void FillUniform(Span<float> to, float low = 0, float high = 1) => Fill(new Uniform(low, high - low), seed, stream, Reserve(to.Length), to);

    /// <summary>Normals with this mean and standard deviation: mean + std·<see cref="NextGaussian"/>.</summary>
    public void FillNormal(Span<float> to, float mean = 0, float std = 1) => Fill(new Normal(mean, std), seed, stream, Reserve(to.Length), to);

    /// <summary>Uniform number <paramref name="index"/> of a stream, in [0, 1): the upper 24 bits of word (index &amp; 3) of block (index &gt;&gt; 2).</summary>
    public static float UniformAt(ulong seed, ulong stream, ulong index) => Unit(Pick(Philox.Block(index >> 2, stream, seed), index));

    /// <summary>Uniform numbers <paramref name="start"/>, start + 1, ... of a stream, in [0, 1).</summary>
    public static void UniformAt(ulong seed, ulong stream, ulong start, Span<float> to) => Fill(new Uniform(0, 1), seed, stream, start, to);

    /// <summary>Normal number <paramref name="index"/> of a stream, by Box and Muller 1958: from two uniforms u, v of 24 bits √(−2 ln(1 − u)) · cos 2π(v − ½) for the even and
    /// · sin 2π(v − ½) for the odd number of a pair. At most 5.77 from 0. Independent of the uniforms of the stream.</summary>
    public static float NormalAt(ulong seed, ulong stream, ulong index)
    {
        float x = 0;
        NormalAt(seed, stream, index, new Span<float>(ref x));
        return x;
    }

    /// <summary>Normal numbers <paramref name="start"/>, start + 1, ... of a stream.</summary>
    public static void NormalAt(ulong seed, ulong stream, ulong start, Span<float> to) => Fill(new Normal(0, 1), seed, stream, start, to);

    private static float Unit(uint word) => (word >> 8) * 5.9604644775390625e-8f; // 2⁻²⁴

    private static uint Pick((uint W0, uint W1, uint W2, uint W3) words, ulong i) => (i & 3) switch { 0 => words.W0, 1 => words.W1, 2 => words.W2, _ => words.W3 };

    private uint Below(uint below)
    {
        ulong product = (ulong)NextUInt32() * below;
        if ((uint)product < below)
        {
            uint biased = (0 - below) % below;
            while ((uint)product < biased) { product = (ulong)NextUInt32() * below; }
        }
        return (uint)(product >> 32);
    }

    private interface IStream : IDraw { static abstract ulong FirstBlock { get; } }

    private readonly struct Uniform(float low, float width) : IStream
    {
        public static ulong FirstBlock => 0;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Pair<L>(ref L even, ref L odd) where L : struct, IVectorLane<L>, ILane<L>
        {
            even = L.MultiplyAdd(even, width, low);
            odd = L.MultiplyAdd(odd, width, low);
        }
    }

    private readonly struct Normal(float mean, float std) : IStream
    {
        public static ulong FirstBlock => NormalBlocks;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Pair<L>(ref L even, ref L odd) where L : struct, IVectorLane<L>, ILane<L>
        {
            var radius = L.Sqrt(-2f * L.Log(1f - even));
            var angle = 6.28318531f * (odd - 0.5f);
            odd = L.MultiplyAdd(radius * VectorMath.SinCos(angle, out L cos), std, mean);
            even = L.MultiplyAdd(radius * cos, std, mean);
        }
    }

    private static void Fill<D>(D draw, ulong seed, ulong stream, ulong start, Span<float> to) where D : struct, IStream
    {
        int done = 0;
        if ((start & 3) != 0)
        {
            done = Math.Min(4 - (int)(start & 3), to.Length);
            Part(draw, seed, stream, start, to[..done]);
        }
        ulong block = D.FirstBlock + ((start + (ulong)done) >> 2);
        int whole = 0;
        if (Vector512.IsHardwareAccelerated && Avx512F.IsSupported) { whole = Whole<Words512, D>(draw, seed, stream, block, to[done..]); }
        else if (Avx2.IsSupported) { whole = Whole<Words256, D>(draw, seed, stream, block, to[done..]); }
        for (done += whole; done < to.Length; done += 4)
        {
            Part(draw, seed, stream, start + (ulong)done, to.Slice(done, Math.Min(4, to.Length - done)));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static int Whole<W, D>(D draw, ulong seed, ulong stream, ulong block, Span<float> to) where W : struct, IWords<W> where D : struct, IStream
    {
        if (to.Length < 4 * W.Count) { return 0; }
        ref float first = ref to[0];
        int i = 0;
        for (; i <= to.Length - (4 * W.Count); i += 4 * W.Count)
        {
            Philox.Blocks(block, stream, seed, out W even, out W odd);
            W.Store(draw, even, odd, ref first, i);
            block += (ulong)W.Count;
        }
        return i;
    }

    // numbers of one block
    private static void Part<D>(D draw, ulong seed, ulong stream, ulong start, Span<float> to) where D : struct, IStream
    {
        var (a, b, c, d) = Philox.Block(D.FirstBlock + (start >> 2), stream, seed);
        F1 a1 = Unit(a), b1 = Unit(b), c1 = Unit(c), d1 = Unit(d);
        draw.Pair(ref a1, ref b1);
        draw.Pair(ref c1, ref d1);
        ReadOnlySpan<float> four = [a1.V, b1.V, c1.V, d1.V];
        four.Slice((int)(start & 3), to.Length).CopyTo(to);
    }
}
