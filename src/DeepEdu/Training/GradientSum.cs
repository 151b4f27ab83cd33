using System.Runtime.CompilerServices;
using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Lanes;
using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Training;

/// <summary>Gradients of several batches, averaged by weight: Σ wᵢgᵢ / Σ wᵢ. Their memory is kept from step to step.</summary>
internal sealed class GradientSum
{
    private readonly Dictionary<Tensor, (Tensor Sum, bool Used)> _sums = new(ReferenceEqualityComparer.Instance);
    private double _weight;

    public void Add(Gradients gradients, double weight)
    {
        _weight += weight;
        foreach (var leaf in gradients.Leaves)
        {
            var g = gradients[leaf];
            if (!_sums.TryGetValue(leaf, out var slot)) { slot = (Tensor.Persistent(leaf.Shape, leaf.Device), false); }
            if (!slot.Used) { leaf.Device.Fill(slot.Sum.View, 0); }
            leaf.Device.Zip(new AddScaled((float)weight), slot.Sum.View, g.View, slot.Sum.View, Broadcast.Flat(g.Size));
            _sums[leaf] = (slot.Sum, true);
        }
    }

    public void Step(Optimizer optimizer, Action<Gradients> bound)
    {
        using var tape = new Tape();
        var gradients = new Gradients(tape, 0);
        float scale = (float)(_weight > 0 ? 1 / _weight : 0);
        foreach (var (leaf, (sum, used)) in _sums)
        {
            if (!used) { continue; }
            leaf.Device.Map(new Scale(scale), sum.View, sum.View);
            gradients.Replace(leaf, sum);
        }
        bound(gradients);
        optimizer.Step(gradients);
        Clear();
    }

    public void Clear()
    {
        _weight = 0;
        foreach (var leaf in _sums.Keys.ToArray()) { _sums[leaf] = (_sums[leaf].Sum, false); }
    }

    private readonly struct AddScaled(float by) : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L sum, L g) where L : struct, ILane<L> => L.MultiplyAdd(by, g, sum);
    }

    private readonly struct Scale(float by) : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L> => by * x;
    }
}
