using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Memory;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Memory;

/// <summary>Who owns memory, and for how long.</summary>
[Collection("alone")]
public class ArenaTests
{
    private static Pool CpuPool => CpuDevice.Instance.Pool;

    [Fact]
    public void AClosedArenaLeavesThePoolWhole()
    {
        int live = CpuPool.LiveBlocks;
        using (new Arena())
        {
            _ = Tensor.Zeros([100]) + Tensor.Ones([100]);
            Assert.Equal(live + 3, CpuPool.LiveBlocks);
        }
        Assert.Equal(live, CpuPool.LiveBlocks);
    }

    [Fact]
    public void TheSecondStepAllocatesNoBlock()
    {
        var w = new Parameter([64, 32]);
        w.AsSpan().Fill(0.1f);
        void Step()
        {
            using var tape = new Tape();
            tape.Gradients((w * w).Sum());
        }
        Step();
        int created = CpuPool.CreatedBlocks;
        for (int i = 0; i < 10; i++) { Step(); }
        Assert.Equal(created, CpuPool.CreatedBlocks);
    }

    [Fact]
    public void ALoopThatClosesNoTapeIsEnded()
    {
        int live = CpuPool.LiveBlocks;
        var open = new Stack<Tape>();
        var e = Assert.Throws<InvalidOperationException>(() =>
        {
            while (open.Count < 10_000)
            {
                open.Push(new Tape());
                _ = Tensor.Ones([10]) + 1;
            }
        });
        Assert.Contains("is a `using` missing", e.Message, StringComparison.Ordinal);
        while (open.TryPop(out var tape)) { tape.Dispose(); }
        Assert.Equal(live, CpuPool.LiveBlocks);
        using var again = new Arena();
    }

    [Fact]
    public void OutsideAnArenaThePoolIsNotTouched()
    {
        int live = CpuPool.LiveBlocks, created = CpuPool.CreatedBlocks;
        _ = Tensor.Zeros([1000]) + Tensor.Ones([1000]);
        Assert.Equal((live, created), (CpuPool.LiveBlocks, CpuPool.CreatedBlocks));
    }

    [Fact]
    public void KeepHandsOverToTheOuterArenaFirst()
    {
        int live = CpuPool.LiveBlocks;
        Tensor t;
        using (var outer = new Arena())
        {
            using (new Arena()) { t = Tensor.Full([10], 7).Keep(); }
            Assert.Equal(7, t.AsSpan()[3]);
            Assert.Equal(1, outer.BlockCount);
        }
        Assert.Throws<ObjectDisposedException>(() => t.ToArray());
        Assert.Equal(live, CpuPool.LiveBlocks);
    }

    [Fact]
    public void AKeptTensorIsNeverRentedAgain()
    {
        Tensor kept;
        using (new Arena()) { kept = Tensor.Full([200], 3).Keep(); }
        using (new Arena())
        {
            for (int i = 0; i < 50; i++) { Tensor.Full([200], 9); }
        }
        Assert.All(kept.ToArray(), v => Assert.Equal(3, v));
    }

    [Fact]
    public void ReshapedMemoryIsKeptWithItsTensor()
    {
        Tensor row;
        using (new Arena()) { row = Tensor.Of([2, 2], [1, 2, 3, 4]).Alias([2], 2).Keep(); }
        Assert.Equal([3, 4], row.ToArray());
    }

    [Fact]
    public void KeepingTwiceOrInAnInnerArenaHandsOverOnce()
    {
        int live = CpuPool.LiveBlocks;
        Tensor outers, inners;
        using (var outer = new Arena())
        {
            outers = Tensor.Full([10], 7);
            using (new Arena())
            {
                inners = Tensor.Full([10], 8).Keep().Keep();
                inners.Alias([5, 2]).Keep();
                outers.Keep();
            }
            Assert.Equal(2, outer.BlockCount);
        }
        Assert.Throws<ObjectDisposedException>(() => outers.ToArray());
        Assert.Throws<ObjectDisposedException>(() => inners.ToArray());
        Assert.Equal(live, CpuPool.LiveBlocks);
    }

    [Fact]
    public void ClosingTheOuterArenaFirstIsRefused()
    {
        var outer = new Arena();
        var inner = new Arena();
        var e = Assert.Throws<InvalidOperationException>(outer.Dispose);
        Assert.Contains("innermost", e.Message, StringComparison.Ordinal);
        inner.Dispose();
        outer.Dispose();
        outer.Dispose();
        Assert.Null(Arena.Current);
    }

    [Fact]
    public void AnotherThreadsArenaCannotBeClosedHere()
    {
        using var arena = new Arena();
        Exception? e = null;
        var thread = new Thread(() => e = Record.Exception(arena.Dispose));
        thread.Start();
        thread.Join();
        Assert.IsType<InvalidOperationException>(e);
    }

    [Fact]
    public void ThreadsHaveArenasOfTheirOwn()
    {
        int live = CpuPool.LiveBlocks;
        var sums = new float[8];
        var threads = Enumerable.Range(0, sums.Length).Select(i => new Thread(() =>
        {
            for (int round = 0; round < 200; round++)
            {
                using var tape = new Tape();
                sums[i] = (Tensor.Full([500], i) + Tensor.Full([500], 1)).Sum().Item();
            }
        })).ToList();
        threads.ForEach(t => t.Start());
        threads.ForEach(t => t.Join());
        Assert.Equal(Enumerable.Range(1, 8).Select(i => 500f * i), sums);
        Assert.Equal(live, CpuPool.LiveBlocks);
    }

    [Theory]
    [InlineData(0, 64)]
    [InlineData(1, 64)]
    [InlineData(64, 64)]
    [InlineData(65, 80)]
    [InlineData(1024, 1024)]
    [InlineData(1025, 1152)]
    [InlineData(1_000_000, 1_048_576)]
    public void SizeClassesWasteAnEighthAtMost(int length, int capacity)
    {
        Assert.Equal(capacity, Pool.SizeClass(length));
        Assert.True(length < 64 || capacity <= length * 1.25);
    }

    [Fact]
    public void PooledBlocksAreAlignedToACacheLine()
    {
        using var arena = new Arena();
        for (int n = 1; n < 200; n += 7)
        {
            unsafe
            {
                fixed (float* p = Tensor.Empty([n]).AsSpan()) { Assert.Equal(0, (nint)p % 64); }
            }
        }
    }

    [Fact]
    public void TrimLetsWaitingBlocksGo()
    {
        using (new Arena()) { Tensor.Zeros([5000]); }
        Assert.True(CpuPool.PooledBytes > 0);
        CpuPool.Trim();
        Assert.Equal(0, CpuPool.PooledBytes);
    }
}
