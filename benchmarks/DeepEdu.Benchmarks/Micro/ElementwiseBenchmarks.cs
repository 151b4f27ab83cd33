using BenchmarkDotNet.Attributes;
using DeepEdu.Devices;
using DeepEdu.Memory;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Benchmarks.Micro;

/// <summary>Value by value operations and row reductions through the public words, on one thread. The baseline is a copy: the ratio is the time in copies.</summary>
public class ElementwiseBenchmarks
{
    private Tensor _x = Tensor.Zeros([1]), _z = Tensor.Zeros([1]);

    [Params(1 << 10, 1 << 16, 1 << 20, 1 << 24)]
    public int Length { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        DeepEduOptions.MaxThreads = 1;
        var rng = new Rng(1);
        (_x, _z) = (Tensor.Uniform([Length], rng, -3, 3), Tensor.Uniform([Length], rng));
    }

    [Benchmark(Baseline = true)]
    public void Copy() => Do(() => { var y = Tensor.Empty(_x.Shape); y.Device.Copy(_x.View, y.View); });

    [Benchmark]
    public void Mul() => Do(() => _ = _x * _z);

    [Benchmark]
    public void Exp() => Do(() => _x.Exp());

    [Benchmark]
    public void Log() => Do(() => _z.Log());

    [Benchmark]
    public void Tanh() => Do(() => _x.Tanh());

    [Benchmark]
    public void Sigmoid() => Do(() => _x.Sigmoid());

    [Benchmark]
    public void Gelu() => Do(() => _x.Gelu());

    [Benchmark]
    public void Softmax() => Do(() => _x.Softmax(-1));

    [Benchmark]
    public void Sum() => Do(() => _x.Sum());

    private static void Do(Action work)
    {
        using var arena = new Arena();
        work();
    }
}
