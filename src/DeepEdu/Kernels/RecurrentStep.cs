using System.Runtime.CompilerServices;
using DeepEdu.Devices;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

/// <summary>One recurrent layer that is run step by step: packed weights, the state and the work space of one step, all made once.</summary>
internal sealed unsafe class RecurrentStep
{
    // sequences whose addresses stand on the stack at a time
    private const int Group = 64;

    private readonly CellKind _kind;
    private readonly CellPlan _plan;
    private readonly int _batch, _inputs, _hidden, _outputs, _padded, _space;
    private readonly CpuBlock _input, _recurrent, _late, _bias, _projection, _gates, _state, _raw, _projected, _h, _second;
    private readonly RecurrentStepNorms? _norms;
    private bool _projects;

    public RecurrentStep(CellKind kind, int batch, int inputs, int hidden, int outputs, bool norms = false)
    {
        (_kind, _plan, _batch, _inputs, _hidden, _outputs) = (kind, CellPlan.Of(kind), batch, inputs, hidden, outputs);
        (_padded, _space) = (RecurrentWeights.Padded(hidden), RecurrentWeights.Padded(outputs));
        (_input, _recurrent, _late) = (Own(_plan.Input.Count * _padded, inputs), Own(_plan.Recurrent.Count * _padded, outputs), Own(_plan.Late.Count * _padded, outputs));
        (_bias, _projection, _gates, _state) = (Own(_plan.Planes, _padded), Own(_space, outputs < hidden ? hidden : 0), Own(batch, _plan.Planes * _padded), Own(batch, _padded));
        (_raw, _projected, _h, _second) = (Own(batch, _padded), Own(batch, _space), Own(batch, outputs), Own(norms ? batch : 0, _plan.Planes * _padded));
        if (norms) { _norms = new(_plan.Gates, hidden); }
    }

    /// <summary>h [batch, outputs].</summary>
    public ReadOnlySpan<float> H => _h.Span[..(_batch * _outputs)];

    /// <summary>Packs the weights; wr is empty without a projection, biases where there is none.</summary>
    public void Load(ReadOnlySpan<float> wi, ReadOnlySpan<float> wh, ReadOnlySpan<float> bi, ReadOnlySpan<float> bh, ReadOnlySpan<float> wr)
    {
        fixed (float* i = wi, h = wh, b = bi, c = bh, r = wr, input = _input.Span, recurrent = _recurrent.Span, late = _late.Span, bias = _bias.Span, projection = _projection.Span)
        {
            RecurrentWeights.PackForward(i, _plan.Input, _hidden, _inputs, input);
            RecurrentWeights.PackForward(h, _plan.Recurrent, _hidden, _outputs, recurrent);
            RecurrentWeights.PackForward(h, _plan.Late, _hidden, _outputs, late);
            RecurrentWeights.Bias(b, c, _plan, _hidden, bias);
            if (_projects = r is not null) { RecurrentWeights.PackTransposed(r, _outputs, _hidden, projection); }
        }
    }

    /// <summary>Takes over the normalisations of a step that has them, after <see cref="Load"/>.</summary>
    public void LoadNorms(in RecurrentNormWeights norms) => _norms!.Load(norms, _bias.Span);

    /// <summary>State 0.</summary>
    public void Reset()
    {
        _h.Span.Clear();
        _state.Span.Clear();
    }

    /// <summary>State 0 for one sequence.</summary>
    public void Reset(int sequence)
    {
        _h.Span.Slice(sequence * _outputs, _outputs).Clear();
        _state.Span.Slice(sequence * _padded, _padded).Clear();
    }

    /// <summary>Copies the state out: h [batch, outputs] and, if the cell has one, c [batch, hidden].</summary>
    public void Save(Span<float> h, Span<float> c)
    {
        H.CopyTo(h);
        if (!_plan.HasCell) { return; }
        for (int r = 0; r < _batch; r++) { _state.Span.Slice(r * _padded, _hidden).CopyTo(c[(r * _hidden)..]); }
    }

    /// <summary>Copies a state in.</summary>
    public void Restore(ReadOnlySpan<float> h, ReadOnlySpan<float> c)
    {
        h.CopyTo(_h.Span);
        var state = _plan.HasCell ? c : h;
        for (int r = 0; r < _batch; r++) { state.Slice(r * _hidden, _hidden).CopyTo(_state.Span[(r * _padded)..]); }
    }

    /// <summary>One step of x [batch, inputs].</summary>
    public void Run(ReadOnlySpan<float> x)
    {
        switch (_kind)
        {
            case CellKind.Lstm: Run<LstmUnit>(x); break;
            case CellKind.CoupledLstm: Run<CoupledUnit>(x); break;
            case CellKind.Gru: Run<GruUnit>(x); break;
            case CellKind.GruResetBefore: Run<GruBeforeUnit>(x); break;
            case CellKind.Tanh: Run<TanhUnit>(x); break;
            default: Run<ReluUnit>(x); break;
        }
    }

    private void Run<C>(ReadOnlySpan<float> x) where C : struct, ICell
    {
        if (F16.IsSupported) { Run<F16, C>(x); }
        else if (F8.IsSupported) { Run<F8, C>(x); }
        else if (F4.IsSupported) { Run<F4, C>(x); }
        else { Run<F1, C>(x); }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private void Run<L, C>(ReadOnlySpan<float> from) where L : struct, IVectorLane<L>, ILane<L> where C : struct, ICell
    {
        float** x = stackalloc float*[Group], h = stackalloc float*[Group], g = stackalloc float*[Group], raw = stackalloc float*[Group], y = stackalloc float*[Group], b = stackalloc float*[Group];
        int planes = _plan.Planes * _padded;
        fixed (float* input = _input.Span, recurrent = _recurrent.Span, late = _late.Span, bias = _bias.Span, projection = _projection.Span, gates = _gates.Span, states = _state.Span,
            raws = _raw.Span, second = _second.Span, projected = _projected.Span, hs = _h.Span, xs = from)
        {
            for (nint first = 0; first < _batch; first += Group)
            {
                int n = (int)Math.Min(Group, _batch - first);
                for (int i = 0; i < n; i++)
                {
                    nint r = first + i;
                    x[i] = xs + (r * _inputs);
                    h[i] = hs + (r * _outputs);
                    g[i] = gates + (r * planes);
                    raw[i] = raws + (r * _padded);
                    y[i] = projected + (r * _space);
                    b[i] = _norms is null ? g[i] : second + (r * planes);
                    RecurrentMemory.Copy(_norms is null ? bias : null, planes, g[i]);
                    if (_norms is not null) { RecurrentMemory.Copy(null, planes, b[i]); }
                }
                RecurrentTile.Gates<L>(n, _inputs, x, input, g, _plan.Input, _padded);
                RecurrentTile.Gates<L>(n, _outputs, h, recurrent, b, _plan.Recurrent, _padded);
                for (int i = 0; i < n && _norms is not null; i++) { _norms.Sums(g[i], b[i], bias); }
                if (C.Resets)
                {
                    for (int i = 0; i < n; i++)
                    {
                        for (int unit = 0; unit < _padded; unit += L.Width) { C.Reset<L>(g[i] + unit, _padded, states + ((first + i) * _padded) + unit, raw[i] + unit); }
                    }
                    RecurrentTile.Gates<L>(n, _hidden, raw, late, g, _plan.Late, _padded);
                }
                for (int i = 0; i < n; i++)
                {
                    float* state = states + ((first + i) * _padded);
                    for (int unit = 0; unit < _padded; unit += L.Width) { L.Store(C.Forward<L>(g[i] + unit, _padded, _norms is not null, state + unit, state + unit), ref *raw[i], unit); }
                    _norms?.Output<L>(state, g[i] + (planes - _padded), raw[i]); // o is the last gate
                }
                if (_projects) { RecurrentTile.Product<L>(n, _hidden, raw, projection, y, _space, add: false); }
                for (int i = 0; i < n; i++) { RecurrentMemory.Copy(_projects ? y[i] : raw[i], _outputs, h[i]); }
            }
        }
    }

    /// <summary>Memory of its own, 0 at first.</summary>
    internal static CpuBlock Own(int rows, int width)
    {
        var block = new CpuBlock(checked(rows * width), pinned: true);
        block.Span.Clear();
        return block;
    }
}
