using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Kernels;
using DeepEdu.Memory;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>The tensors of a call of a recurrent operation; null where not given.</summary>
internal readonly record struct RecurrentInputs(Tensor? X, Tensor WeightIh, Tensor WeightHh, Tensor? BiasIh, Tensor? BiasHh, Tensor? H0, Tensor? C0 = null, Tensor? WeightHr = null)
{
    /// <summary>Instead of x, where each row of a one-hot x would hold its 1: x's first two axes.</summary>
    public Indices? Categories { get; init; }

    /// <summary>Whether Wᵢ is turned, [E, G·H]: with categories only.</summary>
    public bool Turned { get; init; }
}

/// <summary>One call of a recurrent operation, which remembers what its gradient needs.</summary>
internal sealed class RecurrentCall
{
    private readonly string _op;
    private readonly CellKind _kind;
    private readonly Tensor?[] _inputs; // x, Wᵢ, Wₕ, bᵢ, bₕ, h₀, c₀, Wᵣ
    private readonly RecurrentPadding _padding;
    private readonly bool _reverse;
    private readonly Tensor? _mask;
    private readonly Shape _shape; // of x
    private readonly Indices? _categories;
    private readonly bool _turned;
    private readonly Device _device;
    private RecurrentData _data;
    private Tensor? _h, _c;
    private bool _spent;

    private RecurrentCall(string op, CellKind kind, RecurrentInputs p, Shape shape, RecurrentPadding padding, bool reverse, Tensor? mask)
    {
        (_op, _kind, _shape, _categories, _turned, _padding, _reverse, _mask, _device) = (op, kind, shape, p.Categories, p.Turned, padding, reverse, mask, p.WeightHh.Device);
        _inputs = [p.X, p.WeightIh, p.WeightHh, p.BiasIh, p.BiasHh, p.H0, p.C0, p.WeightHr];
    }

    /// <summary>Checks the arguments, runs the operation and records it.</summary>
    /// <returns>Every step's h, the last h, and the last c if the cell has one.</returns>
    public static (Tensor Output, Tensor H, Tensor? C) Run(string op, CellKind kind, RecurrentInputs p, Indices? lengths, Tensor? mask, bool batchFirst, bool padLeft, bool reverse, Tensor? recurrentMask)
    {
        ArgumentNullException.ThrowIfNull(p.WeightIh, "weightIh");
        ArgumentNullException.ThrowIfNull(p.WeightHh, "weightHh");
        int kinds = p.WeightIh.Shape[p.Turned ? 0 : 1];
        p.Categories?.CheckBelow(op, kinds);
        Shape x = p.X is null ? [.. p.Categories!.Shape, kinds] : p.X.Shape;
        if (x.Rank != 3) { throw new ShapeException(op, $"x is {x}; [batch, steps, inputs] or, time first, [steps, batch, inputs] is needed", x); }
        int gates = CellPlan.Of(kind).Gates, e = x[2], h = p.WeightHh.Rank == 2 ? p.WeightHh.Shape[0] / gates : 0, width = p.WeightHr is null ? h : p.WeightHr.Shape[0];
        int batch = x[batchFirst ? 0 : 1];
        Check("weightIh", p.WeightIh, p.Turned ? [e, gates * h] : [gates * h, e]);
        Check("weightHh", p.WeightHh, [gates * h, width]);
        Check("biasIh", p.BiasIh, [gates * h]);
        Check("biasHh", p.BiasHh, [gates * h]);
        Check("h0", p.H0, [batch, width]);
        Check("c0", p.C0, [batch, h]);
        Check("weightHr", p.WeightHr, [width, h]);
        Check("recurrentMask", recurrentMask, [batch, width]);
        var padding = new RecurrentPadding(op, x, lengths, mask, batchFirst, padLeft);

        var call = new RecurrentCall(op, kind, p, x, padding, reverse, recurrentMask);
        Tensor[] inputs = [.. call._inputs.OfType<Tensor>()];
        var tape = Tape.For(inputs);
        var result = call.Forward(keep: tape is not null);
        tape?.AddRecordable(result.C is null ? [result.Output, result.H] : [result.Output, result.H, result.C], inputs, (dOutputs, dInputs) =>
        {
            if (Tape.Recording is null) { call.Backward(tape, dOutputs, dInputs); }
            else { tape.Through(() => RecurrentSteps.Run(kind, p, padding, batchFirst, reverse, recurrentMask), dOutputs, inputs, dInputs); }
        });
        return result;

        void Check(string name, Tensor? t, Shape wanted)
        {
            if (t is null) { return; }
            if (t.Shape != wanted) { throw new ShapeException(op, $"{name} is {t.Shape}, but {wanted} is needed for x {x}", x, t.Shape); }
            Elementwise.SameDevice(op, p.X ?? p.WeightHh, t);
        }
    }

    // if keep, what the gradient needs lives as long as the result; else only while this runs
    private (Tensor Output, Tensor H, Tensor? C) Forward(bool keep)
    {
        var plan = CellPlan.Of(_kind);
        int batch = _padding.Batch, width = _inputs[2]!.Shape[1], hidden = _inputs[2]!.Shape[0] / plan.Gates, padded = RecurrentWeights.Padded(hidden);
        var (all, h, c) = (New(_shape.With(2, width)), New([batch, width]), plan.HasCell ? New([batch, hidden]) : null);
        using var scratch = keep ? null : new Arena();
        var rows = keep || _device is not CpuDevice ? _padding.PackedRows(_reverse, hidden, _device) : _padding.Rows(_reverse, hidden);
        var output = _padding.PackedLike(all);
        var data = new RecurrentData
        {
            Kind = _kind, Rows = rows, Inputs = _shape[2], Hidden = hidden, Recurrent = width,
            X = _inputs[0] is null ? default : _padding.Pack(_inputs[0]!).View, Categories = _categories is null ? null : _padding.Pack(_categories).Values, WeightIh = View(_inputs[1]), Turned = _turned, WeightHh = View(_inputs[2]),
            BiasIh = View(_inputs[3]), BiasHh = View(_inputs[4]), H0 = View(_inputs[5]), C0 = View(_inputs[6]), WeightHr = View(_inputs[7]), Mask = View(_mask),
            Gates = New([keep || (!rows.Stepwise && _categories is null) ? rows.Count : batch, plan.Planes * padded]).View, Cells = keep && plan.HasState ? New([rows.Count, padded]).View : default,
            Start = New([batch, padded]).View, Output = output.View, Raw = _inputs[7] is null ? default : New([keep ? rows.Count : batch, hidden]).View,
            Masked = _mask is null ? default : New([rows.Count, width]).View, Reset = plan.Late.Count == 0 ? default : New([keep ? rows.Count : batch, padded]).View, Keep = keep,
        };
        _device.Launch(new RecurrentForward(data, h.View, View(c)));
        _padding.Unpack(output, all);
        if (keep) { (_data, _h, _c) = (data, h, c); }
        return (all, h, c);
    }

    // the gradients that the tape wants
    private void Backward(Tape tape, ReadOnlySpan<Tensor?> dOutputs, Span<Tensor?> dInputs)
    {
        _categories?.CheckBelow(_op, _shape[2]); // the caller's array may hold other numbers by now
        // the gates were overwritten by their gradients: a second call makes them anew
        if (_spent) { _device.Launch(new RecurrentForward(_data, View(_h), View(_c))); }
        _spent = true;
        var d = new Tensor?[_inputs.Length];
        for (int i = 0; i < d.Length; i++) { d[i] = _inputs[i] is { } t && tape.Wants(t) ? Tensor.Empty(t.Shape, _device) : null; }
        using (var scratch = new Arena())
        {
            var dx = d[0] is null ? null : _padding.PackedLike(d[0]!);
            var dy = dOutputs[0] is null ? null : _padding.Pack(dOutputs[0]!);
            _device.Launch(new RecurrentBackward(_data, View(dy), View(dOutputs[1]), _c is null ? default : View(dOutputs[2]), View(dx), View(d[1]), View(d[2]), View(d[7]), View(d[3]), View(d[4]),
                View(d[5]), View(d[6])));
            if (dx is not null) { _padding.Unpack(dx, d[0]!); }
        }
        for (int i = 0, at = 0; i < d.Length; i++) { if (_inputs[i] is not null) { dInputs[at++] = d[i]; } }
    }

    private Tensor New(Shape shape) => Tensor.Empty(shape, _device);

    private static View View(Tensor? t) => t is null ? default : t.View;
}
