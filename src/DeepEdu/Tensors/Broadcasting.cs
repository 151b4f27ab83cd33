using System.Diagnostics.CodeAnalysis;
using DeepEdu.Devices;

namespace DeepEdu.Tensors;

/// <summary>Turns shapes into the steps by which a device reads broadcast operands.</summary>
public static class Broadcasting
{
    /// <summary>Steps for operands of shapes a, b and c read into a result of shape y; each broadcasts to y.</summary>
    public static Broadcast Plan(string op, Shape y, Shape a, Shape b, Shape c)
    {
        if (a.Size == y.Size && b.Size == y.Size && c.Size == y.Size) { return Broadcast.Flat(y.Size); }
        Broadcast plan = default;
        int rank = 0, stepA = 1, stepB = 1, stepC = 1;
        // innermost first; an axis joins its inner neighbour where all three operands walk straight on
        for (int i = 1; i <= y.Rank; i++)
        {
            int n = y[^i], na = Size(a, i), nb = Size(b, i), nc = Size(c, i);
            int sa = na == 1 ? 0 : stepA, sb = nb == 1 ? 0 : stepB, sc = nc == 1 ? 0 : stepC;
            (stepA, stepB, stepC) = (stepA * na, stepB * nb, stepC * nc);
            if (n == 1) { continue; }
            int k = rank - 1;
            if (k >= 0 && sa == plan.A[k] * plan.Sizes[k] && sb == plan.B[k] * plan.Sizes[k] && sc == plan.C[k] * plan.Sizes[k])
            {
                plan.Sizes[k] *= n;
                continue;
            }
            if (rank == Broadcast.MaxRank) { ThrowRank(op, y); }
            (plan.Sizes[rank], plan.A[rank], plan.B[rank], plan.C[rank]) = (n, sa, sb, sc);
            rank++;
        }
        if (rank == 0) { return Broadcast.Flat(1); }
        plan.Rank = rank;
        Reverse(ref plan.Sizes, rank);
        Reverse(ref plan.A, rank);
        Reverse(ref plan.B, rank);
        Reverse(ref plan.C, rank);
        return plan;
    }

    private static int Size(Shape s, int fromEnd) => fromEnd <= s.Rank ? s[^fromEnd] : 1;

    private static void Reverse(ref Broadcast.Axes axes, int rank)
    {
        Span<int> all = axes;
        all[..rank].Reverse();
    }

    [DoesNotReturn]
    private static void ThrowRank(string op, Shape y) =>
        throw new ShapeException(op, $"{y} needs more than {Broadcast.MaxRank} separate axes to broadcast; merge neighbouring axes with Reshape", y);
}
