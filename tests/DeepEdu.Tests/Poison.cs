using DeepEdu.Kernels;
using DeepEdu.Memory;
using DeepEdu.Tensors;

namespace DeepEdu.Tests;

/// <summary>NaN in all memory that a call may find: whoever reads what it has not written shows it.</summary>
internal static unsafe class Poison
{
    private const int Working = 1 << 17;

    /// <summary>Fills this thread's working memory and what waits in the pool, in sizes up to <paramref name="largest"/> floats.</summary>
    public static void Memory(int largest = 1024)
    {
        foreach (var scratch in (Scratch[])[Scratch.Panels, Scratch.Sums, Scratch.Images, Scratch.Layer, Scratch.Rows, Scratch.Factor]) { new Span<float>(scratch.Take(Working), Working).Fill(float.NaN); }
        using (new Arena())
        {
            for (int n = 64; n <= largest; n = Pool.SizeClass(n + 1))
            {
                for (int i = 0; i < 4; i++) { Tensor.Full([n], float.NaN); }
            }
        }
    }
}
