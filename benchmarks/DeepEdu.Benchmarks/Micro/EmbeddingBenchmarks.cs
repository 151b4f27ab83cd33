using BenchmarkDotNet.Attributes;
using DeepEdu.Autograd;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Benchmarks.Micro;

/// <summary>One training step of an embedding of 32 numbers, 256 positions a batch, over tables of 10² to 10⁶ rows: with rows alone the time must not grow with the table.</summary>
public class EmbeddingBenchmarks
{
    private Embedding _table = null!;
    private Adam _adam = null!;
    private Indices _index = null!;
    private Tensor _gradient = null!;

    [Params(100, 10_000, 1_000_000)]
    public int Rows { get; set; }

    [Params(true, false)]
    public bool Sparse { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        var rng = new Rng(1);
        _table = new Embedding(Rows, 32, rng, init: Init.Zeros(), sparse: Sparse);
        _adam = new Adam(_table.Parameters());
        _index = Indices.Wrap([.. Enumerable.Range(0, 256).Select(_ => rng.Next(Rows))], [256]);
        _gradient = Tensor.Normal([256, 32], rng);
    }

    [Benchmark]
    public void Step()
    {
        using var tape = new Tape();
        _adam.Step(tape.Gradients(_table.Forward(_index), _gradient));
    }
}
