using System.Diagnostics.CodeAnalysis;
using DeepEdu.Devices;
using DeepEdu.Memory;
using DeepEdu.Tensors;

namespace DeepEdu.Autograd;

/// <summary>One way back: how the gradient of an operation's output becomes the gradient of one of its inputs.</summary>
/// <param name="Input">The input.</param>
/// <param name="Pull">From dL/d(output) to dL/d(input), which has the input's shape. It may return its argument, but must not change it. What it makes and does not return goes back to
/// the pool when the operation's ways have been gone, as does its argument; <c>Keep()</c> lets one out.</param>
public readonly record struct Edge(Tensor Input, Func<Tensor, Tensor> Pull)
{
    /// <summary>If the input is a table of which few rows were used: the gradient of those rows alone. Taken instead of <see cref="Pull"/> where the table is a leaf, through which nothing
    /// flows on.</summary>
    public Func<Tensor, RowGradient>? PullRows { get; init; }

    /// <summary>Whether <see cref="Pull"/> computes with recorded operations alone, on its argument and on tensors that the tape knows, so that what it gives can be differentiated again
    /// (<see cref="Tape.RecordedGradients(Tensor, ReadOnlySpan{Tensor})"/>).</summary>
    public bool IsRecordable { get; init; }

    /// <summary>An edge from a pair.</summary>
    public static implicit operator Edge((Tensor Input, Func<Tensor, Tensor> Pull) e) => new(e.Input, e.Pull);
}

/// <summary>The way back of an operation whose gradients are computed together, or that has several outputs.</summary>
/// <param name="dOutputs">dL/d(output) for each output; null where no gradient arrived.</param>
/// <param name="dInputs">To be filled with dL/d(input) for each input; what stays null is no gradient.</param>
public delegate void Pullback(ReadOnlySpan<Tensor?> dOutputs, Span<Tensor?> dInputs);

/// <summary>Remembers each operation as it runs; played backwards it is reverse-mode differentiation (Wengert 1964; Linnainmaa 1970).
/// It is also the arena of everything computed while it is open, so that one training step's tensors go back to the pool together.
/// <code>
/// using var tape = new Tape();
/// var loss = model.Forward(x).CrossEntropy(labels);
/// optimizer.Step(tape.Gradients(loss));
/// </code>
/// One tape a thread at a time; no <c>await</c> while it is open. A plain <see cref="Arena"/> opened inside a tape records nothing.</summary>
public sealed partial class Tape : Arena
{
    [ThreadStatic] private static List<Step>? t_spare;
    private static long s_tapes;
    private readonly long _number = Interlocked.Increment(ref s_tapes); // parameters remember it, and so keep no closed tape
    private readonly List<Step> _steps;
    private List<Tensor>? _watched;
    private Device? _rewound; // where gradients were made
    private Gradients? _rewinding;
    private bool _closed;

    /// <summary>Starts recording.</summary>
    /// <param name="training">What layers that act differently while learning (dropout, batch normalisation) shall do: true, as if learning; false, as in use.</param>
    public Tape(bool training = true) : this(training, false) { }

    internal Tape(bool training, bool replays)
    {
        (_steps, t_spare) = (t_spare ?? [], null);
        (Training, Replays) = (training, replays);
    }

    /// <summary>Whether layers behave as while learning.</summary>
    public bool Training { get; }

    /// <summary>Whether what runs has run before, so that its side effects (running statistics) are done.</summary>
    internal bool Replays { get; private set; }

    /// <summary>How many operations are remembered.</summary>
    public int Count => _closed ? 0 : _steps.Count;

    /// <summary>Whether a tape is open on this thread whose <see cref="Training"/> is true.</summary>
    public static bool IsTraining => Innermost is { Training: true };

    /// <summary>Whether the innermost tape of this thread runs a checkpointed part again.</summary>
    internal static bool IsReplaying => Innermost is { Replays: true };

    /// <summary>The tape that remembers what runs now.</summary>
    internal static Tape? Recording => Current is Tape { _rewinding: null } tape ? tape : null;

    private static Tape? Innermost
    {
        get
        {
            for (var arena = Current; arena is not null; arena = arena.Outer)
            {
                if (arena is Tape tape) { return tape; }
            }
            return null;
        }
    }

    /// <summary>The recording tape if a gradient is wanted for any of the inputs; else null, and nothing need be remembered.</summary>
    public static Tape? For(params ReadOnlySpan<Tensor> inputs)
    {
        if (Recording is not { } tape) { return null; }
        foreach (var t in inputs)
        {
            if (tape.Wants(t)) { return tape; }
        }
        return null;
    }

    /// <summary>Whether this tape computes a gradient for <paramref name="tensor"/>: it is a leaf, or this tape recorded how it was made.</summary>
    public bool Wants(Tensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        return tensor.IsLeaf || ReferenceEquals(tensor.Recorder, this);
    }

    /// <summary>Asks for the gradient of a tensor that is not a parameter, such as an input, or of a frozen parameter. When the tape closes the tensor is as before.</summary>
    /// <returns>The same tensor.</returns>
    public Tensor Watch(Tensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        if (_closed) { ThrowClosed(); }
        tensor.Watched(1);
        (_watched ??= []).Add(tensor);
        return tensor;
    }

    /// <summary>Remembers an operation: its output, and a way back to each input. Ways to inputs that want no gradient are dropped.</summary>
    public void Add(Tensor output, params ReadOnlySpan<Edge> edges)
    {
        ArgumentNullException.ThrowIfNull(output);
        int wanted = 0;
        foreach (ref readonly var e in edges) { if (Wants(e.Input)) { wanted++; } }
        if (wanted == 0) { return; }
        var kept = new Edge[wanted];
        int i = 0;
        foreach (ref readonly var e in edges)
        {
            if (!Wants(e.Input)) { continue; }
            Use(e.Input);
            kept[i++] = e;
        }
        Mark(output);
        _steps.Add(new Step(output, kept, null));
    }

    /// <summary>The same for ways that are all recordable (<see cref="Edge.IsRecordable"/>): made of recorded operations alone.</summary>
    public void AddRecordable(Tensor output, params ReadOnlySpan<Edge> edges)
    {
        int before = _steps.Count;
        Add(output, edges);
        if (_steps.Count == before) { return; }
        foreach (ref var e in _steps[before].Edges.AsSpan()) { e = e with { IsRecordable = true }; }
    }

    /// <summary>Remembers an operation whose gradients are computed together. <see cref="Wants"/> tells the pullback which inputs matter.</summary>
    public void Add(ReadOnlySpan<Tensor> outputs, ReadOnlySpan<Tensor> inputs, Pullback pull)
    {
        ArgumentNullException.ThrowIfNull(pull);
        Add(outputs, inputs, null, pull, false);
    }

    /// <summary>The same for a pullback that is recordable (<see cref="Edge.IsRecordable"/>): made of recorded operations alone, at least while they are recorded.</summary>
    public void AddRecordable(ReadOnlySpan<Tensor> outputs, ReadOnlySpan<Tensor> inputs, Pullback pull)
    {
        ArgumentNullException.ThrowIfNull(pull);
        Add(outputs, inputs, null, pull, true);
    }

    /// <summary>The same; the gradient of the one output is multiplied by <paramref name="slope"/> before the pullback gets it, but not where the pullback is recorded.</summary>
    internal void AddRecordable(ReadOnlySpan<Tensor> outputs, ReadOnlySpan<Tensor> inputs, Tensor? slope, Pullback pull) => Add(outputs, inputs, slope, pull, true);

    private void Add(ReadOnlySpan<Tensor> outputs, ReadOnlySpan<Tensor> inputs, Tensor? slope, Pullback pull, bool recordable)
    {
        foreach (var input in inputs) { Use(input); }
        var joint = new Joint(outputs.ToArray(), inputs.ToArray(), slope, pull, recordable);
        foreach (var output in outputs) { Mark(output); }
        _steps.Add(new Step(outputs[0], null, joint));
    }

    /// <summary>For a pullback that is about to make the gradient of <paramref name="made"/>, if nothing else contributes to it: what that will be multiplied by next. Whoever takes it multiplies
    /// by it at once, while the gradient is in the cache.</summary>
    internal Tensor? TakeSlope(Tensor made)
    {
        if (made.IsLeaf || !ReferenceEquals(made.Recorder, this) || _steps[made.Node].Joint is not { Slope: { } slope, Uses: 1 } joint) { return null; }
        joint.Multiplied = _rewinding;
        return slope;
    }

    /// <summary>For a pullback that is about to make the gradient of <paramref name="made"/>: what other operations have contributed to it so far. Whoever takes it adds it to its own.</summary>
    internal Tensor? TakeGradient(Tensor made) => made.IsLeaf || !ReferenceEquals(made.Recorder, this) || !IsFirstOutput(made) ? null : _rewinding!.Take(made);

    private void Use(Tensor input)
    {
        if (ReferenceEquals(input.Recorder, this) && _steps[input.Node].Joint is { Slope: not null } joint) { joint.Uses++; }
    }

    /// <summary>The gradients of a loss with respect to every leaf it depends on. They live as long as the tape; <c>Keep()</c> lets one out. Gradients of other tensors go back to the pool
    /// as soon as they have been passed on; the tensors themselves stay, so that they can be read after this, and rewound again.</summary>
    /// <param name="loss">One value, made while this tape was open.</param>
    /// <exception cref="ShapeException">The loss is not one value.</exception>
    /// <exception cref="InvalidOperationException">The loss does not depend on any leaf, or was not recorded here; or an optimiser has stepped a parameter since the loss used it.</exception>
    public Gradients Gradients(Tensor loss)
    {
        ArgumentNullException.ThrowIfNull(loss);
        if (loss.Size != 1) { throw new ShapeException("gradients", $"the loss must be one value, not {loss.Shape}; take its Mean or Sum, or give the gradient to start from", loss.Shape); }
        return Gradients(loss, Tensor.Ones(loss.Shape, loss.Device));
    }

    /// <summary>The gradients of Σ <paramref name="output"/> ⊙ <paramref name="seed"/>: reverse mode from any tensor. PyTorch's <c>backward(gradient)</c>.</summary>
    /// <param name="output">Any tensor made while this tape was open.</param>
    /// <param name="seed">dL/d(output), of the same shape.</param>
    public Gradients Gradients(Tensor output, Tensor seed)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(seed);
        CheckStart(output, seed);
        return Gradients([output], [seed]);
    }

    /// <summary>The gradients of Σ over i of Σ outputs[i] ⊙ seeds[i]: checked already.</summary>
    internal Gradients Gradients(ReadOnlySpan<Tensor> outputs, ReadOnlySpan<Tensor> seeds)
    {
        _rewound = outputs[0].Device;
        var grads = new Gradients(this, _steps.Count);
        for (int i = 0; i < outputs.Length; i++) { grads.Accumulate(outputs[i], seeds[i]); }
        _rewinding = grads;
        try
        {
            for (int i = _steps.Count - 1; i >= 0; i--)
            {
                int blocks = BlockCount;
                _steps[i].Rewind(this, i, grads);
                FreeUnused(blocks);
                foreach (var block in grads.Left) { FreeUnused(block); }
                grads.Left.Clear();
            }
            grads.Part();
        }
        finally { _rewinding = null; }
        return grads;
    }

    private void CheckStart(Tensor output, Tensor seed)
    {
        if (output.Shape != seed.Shape) { throw new ShapeException("gradients", $"output {output.Shape} and the gradient to start from {seed.Shape} must have one shape", output.Shape, seed.Shape); }
        if (output.Device != seed.Device) { throw new InvalidOperationException($"gradients: the output lives on {output.Device.Name}, the gradient to start from on {seed.Device.Name}; move one of them"); }
        if (!Wants(output)) { ThrowNotRecorded(); }
        if (Current != this) { throw new InvalidOperationException("gradients: the tape must be the innermost open arena of this thread; close what was opened inside it"); }
    }

    /// <summary>An optimiser has stepped a parameter: operations remembered so far were made with the values from before.</summary>
    internal void Stepped(Parameter parameter) => (parameter.SteppedIn, parameter.SteppedAt) = (_number, _steps.Count);

    private void CheckUnstepped(Tensor input, int place)
    {
        if (input is Parameter p && place < p.SteppedAt && p.SteppedIn == _number) { ThrowStepped(p.Shape); }
    }

    /// <summary>The leaves that remembered operations take, each once, in the order of use.</summary>
    internal Tensor[] Leaves()
    {
        var seen = new HashSet<Tensor>(ReferenceEqualityComparer.Instance);
        List<Tensor> leaves = [];
        foreach (var step in _steps)
        {
            foreach (var input in step.Inputs)
            {
                if (input.IsLeaf && seen.Add(input)) { leaves.Add(input); }
            }
        }
        return [.. leaves];
    }

    /// <inheritdoc/>
    protected override void OnClose()
    {
        _closed = true;
        _steps.Clear();
        t_spare = _steps; // from here on it is another tape's
        foreach (var tensor in _watched ?? []) { tensor.Watched(-1); }
        _watched = null; // tensors that were kept still know this tape
        if (Innermost is null) { _rewound?.EndStep(); }
        _rewound = null;
    }

    internal bool IsFirstOutput(Tensor made) => ReferenceEquals(_steps[made.Node].Output, made);

    private void Mark(Tensor output)
    {
        if (_closed) { ThrowClosed(); }
        output.Recorder = this;
        output.Node = _steps.Count;
    }

    [DoesNotReturn]
    private static void ThrowClosed() => throw new InvalidOperationException("tape: it has closed and remembers no more operations; ask Tape.For for the one that is open");

    [DoesNotReturn]
    private static void ThrowNotRecorded() => throw new InvalidOperationException(
        "gradients: the loss depends on no parameter or watched tensor that this tape has seen. Was it computed before the tape opened, inside an inner Arena, on another thread, from a Detach-ed or frozen "
        + "tensor, or only through what has no slope (Round, Sign, comparisons, ArgMax), or is it a gradient itself? Those that shall be differentiated again come from RecordedGradients");

    [DoesNotReturn]
    private static void ThrowStepped(Shape parameter) => throw new InvalidOperationException(
        $"gradients: an optimiser has stepped the parameter {parameter} since this loss used it, so its gradients would mix old values and new ones; take the gradients of every loss before the first step");

    private sealed record Joint(Tensor[] Outputs, Tensor[] Inputs, Tensor? Slope, Pullback Pull, bool IsRecordable)
    {
        /// <summary>How many operations take the output, if there is a slope.</summary>
        public int Uses { get; set; }

        /// <summary>The gradients in which the output's has already been multiplied by the slope.</summary>
        public Gradients? Multiplied { get; set; }
    }

    private readonly record struct Step(Tensor Output, Edge[]? Edges, Joint? Joint)
    {
        public Tensor[] Outputs => Joint?.Outputs ?? [Output];

        public Tensor[] Inputs => Joint?.Inputs ?? Array.ConvertAll(Edges!, e => e.Input);

        public Delegate Pull => Joint?.Pull ?? (Delegate)Edges![0].Pull;

        public void Rewind(Tape tape, int place, Gradients grads)
        {
            if (Joint is not null) { RewindJoint(tape, place, grads, Joint); return; }
            if (grads.Take(Output) is not { } dy) { return; }
            foreach (ref readonly var e in Edges.AsSpan())
            {
                tape.CheckUnstepped(e.Input, place);
                if (e.PullRows is { } rows && !ReferenceEquals(e.Input.Recorder, tape)) { grads.Accumulate(e.Input, NullItems.Made(rows(dy), "gradients", "PullRows must give the gradient of the rows that were used")); }
                else { grads.Accumulate(e.Input, e.Pull(dy)); }
            }
        }

        private static void RewindJoint(Tape tape, int place, Gradients grads, Joint joint)
        {
            var dOutputs = new Tensor?[joint.Outputs.Length];
            bool any = false;
            for (int i = 0; i < dOutputs.Length; i++) { any |= (dOutputs[i] = grads.Take(joint.Outputs[i], i)) is not null; }
            if (!any) { return; }
            foreach (var input in joint.Inputs) { tape.CheckUnstepped(input, place); }
            if (joint.Slope is { } slope && joint.Multiplied != grads) { dOutputs[0] = Autograd.Gradients.Multiply(dOutputs[0]!, slope); }
            joint.Multiplied = null;
            var dInputs = new Tensor?[joint.Inputs.Length];
            joint.Pull(dOutputs, dInputs);
            for (int i = 0; i < dInputs.Length; i++)
            {
                if (dInputs[i] is { } d && tape.Wants(joint.Inputs[i])) { grads.Accumulate(joint.Inputs[i], d); }
            }
        }
    }
}
