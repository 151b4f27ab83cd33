using System.Diagnostics.CodeAnalysis;
using DeepEdu.Devices;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>A model ready to be called over and over with inputs of one shape, on the CPU. The forward pass is recorded once; a call then makes its computations again on the same memory:
/// no shape is checked, nothing is allocated, and weights are brought into the kernels' layouts only when they have changed.
/// <code>
/// var session = new InferenceSession(model, [1, 1, 28, 28]);
/// session.Run(pixels, scores);
/// </code>
/// <para>Any number of threads may call one session, and several sessions may share a model: each call in progress has memory of its own. Results are those of <c>Forward</c>, bit for bit, unless weights of fewer bits are asked for (<see cref="WeightPrecision"/>). Parameters must
/// not change during a call; after an optimiser's step or a load the next call uses the new values. Values written through a span that was taken before the last call are not noticed: take it anew.</para>
/// <para>The forward pass must do the same whatever the values are: one that takes values to the host is refused, and so is one whose recording gives another result than itself on random inputs.</para></summary>
public sealed class InferenceSession
{
    private readonly Func<InferenceInputs, Tensor[]> _forward;
    private readonly WeightPrecision _weights;
    private readonly Lock _gate = new();
    private InferencePlan[] _free = new InferencePlan[4];
    private int _count;

    /// <summary>A session of a layer that takes numbers.</summary>
    /// <param name="layer">The model.</param>
    /// <param name="input">The shape of its input.</param>
    /// <param name="weights">How many bits of each weight it computes with.</param>
    public InferenceSession(Layer layer, Shape input, WeightPrecision weights = WeightPrecision.Float32) : this(Of(layer, input), weights) { }

    /// <summary>A session of any function with one result.</summary>
    /// <param name="forward">Asks for its inputs, one after the other, and computes: <c>x => model.Forward(x.Indices([1]), x.Indices([1]))</c>.</param>
    /// <param name="weights">How many bits of each weight it computes with.</param>
    public InferenceSession(Func<InferenceInputs, Tensor> forward, WeightPrecision weights = WeightPrecision.Float32) : this(Of(forward), weights) { }

    /// <summary>A session of any function with several results.</summary>
    /// <param name="forward">Asks for its inputs, one after the other, and computes.</param>
    /// <param name="weights">How many bits of each weight it computes with.</param>
    /// <exception cref="InvalidOperationException">The computation depends on values and cannot be recorded.</exception>
    public InferenceSession(Func<InferenceInputs, Tensor[]> forward, WeightPrecision weights = WeightPrecision.Float32)
    {
        ArgumentNullException.ThrowIfNull(forward);
        if (!Enum.IsDefined(weights)) { throw new ArgumentOutOfRangeException(nameof(weights), weights, "inference-session: there is no such precision; take Float32 or Int8"); }
        (_forward, _weights) = (forward, weights);
        var plan = new InferencePlan(forward, weights);
        plan.Verify(forward);
        _free[_count++] = plan;
    }

    /// <summary>A session of a layer that takes tokens or other whole numbers.</summary>
    /// <param name="layer">The model.</param>
    /// <param name="input">The shape of its input.</param>
    /// <param name="weights">How many bits of each weight it computes with.</param>
    public static InferenceSession OfIndices(Layer layer, Shape input, WeightPrecision weights = WeightPrecision.Float32)
    {
        ArgumentNullException.ThrowIfNull(layer);
        return new(x => layer.Forward(x.Indices(input)), weights);
    }

    private static Func<InferenceInputs, Tensor[]> Of(Layer layer, Shape input)
    {
        ArgumentNullException.ThrowIfNull(layer);
        return x => [layer.Forward(x.Tensor(input))];
    }

    private static Func<InferenceInputs, Tensor[]> Of(Func<InferenceInputs, Tensor> forward)
    {
        ArgumentNullException.ThrowIfNull(forward);
        return x => [forward(x)];
    }

    /// <summary>Computes the one result of one input.</summary>
    /// <param name="input">As many values as the input has.</param>
    /// <param name="output">Room for the result.</param>
    /// <exception cref="ArgumentException">A length does not fit.</exception>
    public void Run(ReadOnlySpan<float> input, Span<float> output)
    {
        using var call = Begin();
        call.Set(0, input);
        call.Run();
        call.CopyTo(output);
    }

    /// <inheritdoc cref="Run(ReadOnlySpan{float}, Span{float})"/>
    /// <exception cref="ArgumentOutOfRangeException">An index is outside what the model looks it up in.</exception>
    public void Run(ReadOnlySpan<int> input, Span<float> output)
    {
        using var call = Begin();
        call.Set(0, input);
        call.Run();
        call.CopyTo(output);
    }

    /// <summary>A call with several inputs or results. Dispose it, so that its memory serves the next call.
    /// <code>
    /// using var call = session.Begin();
    /// call.Set(0, users);
    /// call.Set(1, items);
    /// call.Run();
    /// float score = call.Output(0)[0];
    /// </code></summary>
    public InferenceCall Begin()
    {
        InferencePlan? plan = null;
        lock (_gate)
        {
            if (_count > 0) { plan = _free[--_count]; }
        }
        plan ??= new InferencePlan(_forward, _weights);
        plan.Begin();
        return new(this, plan, plan.Ticket);
    }

    // a call that is disposed twice gives its plan back once: two callers would have it otherwise
    internal void Return(InferencePlan plan, int ticket)
    {
        lock (_gate)
        {
            if (plan.Ticket != ticket) { return; }
            plan.End();
            if (_count == _free.Length) { Array.Resize(ref _free, 2 * _count); }
            _free[_count++] = plan;
        }
    }
}

/// <summary>A call of an <see cref="InferenceSession"/>: inputs, computation, results.</summary>
public readonly ref struct InferenceCall
{
    private readonly InferenceSession _session;
    private readonly InferencePlan _plan;
    private readonly int _ticket;

    internal InferenceCall(InferenceSession session, InferencePlan plan, int ticket) => (_session, _plan, _ticket) = (session, plan, ticket);

    private InferencePlan Plan
    {
        get
        {
            if (_plan is null || _plan.Ticket != _ticket) { ThrowEnded(); }
            return _plan;
        }
    }

    /// <summary>Copies the values of an input.</summary>
    /// <param name="input">Which, in the order in which the forward pass asks.</param>
    /// <param name="values">As many as it has.</param>
    /// <exception cref="ArgumentException">Another number of values, or the input is one of indices.</exception>
    public void Set(int input, ReadOnlySpan<float> values) => Plan.Set(input, values);

    /// <inheritdoc cref="Set(int, ReadOnlySpan{float})"/>
    public void Set(int input, ReadOnlySpan<int> values) => Plan.Set(input, values);

    /// <summary>Computes.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An index is outside what the model looks it up in.</exception>
    /// <exception cref="InvalidOperationException">An input was not set in this call.</exception>
    public void Run() => Plan.Run();

    /// <summary>A result, good until the call is disposed.</summary>
    /// <exception cref="InvalidOperationException">The call has not run.</exception>
    /// <exception cref="ObjectDisposedException">The call was disposed.</exception>
    public ReadOnlySpan<float> Output(int output = 0) => Plan.Result(output);

    /// <summary>The shape of a result.</summary>
    public Shape OutputShape(int output = 0) => Plan.OutputShape(output);

    /// <summary>Ends the call. A second time nothing happens.</summary>
    public void Dispose() => _session?.Return(_plan, _ticket);

    internal void CopyTo(Span<float> output)
    {
        var result = Output(0);
        if (output.Length < result.Length) { ThrowRoom(OutputShape(0), output.Length); }
        result.CopyTo(output);
    }

    [DoesNotReturn]
    private static void ThrowRoom(Shape shape, int room) => throw new ArgumentException($"inference-session: room for {room} values for the result, {shape}, which has {shape.Size}");

    [DoesNotReturn]
    private static void ThrowEnded() => throw new ObjectDisposedException(nameof(InferenceCall), "inference-session: this call was disposed, or is not one that Begin() gave");
}

/// <summary>What a recorded forward pass asks for its inputs.</summary>
public sealed class InferenceInputs
{
    private readonly List<object> _all = [];

    internal InferenceInputs(IReadOnlyList<object>? values = null) => Given = values;

    internal IReadOnlyList<object>? Given { get; }

    internal IReadOnlyList<object> All => _all;

    /// <summary>The shape that an input, by its number, gets instead of the one that is asked for.</summary>
    internal Func<int, Shape, Shape>? Resize { get; init; }

    /// <summary>The next input: numbers.</summary>
    public Tensor Tensor(Shape shape)
    {
        if (Given is not null) { return (Tensor)Next(); }
        var x = Tensors.Tensor.Empty(Resize?.Invoke(_all.Count, shape) ?? shape);
        x.AsSpan().Clear();
        Recording.Current?.IsInput(x.View.Block);
        _all.Add(x);
        return x;
    }

    /// <summary>The next input: whole numbers.</summary>
    public Indices Indices(Shape shape)
    {
        if (Given is not null) { return (Indices)Next(); }
        shape = Resize?.Invoke(_all.Count, shape) ?? shape;
        var x = Tensors.Indices.Changing(new int[shape.Size], shape);
        _all.Add(x);
        return x;
    }

    private object Next()
    {
        _all.Add(Given![_all.Count]);
        return _all[^1];
    }
}
