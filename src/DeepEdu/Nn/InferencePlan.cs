using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Kernels;
using DeepEdu.Memory;
using DeepEdu.Numerics;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>A recorded forward pass with its own memory: what one call of an <see cref="InferenceSession"/> works on.</summary>
internal sealed class InferencePlan
{
    private readonly Recording _recording;
    private readonly Input[] _inputs;
    private readonly (View View, Shape Shape)[] _outputs;
    private readonly bool[] _given;
    private readonly WeightPrecision _weights;
    private bool _ran;

    /// <summary>Records a forward pass.</summary>
    /// <param name="forward">The pass.</param>
    /// <param name="weights">The bits of weights.</param>
    /// <param name="tellsLayers">Whether the layers of sequences run one by one.</param>
    /// <param name="resize">The shape that an input gets instead of the one that is asked for.</param>
    public InferencePlan(Func<InferenceInputs, Tensor[]> forward, WeightPrecision weights = WeightPrecision.Float32, bool tellsLayers = false, Func<int, Shape, Shape>? resize = null)
    {
        _weights = weights;
        _recording = new() { TellsLayers = tellsLayers };
        using var mode = new Tape(training: false);
        using var arena = new Arena();
        var inputs = new InferenceInputs { Resize = resize };
        var outputs = Recording.Try(() => _recording.Record(() => forward(inputs)));
        if (outputs is null || Array.Exists(outputs, y => y is null)) { throw new InvalidOperationException("inference-session: a result of the forward pass is null"); }
        _inputs = [.. inputs.All.Select(i => i is Tensor t ? new Input(t.Shape, t.View, null) : new Input(((Indices)i).Shape, default, ((Indices)i).Values))];
        _outputs = [.. outputs.Select(y => (y.View, y.Shape))];
        _given = new bool[_inputs.Length];
    }

    /// <summary>What is made again.</summary>
    public Recording Recording => _recording;

    /// <summary>Numbers, or else whole numbers, in the order in which they were asked for.</summary>
    public IReadOnlyList<(Shape Shape, View Floats, int[]? Numbers)> Inputs => [.. _inputs.Select(i => (i.Shape, i.Floats, i.Numbers))];

    /// <summary>The results.</summary>
    public IReadOnlyList<(View View, Shape Shape)> Outputs => _outputs;

    public void Set(int input, ReadOnlySpan<float> values)
    {
        CheckInput(input);
        var to = _inputs[input].Floats;
        if (to.IsNone) { ThrowKind(input, "whole numbers, not floats"); }
        if (values.Length != to.Length) { ThrowLength(input, values.Length); }
        values.CopyTo(CpuDevice.Of(to));
        _given[input] = true;
    }

    public void Set(int input, ReadOnlySpan<int> values)
    {
        CheckInput(input);
        if (_inputs[input].Numbers is not { } to) { ThrowKind(input, "floats, not whole numbers"); return; }
        if (values.Length != to.Length) { ThrowLength(input, values.Length); }
        values.CopyTo(to);
        _given[input] = true;
    }

    /// <summary>Which call the plan is lent to: a call that has ended must not touch the next one's numbers.</summary>
    public int Ticket { get; private set; }

    /// <summary>Forgets what was given and computed: the next call must not see this one's.</summary>
    public void Begin()
    {
        _given.AsSpan().Clear();
        _ran = false;
    }

    public void End() => Ticket++;

    public ReadOnlySpan<float> Result(int output)
    {
        CheckOutput(output);
        if (!_ran) { ThrowNotRun(); }
        return Output(output);
    }

    public Shape OutputShape(int output)
    {
        CheckOutput(output);
        return _outputs[output].Shape;
    }

    public void Run()
    {
        int missing = _given.AsSpan().IndexOf(false);
        if (missing >= 0) { ThrowMissing(missing); }
        _ran = false;
        Replay(_weights == WeightPrecision.Int8 ? Preparing.Rounded : Preparing.Once);
        _ran = true;
    }

    private ReadOnlySpan<float> Output(int output) => CpuDevice.Of(_outputs[output].View);

    private void Replay(Preparing mode)
    {
        var before = Prepared.Mode;
        Prepared.Mode = mode;
        try { _recording.Replay(); }
        finally { Prepared.Mode = before; }
    }

    private void CheckInput(int input)
    {
        if ((uint)input >= (uint)_inputs.Length) { throw new ArgumentOutOfRangeException(nameof(input), $"inference-session: there is no input {input}; the forward pass asks for {_inputs.Length}"); }
    }

    private void CheckOutput(int output)
    {
        if ((uint)output >= (uint)_outputs.Length) { throw new ArgumentOutOfRangeException(nameof(output), $"inference-session: there is no result {output}; the forward pass gives {_outputs.Length}"); }
    }

    /// <summary>Throws unless replaying random inputs gives what computing them gives.</summary>
    public void Verify(Func<InferenceInputs, Tensor[]> forward)
    {
        using var mode = new Tape(training: false);
        using var arena = new Arena();
        var rng = new Rng(1);
        var given = new List<object>();
        foreach (var (shape, floats, numbers) in _inputs)
        {
            if (numbers is null)
            {
                rng.FillUniform(CpuDevice.Of(floats), 0, 1);
                given.Add(Tensor.Of(shape, CpuDevice.Of(floats)));
                continue;
            }
            int limit = _recording.Calls.OfType<Indices.Check>().Where(c => c.Values == numbers).Select(c => c.Limit).DefaultIfEmpty(2).Min();
            foreach (ref int i in numbers.AsSpan()) { i = rng.Next(limit); }
            given.Add(Indices.Of(shape, numbers));
        }
        var expected = Recording.Try(() =>
        {
            Replay(_weights == WeightPrecision.Float32 ? Preparing.Once : Preparing.EachTime); // exact layouts that no call needs are not kept
            return forward(new InferenceInputs(given));
        });
        for (int i = 0; i < expected.Length; i++)
        {
            var values = CpuDevice.Of(expected[i].View);
            if (!MemoryMarshal.Cast<float, int>(values).SequenceEqual(MemoryMarshal.Cast<float, int>(Output(i)))) { ThrowOther(i); }
        }
    }

    [DoesNotReturn]
    private void ThrowLength(int input, int length) =>
        throw new ArgumentException($"inference-session: {length} values for input {input}, {_inputs[input].Shape}, which has {_inputs[input].Shape.Size}; a session serves one shape");

    [DoesNotReturn]
    private void ThrowMissing(int input) => throw new InvalidOperationException($"inference-session: input {input}, {_inputs[input].Shape}, was not given in this call; it has {_inputs.Length} inputs: Set each before Run");

    [DoesNotReturn]
    private static void ThrowNotRun() => throw new InvalidOperationException("inference-session: this call has not run, or its run failed: Run it before its results are read");

    [DoesNotReturn]
    private static void ThrowKind(int input, string what) => throw new ArgumentException($"inference-session: input {input} takes {what}");

    [DoesNotReturn]
    private static void ThrowOther(int output) => throw new InvalidOperationException(
        $"inference-session: result {output} of the recorded forward pass differs from the forward pass itself on random inputs. Does it draw random numbers, or keep a state? Call Forward instead");

    private readonly record struct Input(Shape Shape, View Floats, int[]? Numbers);
}
