using System.Diagnostics.CodeAnalysis;
using DeepEdu.Devices;

namespace DeepEdu.Kernels;

/// <summary>A joint walk through two memories: the size of each axis and how many floats either side steps along it. A step of 0 stands still, a negative one
/// goes backwards. Axes are outermost first in the order of the memory that is written; neighbours that both sides walk straight through are merged.</summary>
public struct Walk
{
    /// <summary>Axes after merging; at least 1.</summary>
    public int Rank;

    /// <summary>Size of each axis.</summary>
    public Broadcast.Axes Sizes;

    /// <summary>Steps of the side that is read, in floats.</summary>
    public Broadcast.Axes From;

    /// <summary>Steps of the side that is written, in floats.</summary>
    public Broadcast.Axes To;

    /// <summary>Where reading begins, in floats.</summary>
    public int FromStart;

    /// <summary>Where writing begins, in floats.</summary>
    public int ToStart;

    /// <summary>How many floats are copied.</summary>
    public readonly int Count
    {
        get
        {
            int n = 1;
            for (int i = 0; i < Rank; i++) { n *= Sizes[i]; }
            return n;
        }
    }

    /// <summary>The shortest walk that copies an array of the given sizes.</summary>
    /// <exception cref="ArgumentException">More than <see cref="Broadcast.MaxRank"/> axes remain.</exception>
    public static Walk Plan(string op, ReadOnlySpan<int> sizes, ReadOnlySpan<int> from, int fromStart, ReadOnlySpan<int> to, int toStart)
    {
        int rank = 0;
        Span<Axis> axes = sizes.Length <= 16 ? stackalloc Axis[sizes.Length] : new Axis[sizes.Length];
        for (int i = 0; i < sizes.Length; i++)
        {
            var axis = new Axis(sizes[i], from[i], to[i]);
            if (axis.Size == 1) { continue; }
            if (axis.To < 0 && axis.Size > 0)
            {
                fromStart += axis.From * (axis.Size - 1);
                toStart += axis.To * (axis.Size - 1);
                axis = new(axis.Size, -axis.From, -axis.To);
            }
            int k = rank++;
            for (; k > 0 && axes[k - 1].To < axis.To; k--) { axes[k] = axes[k - 1]; }
            axes[k] = axis;
        }
        Walk walk = default;
        (walk.FromStart, walk.ToStart) = (fromStart, toStart);
        for (int i = 0; i < rank; i++)
        {
            int k = walk.Rank - 1, n = axes[i].Size;
            if (k >= 0 && walk.From[k] == axes[i].From * n && walk.To[k] == axes[i].To * n) { walk.Sizes[k] *= n; }
            else if (++k == Broadcast.MaxRank) { ThrowRank(op, sizes); }
            else
            {
                walk.Sizes[k] = n;
                walk.Rank++;
            }
            (walk.From[k], walk.To[k]) = (axes[i].From, axes[i].To);
        }
        if (walk.Rank == 0) { (walk.Rank, walk.Sizes[0], walk.From[0], walk.To[0]) = (1, 1, 1, 1); }
        return walk;
    }

    [DoesNotReturn]
    private static void ThrowRank(string op, ReadOnlySpan<int> sizes) =>
        throw new ArgumentException($"{op}: [{string.Join(',', sizes.ToArray())}] needs more than {Broadcast.MaxRank} separate axes; merge neighbouring axes with Reshape");

    private readonly record struct Axis(int Size, int From, int To);
}
