using System.Diagnostics.CodeAnalysis;
using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Numerics;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>One call of attention: fused, or composed of other operations.</summary>
internal readonly struct AttentionCall
{
    private readonly Tensor _q;
    private readonly Tensor? _k, _v, _mask; // no keys and values: they stand beside the queries
    private readonly Shape _leading;
    private readonly AttentionPlan _plan;
    private readonly Rng? _rng;
    private readonly Indices? _lengths;

    /// <summary>A call.</summary>
    /// <param name="q">The queries; without keys and values, all three side by side.</param>
    /// <param name="k">The keys.</param>
    /// <param name="v">The values.</param>
    /// <param name="heads">Heads.</param>
    /// <param name="mask">Which keys a query sees.</param>
    /// <param name="scale">1/√d unless given.</param>
    /// <param name="dropout">The probability that a weight is left out while learning.</param>
    /// <param name="rng">For dropout.</param>
    /// <param name="filled">How many rows of k and v, which remember those of earlier steps, are there; the rows of q then hold new keys and values too.</param>
    public AttentionCall(Tensor q, Tensor? k, Tensor? v, int heads, AttentionMask mask, float? scale, float dropout, Rng? rng, int? filled = null)
    {
        if (!(dropout >= 0 && dropout <= 1)) { throw new ArgumentOutOfRangeException(nameof(dropout), $"attention: dropout probability {dropout} is not in [0, 1]"); }
        if (!Tape.IsTraining) { dropout = 0; }
        if (dropout > 0) { ArgumentNullException.ThrowIfNull(rng); }
        (_q, _k, _v, _rng, _lengths) = (q, k, v, rng, mask.Lengths);
        _leading = AttentionOps.Leading(q.Shape, 2);
        int batch = _leading.Size, queries = q.Shape[^2], rows = k is null ? queries : k.Shape[^2], keys = filled ?? rows, width = q.Shape[^1] / heads / (k is null || filled is not null ? 3 : 1), values = v is null ? width : v.Shape[^1] / heads;
        int[]? lengths = mask.LengthsOf(_leading, keys);
        _mask = mask.Added(_leading, heads, queries, keys);
        if (_mask is not null) { Elementwise.SameDevice("attention", q, _mask); }
        var m = _mask is null ? default : _mask.Shape;
        int row = _mask is null || m[2] == 1 ? 0 : keys, head = _mask is null || m[1] == 1 ? 0 : m[2] * keys, sequence = _mask is null || m[0] == 1 ? 0 : m[1] * m[2] * keys;
        ulong start = dropout > 0 ? rng!.Reserve(checked((ulong)batch * (ulong)heads * (ulong)queries * (ulong)keys)) : 0;
        _plan = new(batch, heads, queries, q.Shape[^1], keys, rows, width, values, sequence, head, row, lengths, mask.Causal, mask.Offset, scale ?? (1 / MathF.Sqrt(Math.Max(1, width))), dropout, rng?.Seed ?? 0, rng?.Stream ?? 0, start);
    }

    /// <summary>The result. A mask that wants a gradient needs all scores at once: then it is composed.</summary>
    public Tensor Forward()
    {
        if (_mask is not null && Tape.For(_mask) is not null) { return Composed(out _); }
        AttentionCall call = this;
        Tensor q = _q;
        var (lengths, most) = (_lengths, _plan.Keys + 1);
        Tensor[] inputs = _k is null ? [q] : [q, _k, _v!];
        var tape = Tape.For(inputs);
        var y = Tensor.Empty([.. _leading.Sizes, _plan.Queries, _plan.Heads * _plan.ValueWidth], q.Device);
        var logSum = tape is null ? null : Tensor.Empty([_plan.Batch * _plan.Heads, _plan.Queries], q.Device);
        var kernel = new AttentionOps.AttentionKernel(q.View, View(_k), View(_v), View(_mask), y.View, View(logSum), _plan);
        q.Device.Launch(kernel);
        tape?.AddRecordable([y], inputs, (dOutputs, dInputs) =>
        {
            if (Tape.Recording is not null)
            {
                tape.Through(() => [call.Composed(out _)], dOutputs, inputs, dInputs);
                return;
            }
            lengths?.CheckBelow("attention: lengths", most); // the caller's array may hold other numbers by now
            for (int i = 0; i < inputs.Length; i++) { dInputs[i] = Tensor.Empty(inputs[i].Shape, y.Device); }
            y.Device.Launch(new AttentionOps.AttentionPullKernel(kernel, dOutputs[0]!.View, dInputs[0]!.View, inputs.Length == 1 ? default : dInputs[1]!.View, inputs.Length == 1 ? default : dInputs[2]!.View));
        });
        return y;
    }

    /// <summary>The same from products and a softmax over all scores: what the fused form must equal.</summary>
    /// <param name="weights">The weights [batch, heads, T, Tₖ], before dropout.</param>
    public Tensor Composed(out Tensor weights)
    {
        int width = _plan.Heads * _plan.Width;
        Tensor q = Heads(_k is null ? _q.Narrow(-1, 0, width) : _q), k = Heads(_k ?? _q.Narrow(-1, width, width)), v = Heads(_v ?? _q.Narrow(-1, 2 * width, width));
        var scores = q.MatMul(k, transB: true) * _plan.Scale;
        if (_mask is not null) { scores += _mask; }
        if (Hidden() is { } hidden) { scores = scores.MaskedFill(hidden.BroadcastTo(scores.Shape), float.NegativeInfinity); }
        // a row of nothing but −∞ has weights 0
        var none = _plan.Keys == 0 ? Tensor.Zeros([.. scores.Shape.Sizes[..^1], 1], scores.Device) : scores.Detach().Max(-1, keepDims: true).Equal(float.NegativeInfinity);
        weights = scores.MaskedFill(none.BroadcastTo(scores.Shape), 0).Softmax(-1).MaskedFill(none.BroadcastTo(scores.Shape), 0);
        var used = _plan.Dropout > 0 ? weights.Dropout(_plan.Dropout, _rng!.At(_plan.Start)) : weights;
        return used.MatMul(v).Permute(0, 2, 1, 3).Reshape([.. _leading.Sizes, _plan.Queries, _plan.Heads * _plan.ValueWidth]);
    }

    // 1 where the past or the length hides a key: [batch or 1, 1, T, Tₖ]
    private Tensor? Hidden()
    {
        if (!_plan.Causal && _plan.Lengths is null) { return null; }
        int sequences = _plan.Lengths is null ? 1 : _plan.Batch, queries = _plan.Queries, keys = _plan.Keys;
        float[] hidden = new float[sequences * queries * keys];
        for (int i = 0; i < hidden.Length; i++)
        {
            int key = i % keys, query = i / keys % queries;
            if ((_plan.Causal && key > (long)query + _plan.Past) || (_plan.Lengths is { } n && key >= n[i / keys / queries])) { hidden[i] = 1; }
        }
        return Tensor.Of([sequences, 1, queries, keys], hidden, _q.Device);
    }

    // [batch, heads, rows, width]
    private Tensor Heads(Tensor x) => x.Reshape([_plan.Batch, x.Shape[^2], _plan.Heads, x.Shape[^1] / _plan.Heads]).Permute(0, 2, 1, 3);

    private static View View(Tensor? t) => t?.View ?? default;
}
