using BenchmarkDotNet.Attributes;
using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Benchmarks.Micro;

/// <summary>Forward and backward of recurrent layers on one thread: whole batches against padded ones with lengths or a mask, and one step of a stream.</summary>
[MemoryDiagnoser]
public class RecurrentBenchmarks
{
    private const int Batch = 32, Steps = 100, Inputs = 128, Hidden = 64;
    private readonly float[] _input = new float[Inputs], _output = new float[Hidden];
    private readonly Indices _short = Indices.Wrap([.. Enumerable.Range(0, Batch).Select(r => r == 0 ? Steps - 1 : Steps)], [Batch]);
    private readonly Indices _ragged = Indices.Wrap([.. Enumerable.Range(0, Batch).Select(r => 1 + (r * (Steps - 1) / (Batch - 1)))], [Batch]);
    private Lstm _lstm = null!;
    private Gru _gru = null!;
    private SimpleRnn _rnn = null!;
    private LstmStream _lstmStream = null!;
    private GruStream _gruStream = null!;
    private Tensor _x = null!, _mask = null!;

    [GlobalSetup]
    public void Setup()
    {
        DeepEduOptions.MaxThreads = 1;
        var rng = new Rng(1);
        (_lstm, _gru, _rnn) = (new(Inputs, Hidden, rng), new(Inputs, Hidden, rng), new(Inputs, Hidden, rng));
        (_lstmStream, _gruStream) = (new(_lstm), new(_gru));
        (_x, _mask) = (Tensor.Normal([Batch, Steps, Inputs], rng), Tensor.Ones([Batch, Steps]));
        _mask.AsSpan()[Steps - 1] = 0;
    }

    [Benchmark(Baseline = true)]
    public void Lstm() => Step(() => _lstm.Forward(_x));

    [Benchmark]
    public void LstmOneStepMasked() => Step(() => _lstm.Run(_x, mask: _mask).Output);

    [Benchmark]
    public void LstmOneStepShort() => Step(() => _lstm.Run(_x, lengths: _short).Output);

    [Benchmark]
    public void LstmRagged() => Step(() => _lstm.Run(_x, lengths: _ragged).Output);

    [Benchmark]
    public void Gru() => Step(() => _gru.Forward(_x));

    [Benchmark]
    public void SimpleRnn() => Step(() => _rnn.Forward(_x));

    [Benchmark]
    public void LstmStreamStep() => _lstmStream.Step(_input, _output);

    [Benchmark]
    public void GruStreamStep() => _gruStream.Step(_input, _output);

    private static void Step(Func<Tensor> forward)
    {
        using var tape = new Tape();
        tape.Gradients(forward().Sum());
    }
}
