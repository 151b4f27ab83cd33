using ILGPU;
using Doubles = ILGPU.ArrayView<double>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>What all threads of a group, a power of two of them, have together, as a tree; for each of them. All must come.</summary>
internal static class GroupFolds
{
    public static double Sum(Doubles shared, double mine)
    {
        int me = Group.IdxX;
        shared[me] = mine;
        Group.Barrier();
        for (int half = Group.DimX >> 1; half > 0; half >>= 1)
        {
            if (me < half) { shared[me] += shared[me + half]; }
            Group.Barrier();
        }
        double sum = shared[0];
        Group.Barrier();
        return sum;
    }

    public static int Max(ArrayView<int> shared, int mine)
    {
        int me = Group.IdxX;
        shared[me] = mine;
        Group.Barrier();
        for (int half = Group.DimX >> 1; half > 0; half >>= 1)
        {
            if (me < half) { shared[me] = IntrinsicMath.Max(shared[me], shared[me + half]); }
            Group.Barrier();
        }
        int max = shared[0];
        Group.Barrier();
        return max;
    }
}
