using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using DeepEdu.Devices;
using DeepEdu.Kernels;
using DeepEdu.Numerics;

namespace DeepEdu.Benchmarks.Runner;

/// <summary>One library of <see cref="GemmTable"/>, in a process of its own, which is asked for one block of products after the other.</summary>
internal sealed unsafe partial class GemmSide : IDisposable
{
    /// <summary>The command that <see cref="Serve"/> is.</summary>
    public const string Command = "gemm-side";

    private const double Seconds = 0.003; // of a block
    private const int Rest = 10; // milliseconds, in which the process that went before goes to sleep

    private static readonly List<float[]> s_kept = [];

    private readonly Process _process;

    public GemmSide(string library, int threads)
    {
        string[] before = Path.GetFileNameWithoutExtension(Environment.ProcessPath!) == "dotnet" ? [Environment.GetCommandLineArgs()[0]] : [];
        var start = new ProcessStartInfo(Environment.ProcessPath!, [.. before, Command, library, $"{threads}"]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        // OpenBLAS reads this when the process starts; on processors it does not know it would choose narrower kernels
        start.Environment[Compare.CoreType.Name] = Compare.CoreType.Value;
        start.Environment.Remove("OPENBLAS_L2_SIZE");
        _process = Process.Start(start) ?? throw new InvalidOperationException($"gemm: the process of {library} did not start");
        Kernels = Answer();
    }

    /// <summary>The library's name for the kernels it has chosen.</summary>
    public string Kernels { get; }

    /// <summary>Seconds that one product takes, over a block of them.</summary>
    public double Block(GemmProduct product)
    {
        Thread.Sleep(Rest);
        _process.StandardInput.WriteLine(product);
        return double.Parse(Answer(), CultureInfo.InvariantCulture);
    }

    public void Dispose()
    {
        _process.StandardInput.Close();
        _process.WaitForExit();
        _process.Dispose();
    }

    private string Answer() => _process.StandardOutput.ReadLine() ?? throw new InvalidOperationException("gemm: a library's process ended; what it wrote stands above");

    /// <summary>The other end: a product a line comes in, seconds go out.</summary>
    public static int Serve(string library, int threads)
    {
        DeepEduOptions.MaxThreads = library == "deepedu" ? threads : 1;
        if (library == "openblas") { BlasThreads(threads); }
        if (library == "onednn") { OmpThreads(threads); }
        Console.WriteLine(library == "openblas" ? Marshal.PtrToStringUTF8(BlasCore()) : library);
        GemmProduct current = default;
        Action? call = null;
        // on one thread its processor time, which other processes disturb less
        Func<double> clock = threads == 1 ? ThreadTime : Meter.Now;
        while (Console.ReadLine() is { } line)
        {
            var product = GemmProduct.Parse(line);
            if (call is null || product != current)
            {
                (current, call) = (product, Prepare(library, product));
                WarmUp.Run(_ => call(), most: 1);
            }
            for (double warm = Meter.Now(); Meter.Now() - warm < Seconds;) { call(); }
            double start = Meter.Now(), from = clock();
            int calls = 0;
            do
            {
                call();
                calls++;
            }
            while (Meter.Now() - start < Seconds);
            Console.WriteLine(((clock() - from) / calls).ToString("R", CultureInfo.InvariantCulture));
        }
        return 0;
    }

    // the call, after its result has been held against ours
    private static Action Prepare(string library, GemmProduct p)
    {
        s_kept.Clear();
        var (ta, tb, m, n, k) = p;
        int lda = ta ? m : k, ldb = tb ? k : n;
        nint a = Values((long)m * k, 1), b = Values((long)k * n, 2), c = Values((long)m * n, 3);
        Action ours = () => Gemm.Run(ta, tb, m, n, k, (float*)a, lda, (float*)b, ldb, (float*)c, n);
        if (library == "deepedu") { return ours; }
        Action theirs = library == "openblas"
            ? () => BlasGemm(101, ta ? 112 : 111, tb ? 112 : 111, m, n, k, 1, (float*)a, lda, (float*)b, ldb, 0, (float*)c, n)
            : () => _ = DnnGemm((byte)(ta ? 'T' : 'N'), (byte)(tb ? 'T' : 'N'), m, n, k, 1, (float*)a, lda, (float*)b, ldb, 0, (float*)c, n);
        ours();
        float[] expected = new Span<float>((float*)c, m * n).ToArray();
        theirs();
        for (int i = 0; i < expected.Length; i++)
        {
            float got = ((float*)c)[i];
            if (Math.Abs(expected[i] - got) > 1e-3) { throw new InvalidOperationException($"gemm: {p} differs from {library}'s at {i}: {expected[i]} and {got}"); }
        }
        return theirs;
    }

    // where a cache line begins, as tensors of DeepEdu and of PyTorch do; a pinned array that somebody refers to stays where it is
    private static nint Values(long length, ulong seed)
    {
        float[] values = GC.AllocateUninitializedArray<float>((int)length + 16, pinned: true);
        new Rng(seed).FillUniform(values, -1, 1);
        s_kept.Add(values);
        return (Marshal.UnsafeAddrOfPinnedArrayElement(values, 0) + 63) & ~63;
    }

    // seconds that this thread has run
    private static double ThreadTime()
    {
        const int ThreadCpuTime = 3;
        long* t = stackalloc long[2];
        _ = ClockGetTime(ThreadCpuTime, t);
        return t[0] + (t[1] * 1e-9);
    }

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
}
