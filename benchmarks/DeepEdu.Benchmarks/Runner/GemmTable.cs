using System.Diagnostics;
using System.Runtime.InteropServices;
using DeepEdu.Devices;
using DeepEdu.Kernels;
using DeepEdu.Numerics;

namespace DeepEdu.Benchmarks.Runner;

/// <summary>Matrix products of squares and of the layers of real models beside OpenBLAS and oneDNN, called in this process. Each runs in blocks of some milliseconds, in turn, after a pause in which the
/// others' spinning threads go to rest; of each the fastest fifth of the blocks counts. On one thread, its processor time is taken, which other processes disturb less.</summary>
internal static unsafe partial class GemmTable
{
    private const double Block = 0.003;

    // milliseconds after which the threads of OpenMP no longer spin on a core that another library needs
    private const int Rest = 20;

    private static readonly (int Batch, int Inputs, int Outputs)[] s_layers =
        [(32, 128, 256), (32, 64, 1), (32, 300, 1200), (64, 256, 1024), (128, 784, 512), (256, 64, 32), (256, 1024, 1024), (32, 1600, 128), (2048, 128, 512)];

    public static int Run(int[] threads, double seconds, string filter)
    {
        // OpenBLAS reads this when the process starts; on processors it does not know it would choose narrower kernels
        if (Environment.GetEnvironmentVariable(Compare.CoreType.Name) != Compare.CoreType.Value) { return Again(); }
        Console.WriteLine($"OpenBLAS kernels: {Marshal.PtrToStringUTF8(BlasCore())}\n");
        Console.WriteLine("| product | m × n × k | threads | GFLOP/s | µs | OpenBLAS | oneDNN | / OpenBLAS | / oneDNN | / better |");
        Console.WriteLine("|---|---|---|---|---|---|---|---|---|---|");
        foreach (int t in threads)
        {
            DeepEduOptions.MaxThreads = t;
            BlasThreads(t);
            OmpThreads(t);
            List<(double Blas, double Dnn, string Row)> rows = [];
            foreach (var s in Shapes().Where(s => s.ToString().Contains(filter, StringComparison.Ordinal)))
            {
                rows.Add(Row(s, t, seconds));
                Console.WriteLine(rows[^1].Row);
            }
            if (rows.Count == 0) { throw new ArgumentException($"gemm: no product matches '{filter}'"); }
            Console.WriteLine($"| geometric mean | {rows.Count} shapes | {t} | | | | | **{Mean(rows.Select(r => r.Blas)):f2}** | **{Mean(rows.Select(r => r.Dnn)):f2}** | worst {rows.Max(r => Math.Max(r.Blas, r.Dnn)):f2} |");
        }
        return 0;
    }

    private static int Again()
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!, Environment.GetCommandLineArgs().Skip(Path.GetFileNameWithoutExtension(Environment.ProcessPath!) == "dotnet" ? 0 : 1));
        start.Environment[Compare.CoreType.Name] = Compare.CoreType.Value;
        using var process = Process.Start(start)!;
        process.WaitForExit();
        return process.ExitCode;
    }

    private static IEnumerable<Product> Shapes()
    {
        foreach (int n in (int[])[64, 128, 256, 512, 1024, 2048]) { yield return new(false, false, n, n, n); }
        foreach (var (b, i, o) in s_layers)
        {
            yield return new(false, false, b, o, i);
            yield return new(false, true, b, o, i);
            yield return new(true, false, i, o, b);
            yield return new(false, true, b, i, o);
        }
    }

    private static (double Blas, double Dnn, string Row) Row(Product p, int threads, double seconds)
    {
        var (ta, tb, m, n, k) = p;
        int lda = ta ? m : k, ldb = tb ? k : n;
        float[] va = Values((long)m * k, 1), vb = Values((long)k * n, 2), vc = Values((long)m * n, 3), vd = Values((long)m * n, 4);
        fixed (float* fa = va, fb = vb, fc = vc, fd = vd)
        {
            nint a = Aligned(fa), b = Aligned(fb), c = Aligned(fc), d = Aligned(fd);
            Action[] all =
            [
                () => Gemm.Run(ta, tb, m, n, k, (float*)a, lda, (float*)b, ldb, (float*)c, n),
                () => BlasGemm(101, ta ? 112 : 111, tb ? 112 : 111, m, n, k, 1, (float*)a, lda, (float*)b, ldb, 0, (float*)d, n),
                () => _ = DnnGemm((byte)(ta ? 'T' : 'N'), (byte)(tb ? 'T' : 'N'), m, n, k, 1, (float*)a, lda, (float*)b, ldb, 0, (float*)d, n),
            ];
            foreach (var f in all) { f(); }
            for (int i = 0; i < m * n; i++)
            {
                float ours = ((float*)c)[i], theirs = ((float*)d)[i];
                if (Math.Abs(ours - theirs) > 1e-3) { throw new InvalidOperationException($"gemm: {p} differs from oneDNN at {i}: {ours} and {theirs}"); }
            }
            double[] t = Times(all, seconds, threads == 1 ? ThreadTime : Meter.Now, threads == 1 ? 1 : Rest);
            double flops = 2.0 * m * n * k, better = Math.Max(t[0] / t[1], t[0] / t[2]);
            return (t[0] / t[1], t[0] / t[2], $"| {(ta ? 'T' : 'N')}{(tb ? 'T' : 'N')} | {m} × {n} × {k} | {threads} | {flops / t[0] / 1e9:f1} | {t[0] * 1e6:f1} | {flops / t[1] / 1e9:f1} | {flops / t[2] / 1e9:f1} | "
                + $"{t[0] / t[1]:f2} | {t[0] / t[2]:f2} | {better:f2}{(better > 1.25 ? " !" : "")} |");
        }
    }

    /// <summary>Seconds a call of each, the fastest fifth of blocks run in turn.</summary>
    internal static double[] Times(Action[] all, double seconds, Func<double>? clock = null, int rest = 1)
    {
        clock ??= Meter.Now;
        List<double>[] blocks = [.. all.Select(_ => new List<double>())];
        double end = Meter.Now() + seconds;
        while (Meter.Now() < end || blocks[0].Count < 5)
        {
            for (int i = 0; i < all.Length; i++)
            {
                Thread.Sleep(rest);
                double warm = Meter.Now();
                do { all[i](); } while (Meter.Now() - warm < Block * (rest > 1 ? 1 : 0.1));
                double start = Meter.Now(), from = clock();
                int calls = 0;
                do
                {
                    all[i]();
                    calls++;
                }
                while (Meter.Now() - start < Block);
                blocks[i].Add((clock() - from) / calls);
            }
        }
        return [.. blocks.Select(b =>
        {
            double[] sorted = [.. b.Order()];
            return Meter.Percentile(sorted, .2);
        })];
    }

    // seconds that this thread has run
    private static double ThreadTime()
    {
        const int ThreadCpuTime = 3;
        long* t = stackalloc long[2];
        _ = ClockGetTime(ThreadCpuTime, t);
        return t[0] + (t[1] * 1e-9);
    }

    private static float[] Values(long length, ulong seed)
    {
        float[] values = GC.AllocateUninitializedArray<float>((int)length + 16, pinned: true);
        new Rng(seed).FillUniform(values, -1, 1);
        return values;
    }

    // where a cache line begins, as tensors of DeepEdu and of PyTorch do
    private static nint Aligned(float* memory) => ((nint)memory + 63) & ~63;

    private static double Mean(IEnumerable<double> ratios) => Math.Exp(ratios.Average(Math.Log));

    [LibraryImport("libopenblas.so.0", EntryPoint = "cblas_sgemm")]
    private static partial void BlasGemm(int order, int ta, int tb, int m, int n, int k, float alpha, float* a, int lda, float* b, int ldb, float beta, float* c, int ldc);

    [LibraryImport("libopenblas.so.0", EntryPoint = "openblas_set_num_threads")]
    private static partial void BlasThreads(int n);

    [LibraryImport("libopenblas.so.0", EntryPoint = "openblas_get_corename")]
    private static partial nint BlasCore();

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static partial int ClockGetTime(int clock, long* time);

    [LibraryImport("libgomp.so.1", EntryPoint = "omp_set_num_threads")]
    private static partial void OmpThreads(int n);

    [LibraryImport("libdnnl.so.2", EntryPoint = "dnnl_sgemm")]
    private static partial int DnnGemm(byte ta, byte tb, long m, long n, long k, float alpha, float* a, long lda, float* b, long ldb, float beta, float* c, long ldc);

    private readonly record struct Product(bool TransA, bool TransB, int M, int N, int K)
    {
        public override string ToString() => $"{(TransA ? 'T' : 'N')}{(TransB ? 'T' : 'N')} {M} {N} {K}";
    }
}
