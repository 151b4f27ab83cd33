using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using DeepEdu.Devices;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

/// <summary>The layer normalisations of an LSTM's step (Ba et al. 2016, arXiv:1607.06450, eq. 20-22): of both products, and of c before its tanh.</summary>
internal sealed unsafe class RecurrentStepNorms(int gates, int hidden)
{
    private readonly int _padded = RecurrentWeights.Padded(hidden);
    private readonly CpuBlock _scales = RecurrentStep.Own(2, gates * RecurrentWeights.Padded(hidden)), _cell = RecurrentStep.Own(3, RecurrentWeights.Padded(hidden));
    private float _eps;

    /// <summary>Takes over the scales and shifts; adds the products' shifts to the biases.</summary>
    public void Load(in RecurrentNormWeights w, Span<float> bias)
    {
        _eps = w.Eps;
        for (int p = 0; p < gates; p++)
        {
            var from = new Range(p * hidden, (p + 1) * hidden);
            var shift = bias.Slice(p * _padded, hidden);
            w.Input.Scale[from].CopyTo(_scales.Span[(p * _padded)..]);
            w.Recurrent.Scale[from].CopyTo(_scales.Span[((gates + p) * _padded)..]);
            TensorPrimitives.Add(shift, w.Input.Shift[from], shift);
            TensorPrimitives.Add(shift, w.Recurrent.Shift[from], shift);
        }
        w.Cell.Scale.CopyTo(_cell.Span);
        w.Cell.Shift.CopyTo(_cell.Span[_padded..]);
    }

    /// <summary>x [gates·Hp] ← LN(x) + LN(h) + bias; h is spent.</summary>
    public void Sums(float* x, float* h, float* bias)
    {
        int n = gates * _padded;
        Span<float> to = new(x, n), other = new(h, n);
        Normalise(to, gates);
        Normalise(other, gates);
        TensorPrimitives.MultiplyAdd(to, _scales.Span[..n], new ReadOnlySpan<float>(bias, n), to);
        TensorPrimitives.MultiplyAdd(other, _scales.Span.Slice(n, n), to, to);
    }

    /// <summary>h [Hp] ← o ⊙ tanh(LN(c)).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Output<L>(float* c, float* o, float* h) where L : struct, IVectorLane<L>, ILane<L>
    {
        var cell = _cell.Span.Slice(2 * _padded, _padded);
        new ReadOnlySpan<float>(c, _padded).CopyTo(cell);
        Normalise(cell, 1);
        TensorPrimitives.MultiplyAdd(cell, _cell.Span[.._padded], _cell.Span.Slice(_padded, _padded), cell);
        for (int unit = 0; unit < _padded; unit += L.Width) { L.Store(L.Load(in *o, unit) * CellMath.Tanh(L.Load(in cell[unit], 0)), ref *h, unit); }
    }

    // to mean 0 and variance 1 over the units; what pads a plane stays out of it
    private void Normalise(Span<float> x, int planes)
    {
        float sum = 0, squares = 0, n = planes * hidden;
        for (int p = 0; p < planes; p++) { sum += TensorPrimitives.Sum<float>(x.Slice(p * _padded, hidden)); }
        for (int p = 0; p < planes; p++)
        {
            var plane = x.Slice(p * _padded, hidden);
            TensorPrimitives.Subtract(plane, sum / n, plane);
            squares += TensorPrimitives.SumOfSquares<float>(plane);
        }
        TensorPrimitives.Multiply(x, 1 / MathF.Sqrt((squares / n) + _eps), x);
    }
}

/// <summary>A layer normalisation's parameters.</summary>
internal readonly ref struct NormWeights(ReadOnlySpan<float> scale, ReadOnlySpan<float> shift)
{
    public ReadOnlySpan<float> Scale { get; } = scale;

    public ReadOnlySpan<float> Shift { get; } = shift;
}

/// <summary>The parameters of the three normalisations of a step, and what is added to variances.</summary>
internal readonly ref struct RecurrentNormWeights(NormWeights input, NormWeights recurrent, NormWeights cell, float eps)
{
    public NormWeights Input { get; } = input;

    public NormWeights Recurrent { get; } = recurrent;

    public NormWeights Cell { get; } = cell;

    public float Eps { get; } = eps;
}
