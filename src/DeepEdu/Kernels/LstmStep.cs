using System.Runtime.CompilerServices;
using DeepEdu.Devices;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

/// <summary>One LSTM layer that is run step by step: packed weights, h, c and the work space of one step, all made once.</summary>
internal sealed unsafe class LstmStep(int batch, int inputs, int hidden, int outputs)
{
    private readonly int _cells = LstmWeights.Padded(hidden), _space = LstmWeights.Padded(outputs);
    private readonly CpuBlock _input = Own(4 * LstmWeights.Padded(hidden), inputs), _recurrent = Own(4 * LstmWeights.Padded(hidden), outputs), _bias = Own(4, LstmWeights.Padded(hidden)),
        _projection = Own(LstmWeights.Padded(outputs), outputs < hidden ? hidden : 0), _gates = Own(batch, 4 * LstmWeights.Padded(hidden)), _c = Own(batch, LstmWeights.Padded(hidden)),
        _raw = Own(batch, hidden), _projected = Own(batch, LstmWeights.Padded(outputs)), _h = Own(batch, outputs);

    private bool _projects;

    /// <summary>h [batch, outputs].</summary>
    public ReadOnlySpan<float> H => _h.Span[..(batch * outputs)];

    /// <summary>Packs the weights; wr is empty without a projection, biases where there is none.</summary>
    public void Load(ReadOnlySpan<float> wi, ReadOnlySpan<float> wh, ReadOnlySpan<float> bi, ReadOnlySpan<float> bh, ReadOnlySpan<float> wr)
    {
        fixed (float* i = wi, h = wh, b = bi, c = bh, r = wr, input = _input.Span, recurrent = _recurrent.Span, bias = _bias.Span, projection = _projection.Span)
        {
            LstmWeights.PackForward(i, hidden, inputs, input);
            LstmWeights.PackForward(h, hidden, outputs, recurrent);
            LstmWeights.Bias(b, c, hidden, bias);
            if (_projects = r is not null) { LstmWeights.PackTransposed(r, outputs, hidden, projection); }
        }
    }

    /// <summary>State 0.</summary>
    public void Reset()
    {
        _h.Span.Clear();
        _c.Span.Clear();
    }

    /// <summary>State 0 for one sequence.</summary>
    public void Reset(int sequence)
    {
        _h.Span.Slice(sequence * outputs, outputs).Clear();
        _c.Span.Slice(sequence * _cells, _cells).Clear();
    }

    /// <summary>Copies the state out: h [batch, outputs], c [batch, hidden].</summary>
    public void Save(Span<float> h, Span<float> c)
    {
        H.CopyTo(h);
        for (int r = 0; r < batch; r++) { _c.Span.Slice(r * _cells, hidden).CopyTo(c[(r * hidden)..]); }
    }

    /// <summary>Copies a state in.</summary>
    public void Restore(ReadOnlySpan<float> h, ReadOnlySpan<float> c)
    {
        h.CopyTo(_h.Span);
        for (int r = 0; r < batch; r++) { c.Slice(r * hidden, hidden).CopyTo(_c.Span[(r * _cells)..]); }
    }

    /// <summary>One step of x [batch, inputs].</summary>
    public void Run(ReadOnlySpan<float> x)
    {
        if (F16.IsSupported) { Run<F16>(x); }
        else if (F8.IsSupported) { Run<F8>(x); }
        else if (F4.IsSupported) { Run<F4>(x); }
        else { Run<F1>(x); }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Run<L>(ReadOnlySpan<float> from) where L : struct, IVectorLane<L>, ILane<L>
    {
        const int Group = 64;
        float** x = stackalloc float*[Group], h = stackalloc float*[Group], g = stackalloc float*[Group], raw = stackalloc float*[Group], y = stackalloc float*[Group];
        fixed (float* input = _input.Span, recurrent = _recurrent.Span, bias = _bias.Span, projection = _projection.Span, gates = _gates.Span, cells = _c.Span, raws = _raw.Span,
            projected = _projected.Span, hs = _h.Span, xs = from)
        {
            for (nint first = 0; first < batch; first += Group)
            {
                int n = (int)Math.Min(Group, batch - first);
                for (int i = 0; i < n; i++)
                {
                    nint r = first + i;
                    x[i] = xs + (r * inputs);
                    h[i] = hs + (r * outputs);
                    g[i] = gates + (r * 4 * _cells);
                    raw[i] = raws + (r * hidden);
                    y[i] = projected + (r * _space);
                    LstmMemory.Copy(bias, 4 * _cells, g[i]);
                }
                LstmTile.Product<L>(n, inputs, x, input, g, 4 * _cells, add: true);
                LstmTile.Product<L>(n, outputs, h, recurrent, g, 4 * _cells, add: true);
                for (int i = 0; i < n; i++)
                {
                    float* c = cells + ((first + i) * _cells);
                    for (int unit = 0; unit < hidden; unit += L.Width)
                    {
                        L value = LstmGates.Forward<L>(g[i] + (4 * unit), false, c + unit, c + unit);
                        if (unit + L.Width <= hidden) { L.Store(value, ref *raw[i], unit); } else { Partial.Store(value, raw[i] + unit, hidden - unit); }
                    }
                }
                if (_projects) { LstmTile.Product<L>(n, hidden, raw, projection, y, _space, add: false); }
                for (int i = 0; i < n; i++) { LstmMemory.Copy(_projects ? y[i] : raw[i], outputs, h[i]); }
            }
        }
    }

    private static CpuBlock Own(int rows, int width)
    {
        var block = new CpuBlock(checked(rows * width), pinned: true);
        block.Span.Clear();
        return block;
    }
}
