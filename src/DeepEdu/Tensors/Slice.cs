namespace DeepEdu.Tensors;

/// <summary>What is wanted of one axis: an entry (<c>2</c>, <c>^1</c>: the axis goes), a range (<c>1..3</c>, <c>..</c>: the axis stays), every k-th entry of a range,
/// all axes that are not named (<see cref="Ellipsis"/>), or a new axis of size 1 (<see cref="NewAxis"/>).</summary>
public readonly struct Slice
{
    private readonly Range _range;

    private Slice(Kind what, Range range, int stride = 1) => (What, _range, Stride) = (what, range, stride);

    /// <summary>The kinds of slices.</summary>
    internal enum Kind { Range, Entry, Ellipsis, NewAxis }

    /// <summary>As many whole axes as are not named: <c>x[0, Slice.Ellipsis, ^1]</c>. At most once.</summary>
    public static Slice Ellipsis => new(Kind.Ellipsis, default);

    /// <summary>A new axis of size 1.</summary>
    public static Slice NewAxis => new(Kind.NewAxis, default);

    internal Kind What { get; }

    internal int Stride { get; }

    internal Index From => _range.Start;

    internal Index To => _range.End;

    /// <summary>Every <paramref name="step"/>-th entry of a range, from its first on.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The step is not positive; <c>Flip</c> walks backwards.</exception>
    public static Slice Step(Range range, int step) => step > 0 ? new(Kind.Range, range, step)
        : throw new ArgumentOutOfRangeException(nameof(step), $"slice: a step of {step} is not positive; turn the axis round with Flip");

    /// <summary>One entry, counted from the front.</summary>
    public static implicit operator Slice(int entry) => entry >= 0 ? new(Kind.Entry, new(entry, 0))
        : throw new ArgumentOutOfRangeException(nameof(entry), $"slice: index {entry} is negative; ^{-(long)entry} counts from the end");

    /// <summary>One entry; <c>^1</c> is the last.</summary>
    public static implicit operator Slice(Index entry) => new(Kind.Entry, new(entry, 0));

    /// <summary>A range; <c>..</c> is the whole axis.</summary>
    public static implicit operator Slice(Range range) => new(Kind.Range, range);

    /// <summary>As it is written in code.</summary>
    public override string ToString() => What switch
    {
        Kind.Entry => $"{From}",
        Kind.Ellipsis => "Ellipsis",
        Kind.NewAxis => "NewAxis",
        _ => Stride == 1 ? $"{_range}" : $"Step({_range}, {Stride})",
    };
}
