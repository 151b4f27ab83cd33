using DeepEdu.Memory;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Gpu.Tests;

/// <summary>Tensors outside of arenas, whose memory goes to whoever asks next when the garbage collector has found them: threads share a device, forget most of what they make, the collector runs all
/// the time, the cache is emptied, and memory is short. Everything must keep its values to its last use.</summary>
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
            GC.Collect(i % 50 == 0 ? 2 : 0);
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
        for (int i = 0; i < 60; i++)
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
}
