using System.Runtime.CompilerServices;
using DeepEdu.Devices;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>Adds to row t of x [.., T, width] the wave sin(t/10000^(2i/width)) in column 2i and cos of the same in column 2i + 1: Vaswani et al. 2017, arXiv:1706.03762, section 3.5. Nothing is learned.
/// Neither PyTorch nor Keras has it as a layer.</summary>
public sealed class SinusoidalPositions : Layer
{
    private readonly FixedTable _table;

    /// <summary>A table of places 0 .. max − 1.</summary>
    /// <param name="max">How many places.</param>
    /// <param name="width">Numbers a place.</param>
    public SinusoidalPositions(int max, int width)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(max);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        _table = new([max, width]);
        var values = _table.Here.AsSpan();
        for (int i = 0; i < values.Length; i++)
        {
            int column = i % width;
            double angle = i / width / Math.Pow(10000, column / 2 * 2.0 / width);
            values[i] = (float)(column % 2 == 0 ? Math.Sin(angle) : Math.Cos(angle));
        }
    }

    /// <summary>The waves [max, width].</summary>
    public Tensor Table => _table.Here;

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => Forward(x, 0);

    /// <summary>The same for rows that begin at place <paramref name="past"/>.</summary>
    /// <exception cref="ShapeException">x is not [.., T, width], or reaches beyond the table.</exception>
    public Tensor Forward(Tensor x, int past)
    {
        ArgumentNullException.ThrowIfNull(x);
        try { return x + LearnedPositions.Rows("sinusoidal-positions", _table.On(x.Device), x, past); }
        catch (ShapeException e) when (Places(e)) { throw; }
    }
}

/// <summary>Adds to row t of x [.., T, width] a learned vector, row t of "weight" [max, width]: the positions of BERT and GPT. PyTorch's <c>nn.Embedding(max, width)</c> of 0 .. T − 1, added; Keras'
/// <c>PositionEmbedding</c>.</summary>
public sealed class LearnedPositions : Layer
{
    private readonly Parameter _weight;

    /// <summary>A table of places 0 .. max − 1.</summary>
    /// <param name="max">How many places.</param>
    /// <param name="width">Numbers a place.</param>
    /// <param name="rng">Where the initial values come from; one child stream is taken.</param>
    /// <param name="init">Initial values; N(0, 0.02²) unless given, as GPT and BERT have it.</param>
    public LearnedPositions(int max, int width, Rng rng, Initializer? init = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(max);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentNullException.ThrowIfNull(rng);
        _weight = new([max, width]);
        (init ?? Init.Normal(std: 0.02f))(_weight, rng.Fork());
    }

    /// <summary>The table [max, width].</summary>
    public Parameter Weight => _weight;

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => Forward(x, 0);

    /// <summary>The same for rows that begin at place <paramref name="past"/>.</summary>
    /// <exception cref="ShapeException">x is not [.., T, width], or reaches beyond the table.</exception>
    public Tensor Forward(Tensor x, int past)
    {
        try { return x + Rows("learned-positions", _weight, x, past); }
        catch (ShapeException e) when (Places(e)) { throw; }
    }

    /// <inheritdoc/>
    protected internal override void Parts(Parts p)
    {
        ArgumentNullException.ThrowIfNull(p);
        p.Of(_weight);
    }

    internal static Tensor Rows(string op, Tensor table, Tensor x, int past)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (x.Rank < 2 || x.Shape[^1] != table.Shape[1] || past < 0 || past > table.Shape[0] - x.Shape[^2])
        {
            throw new ShapeException(op, $"x {x.Shape} from place {past} on and a table {table.Shape}: x must be [.., T, {table.Shape[1]}] and end within {table.Shape[0]} places", x.Shape, table.Shape);
        }
        return table.Narrow(0, past, x.Shape[^2]);
    }
}

/// <summary>Turns queries and keys by angles that grow with their place, pair i of place t by t/base^(2i/d): Su et al. 2021, arXiv:2104.09864, eq. 15, 34. Given to <see cref="MultiHeadAttention"/>;
/// nothing is learned. Neither PyTorch 2.0 nor Keras core has it.</summary>
public sealed class RotaryPositions
{
    private readonly FixedTable _cos, _sin;
    private readonly bool _halves;

    /// <summary>Tables for places 0 .. max − 1.</summary>
    /// <param name="max">How many places.</param>
    /// <param name="headWidth">d, the numbers of one head: even.</param>
    /// <param name="radix">The base of the angles.</param>
    /// <param name="halves">Whether pair i is (i, i + d/2), as GPT-NeoX and LLaMA have it; else (2i, 2i + 1), as the paper has it.</param>
    /// <exception cref="ArgumentException">d is odd.</exception>
    public RotaryPositions(int max, int headWidth, double radix = 10000, bool halves = false)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(max);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(headWidth);
        if (headWidth % 2 != 0) { throw new ArgumentException($"rotary-positions: {headWidth} numbers a head do not come in pairs; an even number is needed", nameof(headWidth)); }
        int pairs = headWidth / 2;
        (_halves, _cos, _sin) = (halves, new([max, pairs]), new([max, pairs]));
        Span<float> cos = _cos.Here.AsSpan(), sin = _sin.Here.AsSpan();
        for (int i = 0; i < cos.Length; i++)
        {
            double angle = i / pairs / Math.Pow(radix, i % pairs * 2.0 / headWidth);
            (cos[i], sin[i]) = ((float)Math.Cos(angle), (float)Math.Sin(angle));
        }
    }

    /// <summary>d.</summary>
    public int HeadWidth => 2 * _cos.Here.Shape[1];

    /// <summary>x [.., T, n] with its first heads·d columns turned, its first row at place <paramref name="past"/>.</summary>
    /// <exception cref="ShapeException">A row's place is beyond the table, or n is less than heads·d.</exception>
    public Tensor Forward(Tensor x, int heads = 1, int past = 0)
    {
        ArgumentNullException.ThrowIfNull(x);
        return x.Rotary(_cos.On(x.Device), _sin.On(x.Device), heads, past, _halves);
    }
}

/// <summary>Numbers that nobody learns, where they are needed: made on the processor, copied once to each other device where x is. A copy goes with its device.</summary>
internal sealed class FixedTable(Shape shape)
{
    private readonly ConditionalWeakTable<Device, Tensor> _there = [];

    public Tensor Here { get; } = Tensor.Persistent(shape);

    public Tensor On(Device device)
    {
        if (device == Here.Device) { return Here; }
        return _there.TryGetValue(device, out var known) ? known : _there.GetValue(device, Copy);
    }

    private Tensor Copy(Device device)
    {
        var copy = Tensor.Persistent(Here.Shape, device);
        device.Write(Here.AsSpan(), copy.View);
        return copy;
    }
}
