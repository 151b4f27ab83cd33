using BenchmarkDotNet.Attributes;
using DeepEdu.Devices;
using DeepEdu.Kernels;

namespace DeepEdu.Benchmarks.Micro;

/// <summary>Matrix products of squares and of real layers, on one thread. The baseline does as many operations in registers: 1 / ratio is the fraction of the peak.</summary>
public unsafe class GemmBenchmarks
{
    private float[] _a = [], _b = [], _c = [];
    private (bool TransA, bool TransB, int M, int N, int K) _size;

    [Params("NN 64 64 64", "NN 256 256 256", "NN 512 512 512", "NN 1024 1024 1024", "NN 2048 2048 2048",
        "NT 32 128 3136", "NT 128 512 784", "NN 128 784 512", "TN 512 784 128", "NT 256 32 64", "TN 32 64 256", "NT 32 1 64", "NT 1 128 1600", "TN 1200 300 8000")]
    public string Shape { get; set; } = "";

    [GlobalSetup]
    public void Setup()
    {
        DeepEduOptions.MaxThreads = 1;
        string[] p = Shape.Split(' ');
        _size = (p[0][0] == 'T', p[0][1] == 'T', int.Parse(p[1]), int.Parse(p[2]), int.Parse(p[3]));
        var (_, _, m, n, k) = _size;
        (_a, _b, _c) = (new float[m * k], new float[k * n], new float[m * n]);
        _a.AsSpan().Fill(0.5f);
        _b.AsSpan().Fill(0.25f);
    }

    [Benchmark(Baseline = true)]
    public float FmaPeak() => Peak.Fma(2.0 * _size.M * _size.N * _size.K);

    [Benchmark]
    public void Product()
    {
        var (ta, tb, m, n, k) = _size;
        fixed (float* a = _a, b = _b, c = _c) { Gemm.Run(ta, tb, m, n, k, a, ta ? m : k, b, tb ? k : n, c, n); }
    }
}
