using System.Globalization;
using System.Text;

namespace DeepEdu.Tensors;

/// <summary>Writes a tensor down as PyTorch does: 4 decimals or, where the values span too much, scientific; columns aligned; of more than 1000 values the first and
/// last three of each axis.</summary>
internal ref struct TensorText
{
    private const int Threshold = 1000, Edge = 3, LineWidth = 80, Decimals = 4;
    private const string Prefix = "tensor(";

    private readonly ReadOnlySpan<float> _values;
    private readonly Shape _shape;
    private readonly bool _summarize;
    private readonly StringBuilder _text;
    private double _least, _largest;
    private bool _whole, _scientific;
    private int _width;

    private TensorText(ReadOnlySpan<float> values, Shape shape)
    {
        _values = values;
        (_shape, _text) = (shape, new(Prefix));
        _summarize = shape.Size > Threshold;
        (_least, _largest, _whole, _width) = (double.PositiveInfinity, 0, true, 1);
    }

    /// <summary>Such as "tensor([[1.0000, 0.5000]])".</summary>
    public static string Of(ReadOnlySpan<float> values, Shape shape, string? device)
    {
        var t = new TensorText(values, shape);
        if (shape.Size == 0) { t._text.Append(shape.Rank == 1 ? "[]" : $"[], size=({string.Join(", ", shape.Sizes.ToArray())})"); }
        else
        {
            t.ChooseFormat();
            t.Write(0, 0, Prefix.Length);
        }
        if (device is not null) { t._text.Append($", device='{device}'"); }
        return t._text.Append(')').ToString();
    }

    // one format for all values that are shown
    private void ChooseFormat()
    {
        Measure(0, 0, widths: false);
        if (_largest == 0) { return; }
        _scientific = _largest / _least > 1000 || _largest > 1e8 || (!_whole && _least < 1e-4);
        Measure(0, 0, widths: true);
    }

    private void Measure(int axis, int at, bool widths)
    {
        if (axis < _shape.Rank)
        {
            int n = _shape[axis], step = _shape.Product(axis + 1, _shape.Rank);
            for (int i = 0; i < n; i = Next(i, n)) { Measure(axis + 1, at + (i * step), widths); }
            return;
        }
        float v = _values[at];
        if (v == 0 || !float.IsFinite(v)) { return; }
        if (widths) { _width = Math.Max(_width, Text(v).Length); return; }
        _least = Math.Min(_least, Math.Abs((double)v));
        _largest = Math.Max(_largest, Math.Abs((double)v));
        _whole &= v == MathF.Floor(v);
    }

    private void Write(int axis, int at, int indent)
    {
        int left = _shape.Rank - axis;
        if (left == 0) { _text.Append(Padded(_values[at])); return; }
        int n = _shape[axis], step = _shape.Product(axis + 1, _shape.Rank), perLine = Math.Max(1, (LineWidth - indent) / (_width + 2)), written = 0;
        _text.Append('[');
        for (int i = 0; i < n; i = Next(i, n))
        {
            Separate(left, indent, perLine, written++);
            if (left == 1) { _text.Append(Padded(_values[at + i])); }
            else { Write(axis + 1, at + (i * step), indent + 1); }
            if (Next(i, n) != i + 1)
            {
                Separate(left, indent, perLine, written++);
                _text.Append(left == 1 ? " ..." : "...");
            }
        }
        _text.Append(']');
    }

    private readonly void Separate(int left, int indent, int perLine, int written)
    {
        if (written == 0) { return; }
        if (left > 1) { _text.Append(',').Append('\n', left - 1).Append(' ', indent + 1); }
        else if (written % perLine == 0) { _text.Append(",\n").Append(' ', indent + 1); }
        else { _text.Append(", "); }
    }

    private readonly int Next(int i, int n) => _summarize && n > 2 * Edge && i == Edge - 1 ? n - Edge : i + 1;

    private readonly string Padded(float v) => Text(v).PadLeft(_width);

    private readonly string Text(float v)
    {
        if (float.IsNaN(v)) { return "nan"; }
        if (float.IsInfinity(v)) { return v > 0 ? "inf" : "-inf"; }
        if (_scientific) { return Scientific(v); }
        if (_whole) { return v.ToString("F0", CultureInfo.InvariantCulture) + "."; }
        // a float times 10⁴ is exact in double; halves go to even, as in C
        return (Math.Round(v * 1e4) / 1e4).ToString("F4", CultureInfo.InvariantCulture);
    }

    private static string Scientific(float v)
    {
        // all digits that a float has, to round halves to even
        string exact = Math.Abs((double)v).ToString("E149", CultureInfo.InvariantCulture);
        int exponent = int.Parse(exact.AsSpan(exact.IndexOf('E', StringComparison.Ordinal) + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        int kept = ((exact[0] - '0') * 10_000) + int.Parse(exact.AsSpan(2, Decimals), CultureInfo.InvariantCulture);
        int half = string.CompareOrdinal(exact[(2 + Decimals)..151], "5".PadRight(149 - Decimals, '0'));
        if (half > 0 || (half == 0 && (kept & 1) == 1)) { kept++; }
        if (kept == 100_000) { (kept, exponent) = (10_000, exponent + 1); }
        return $"{(float.IsNegative(v) ? "-" : "")}{kept / 10_000}.{kept % 10_000:0000}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}";
    }
}
