using DeepEdu.Memory;
using DeepEdu.Ops;
using DeepEdu.Tensors;
using ILGPU;

namespace DeepEdu.Gpu.Tests;

/// <summary>Tensors outside of arenas, which the garbage collector takes at any time: also between the moment when an operation has read the address of an operand and its launch.</summary>
public class ForgottenTensorsTests
{
    // all of it whole numbers below 2²⁴, so that nothing is rounded
    private static float Want(float v, int n) => ((v + 1) * 2) + ((v + 1) * 2 * n);

    // operands that nothing but the operation holds
    private static float[] Compute(Tensor x)
    {
        var y = (x + 1f) * 2f;
        return (y + ((y.Reshape(1, y.Size).Sum(1) + y.Reshape(y.Size, 1).Sum(0)) * 0.5f)).ToArray();
    }

    /// <summary>Before every launch the collector runs, and somebody else takes and writes what memory it has found. That bites where the code was optimised, after some rounds.</summary>
    [Fact]
    public void AnOperandIsHeldUntilItsLaunch()
    {
        using var device = TestDevice.New();
        const int N = 100;
        List<Tensor> others = [];
        bool on = false;
        device.Code = new Interrupted(device, () =>
        {
            if (!on) { return; }
            GC.Collect();
            GC.WaitForPendingFinalizers();
            for (long cached = -1; cached != device.CachedBytes && device.CachedBytes > 0;)
            {
                cached = device.CachedBytes;
                foreach (int n in (int[])[1, N]) { others.Add(Tensor.Of([n], [.. Enumerable.Repeat(-1f, n)], device)); }
            }
            others.Clear();
        });
        for (int i = 0; i < 150; i++)
        {
            on = i % 10 == 9;
            if (i is 60 or 100) { Thread.Sleep(200); } // the runtime optimises in the background
            Assert.All(Compute(Tensor.Full([N], i, device)), v => Assert.Equal(Want(i, N), v));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ThreadsKeepTheirValues(bool graphs)
    {
        using var device = TestDevice.New();
        device.Graphs = graphs && device.Kind == "cuda";
        device.MemoryLimit = 1 << 20;
        int working = 3;
        Exception? first = null;
        Thread[] threads = [.. Enumerable.Range(0, working).Select(t => new Thread(() =>
        {
            try { Work(device, t); }
            catch (Exception e) { Interlocked.CompareExchange(ref first, e, null); }
            finally { Interlocked.Decrement(ref working); }
        }))];
        foreach (var thread in threads) { thread.Start(); }
        for (int i = 0; Volatile.Read(ref working) > 0; i++)
        {
            GC.Collect(i % 3 == 0 ? 2 : 0);
            GC.WaitForPendingFinalizers();
            if (i % 5 == 0) { device.EmptyCache(); }
            Thread.Sleep(1);
        }
        foreach (var thread in threads) { thread.Join(); }
        Assert.Null(first);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        device.EmptyCache();
        Assert.Equal((0, 0, 0), (device.LiveBytes, device.CachedBytes, device.Pool.LiveBytes));
    }

    private static void Work(GpuDevice device, int thread)
    {
        Random random = new(thread);
        var kept = new (Tensor X, float V)[4];
        for (int i = 0; i < 120; i++)
        {
            int n = random.Next(1, 300);
            float v = (1000 * thread) + i;
            if (i % 3 == 0)
            {
                using var arena = new Arena();
                Check(Compute(Tensor.Full([n], v, device)), Want(v, n));
                kept[i % 4] = (Tensor.Full([n], v, device).Keep(), v);
            }
            else
            {
                Check(Compute(Tensor.Full([n], v, device)), Want(v, n));
                kept[i % 4] = (Tensor.Of([n], [.. Enumerable.Repeat(v, n)], device), v);
            }
            var (x, want) = kept[random.Next(4)];
            if (x is not null) { Check(x.ToArray(), want); }
        }
    }

    private static void Check(float[] got, float want) => Assert.All(got, v => Assert.Equal(want, v));

    private sealed class Interrupted(GpuDevice device, Action before) : GpuCode(device.Accelerator, device.Queue)
    {
        public override Launcher<K> Load<K>() => new Interrupting<K>(base.Load<K>(), before);
    }

    private sealed class Interrupting<K>(Launcher<K> launcher, Action before) : Launcher<K> where K : struct, IGpuKernel
    {
        public override void Run(KernelConfig how, in K kernel)
        {
            before();
            launcher.Run(how, kernel);
        }
    }
}
