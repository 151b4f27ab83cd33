using System.Runtime.CompilerServices;
using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Lanes;
using DeepEdu.Tensors;

namespace DeepEdu.Optim;

/// <summary>Gradients of several batches, averaged by weight, Σ wᵢgᵢ / Σ wᵢ: small batches whose losses are means, weighted by their rows, step as one large batch would. Their memory is
/// kept from step to step.
/// <code>
/// foreach (var part in parts)
/// {
///     using var tape = new Tape();
///     sum.Add(tape.Gradients(Loss(part)), part.Length);
/// }
/// sum.Step(optimizer, g => Clip.ByNorm(g, 1));
/// </code></summary>
public sealed class GradientSum
{
    private readonly Dictionary<Tensor, (Tensor Sum, bool Used)> _sums = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<Tensor, RowGradient> _rows = new(ReferenceEqualityComparer.Instance);
    private double _weight;

    /// <summary>Takes in the gradients of one batch, while its tape is open. Those of few rows stay rows.</summary>
    /// <param name="gradients">The batch's.</param>
    /// <param name="weight">How much they count: the number of rows, if the loss is their mean.</param>
    public void Add(Gradients gradients, double weight = 1)
    {
        ArgumentNullException.ThrowIfNull(gradients);
        if (!(weight >= 0)) { throw new ArgumentOutOfRangeException(nameof(weight), $"gradient-sum: weight {weight} must not be negative"); }
        _weight += weight;
        foreach (var leaf in gradients.Leaves)
        {
            bool known = _sums.TryGetValue(leaf, out var slot);
            if (gradients.FindRows(leaf) is { } rows && !slot.Used)
            {
                rows = rows.With(Clip.Map(rows.Values, new Clip.Scale((float)weight)));
                rows = _rows.TryGetValue(leaf, out var before) ? before.Add(rows) : rows;
                rows.Values.Keep();
                _rows[leaf] = rows;
                continue;
            }
            if (!known) { slot.Sum = Tensor.Persistent(leaf.Shape, leaf.Device); }
            if (!slot.Used) { leaf.Device.Fill(slot.Sum.View, 0); }
            if (_rows.Remove(leaf, out var old)) { AddTo(slot.Sum, old.ToDense(), 1); }
            AddTo(slot.Sum, gradients[leaf], (float)weight);
            _sums[leaf] = (slot.Sum, true);
        }
    }

    /// <summary>One step along the average, and begins anew. Nothing happens if nothing was added.</summary>
    /// <param name="optimizer">What steps.</param>
    /// <param name="bound">Changes the average first, such as clipping.</param>
    public void Step(Optimizer optimizer, Action<Gradients>? bound = null)
    {
        ArgumentNullException.ThrowIfNull(optimizer);
        using var tape = new Tape();
        var gradients = new Gradients(tape, 0);
        float scale = (float)(_weight > 0 ? 1 / _weight : 0);
        foreach (var (leaf, (sum, used)) in _sums)
        {
            if (!used) { continue; }
            leaf.Device.Map(new Clip.Scale(scale), sum.View, sum.View);
            gradients.Replace(leaf, sum);
        }
        foreach (var (leaf, rows) in _rows) { gradients.Replace(leaf, rows.With(Clip.Map(rows.Values, new Clip.Scale(scale)))); }
        bound?.Invoke(gradients);
        optimizer.Step(gradients);
        Clear();
    }

    /// <summary>Begins anew.</summary>
    public void Clear()
    {
        _weight = 0;
        _rows.Clear();
        foreach (var leaf in _sums.Keys.ToArray())
        {
            if (leaf is Parameter) { _sums[leaf] = (_sums[leaf].Sum, false); }
            else { _sums.Remove(leaf); } // an input that was watched does not come again
        }
    }

    internal static void AddTo(Tensor sum, Tensor g, float weight) => sum.Device.Zip(new AddScaled(weight), sum.View, g.View, sum.View, Broadcast.Flat(g.Size));

    internal readonly struct AddScaled(float by) : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L sum, L g) where L : struct, ILane<L> => L.MultiplyAdd(by, g, sum);
    }
}
