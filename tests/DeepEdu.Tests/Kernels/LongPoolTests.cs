using System.Runtime.InteropServices;
using DeepEdu.Kernels;

namespace DeepEdu.Tests.Kernels;

/// <summary>Windows of more values than float32 counts.</summary>
public unsafe class LongPoolTests
{
    private const int Many = (1 << 24) + 37;

    [Theory]
    [InlineData(false)] // one run of memory
    [InlineData(true)] // with padding, tap by tap
    public void TheLargestIsFoundWhereItStands(bool padded)
    {
        int[] found = [];
        // what a thread works with goes with it
        var thread = new Thread(() => found = Find(padded));
        thread.Start();
        thread.Join();
        Assert.Equal(padded ? [Many - 2, Many - 2] : [Many - 2], found);
    }

    private static int[] Find(bool padded)
    {
        var x = (float*)NativeMemory.AllocZeroed(Many, sizeof(float));
        try
        {
            x[Many - 2] = 1; // an odd place, which float32 rounds
            int outputs = padded ? 2 : 1;
            var y = stackalloc float[outputs];
            int[] at = new int[outputs];
            var shape = padded ? new PoolShape(1, 1, Many, 1, outputs, 1, Many + 1, 1, 1, 0, 1, 1, 1) : new PoolShape(1, 1, Many, 1, 1, 1, Many, 1, Many, 0, 0, 1, 1);
            Assert.Equal(!padded, shape.IsRuns);
            fixed (int* p = at) { Pool2d.Max(shape, x, y, p); }
            for (int i = 0; i < outputs; i++) { Assert.Equal(1, y[i]); }
            return at;
        }
        finally { NativeMemory.Free(x); }
    }
}
