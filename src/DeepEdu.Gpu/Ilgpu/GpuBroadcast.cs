using DeepEdu.Devices;

namespace DeepEdu.Gpu;

/// <summary>A <see cref="Broadcast"/> in fields, as a kernel takes it: axes that are not there have size 1.</summary>
internal struct GpuBroadcast
{
    private Axis _0, _1, _2, _3, _4, _5, _6, _7;
    private int _rank, _fours;

    public GpuBroadcast(in Broadcast how)
    {
        // innermost first
        _rank = how.Rank;
        _0 = Of(how, 0);
        _1 = Of(how, 1);
        _2 = Of(how, 2);
        _3 = Of(how, 3);
        _4 = Of(how, 4);
        _5 = Of(how, 5);
        _6 = Of(how, 6);
        _7 = Of(how, 7);
    }

    /// <summary>The same, of operands of which four neighbours may be read at once.</summary>
    public GpuBroadcast(in Broadcast how, View a, View b, View c) : this(how)
        => _fours = (InFours(how, how.A, a) ? 1 : 0) | (InFours(how, how.B, b) ? 2 : 0) | (InFours(how, how.C, c) ? 4 : 0);

    /// <summary>Not 0 if four neighbours of the result, beginning at a multiple of four, find four neighbours that begin on 16 bytes.</summary>
    public readonly int FoursA => _fours & 1;

    /// <inheritdoc cref="FoursA"/>
    public readonly int FoursB => _fours & 2;

    /// <inheritdoc cref="FoursA"/>
    public readonly int FoursC => _fours & 4;

    /// <summary>Where value i of the result finds its operands.</summary>
    public readonly void Locate(int i, out int a, out int b, out int c)
    {
        uint rest = (uint)i;
        a = b = c = 0;
        // one in the other: few have many axes, and the compiler would try them all without a branch
        _0.Take(ref rest, ref a, ref b, ref c);
        if (_rank < 2) { return; }
        _1.Take(ref rest, ref a, ref b, ref c);
        if (_rank < 3) { return; }
        _2.Take(ref rest, ref a, ref b, ref c);
        if (_rank < 4) { return; }
        _3.Take(ref rest, ref a, ref b, ref c);
        if (_rank < 5) { return; }
        _4.Take(ref rest, ref a, ref b, ref c);
        _5.Take(ref rest, ref a, ref b, ref c);
        _6.Take(ref rest, ref a, ref b, ref c);
        _7.Take(ref rest, ref a, ref b, ref c);
    }

    /// <summary>From one value of the innermost axis to the next.</summary>
    public readonly int StepA => _0.A;

    /// <inheritdoc cref="StepA"/>
    public readonly int StepB => _0.B;

    /// <inheritdoc cref="StepA"/>
    public readonly int StepC => _0.C;

    private static bool InFours(in Broadcast how, in Broadcast.Axes steps, View v)
    {
        bool fours = steps[how.Rank - 1] == 1 && v.Offset % 4 == 0;
        for (int axis = 0; axis < how.Rank - 1; axis++) { fours &= steps[axis] % 4 == 0; }
        return fours;
    }

    private static Axis Of(in Broadcast how, int fromInnermost)
    {
        int at = how.Rank - 1 - fromInnermost;
        return at < 0 ? new Axis { Size = new(1) } : new Axis { Size = new(how.Sizes[at]), A = how.A[at], B = how.B[at], C = how.C[at] };
    }

    private struct Axis
    {
        public Divisor Size;
        public int A, B, C;

        public readonly void Take(ref uint rest, ref int a, ref int b, ref int c)
        {
            uint whole = Size.Divide(rest);
            int at = (int)(rest - (whole * Size.Value));
            rest = whole;
            a += at * A;
            b += at * B;
            c += at * C;
        }
    }
}
