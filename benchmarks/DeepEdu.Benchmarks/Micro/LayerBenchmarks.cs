using BenchmarkDotNet.Attributes;
using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Benchmarks.Micro;

/// <summary>Forward and backward of single layers at the sizes of the workloads, and an optimiser's step, on one thread.</summary>
[MemoryDiagnoser]
public class LayerBenchmarks
{
    private readonly Rng _rng = new(1);
    private Dense _dense = null!;
    private Conv2d _conv = null!;
    private Lstm _lstm = null!;
    private LayerNorm _norm = null!;
    private Embedding _embedding = null!;
    private Adam _adam = null!;
    private Tensor _rows = null!, _images = null!, _sequences = null!;
    private Indices _words = null!;

    [GlobalSetup]
    public void Setup()
    {
        DeepEduOptions.MaxThreads = 1;
        _dense = new Dense(512, 256, _rng);
        _conv = new Conv2d(32, 64, 3, _rng);
        _lstm = new Lstm(128, 64, _rng);
        _norm = new LayerNorm(512);
        _embedding = new Embedding(4000, 128, _rng);
        _adam = new Adam(_embedding.Parameters(), new());
        _rows = Tensor.Normal([128, 512], _rng);
        _images = Tensor.Normal([32, 32, 13, 13], _rng);
        _sequences = Tensor.Normal([32, 50, 128], _rng);
        _words = Indices.Wrap([.. Enumerable.Range(0, 6400).Select(i => i * 7 % 4000)], [32, 200]);
    }

    [Benchmark]
    public void Dense() => Step(() => _dense.Forward(_rows));

    [Benchmark]
    public void Conv2d() => Step(() => _conv.Forward(_images));

    [Benchmark]
    public void Lstm() => Step(() => _lstm.Forward(_sequences));

    [Benchmark]
    public void LayerNorm() => Step(() => _norm.Forward(_rows));

    [Benchmark]
    public void Embedding() => Step(() => _embedding.Forward(_words));

    [Benchmark]
    public void AdamOnEmbedding()
    {
        using var tape = new Tape();
        _adam.Step(tape.Gradients(_embedding.Forward(_words).Sum()));
    }

    private static void Step(Func<Tensor> forward)
    {
        using var tape = new Tape();
        tape.Gradients(forward().Sum());
    }
}
