using DeepEdu.Tensors;

namespace DeepEdu.Data;

/// <summary>How a <see cref="Normaliser"/> measures a column.</summary>
public enum Scaling
{
    /// <summary>Mean 0 and standard deviation 1: (x − mean) / √(Σ(x − mean)² / n).</summary>
    Standard,

    /// <summary>Range 0..1: (x − min) / (max − min).</summary>
    MinMax,

    /// <summary>Median 0 and interquartile range 1, which outliers do not move: (x − median) / (q₃ − q₁), quartiles interpolated linearly.</summary>
    Robust,
}

/// <summary>What stands in for a missing value (NaN).</summary>
public enum Missing
{
    /// <summary>Nothing: a missing value is an error.</summary>
    Refuse,

    /// <summary>The column's mean over the rows it was fitted on.</summary>
    Mean,

    /// <summary>The column's median over the rows it was fitted on.</summary>
    Median,
}

/// <summary>Brings the columns of a table to one scale, and fills in what is missing. Fitted on training rows alone and then applied to all, and saved with the model, it lets nothing leak.
/// A column that is constant in training becomes 0 there.
/// <code>
/// var scale = Normaliser.Fit(table, columns: 3, split.Train, Scaling.Standard);
/// float[] ready = scale.Apply(table);
/// </code></summary>
public sealed class Normaliser : ISaveState
{
    private readonly double[] _shift, _scale, _fill;
    private readonly bool _mark;

    private Normaliser(double[] shift, double[] scale, double[] fill, bool mark) => (_shift, _scale, _fill, _mark) = (shift, scale, fill, mark);

    /// <summary>How many columns go in.</summary>
    public int Columns => _shift.Length;

    /// <summary>How many columns come out: twice as many if missing values are marked.</summary>
    public int Width => _mark ? 2 * Columns : Columns;

    /// <summary>Measures the columns over some rows.</summary>
    /// <param name="table">Row-major; missing values are NaN.</param>
    /// <param name="columns">Values a row.</param>
    /// <param name="rows">The rows to measure: those of the training part.</param>
    /// <param name="scaling">What to measure.</param>
    /// <param name="missing">What stands in for missing values.</param>
    /// <param name="mark">Adds a column for each, 1 where its value was missing: that it is missing often means something.</param>
    /// <exception cref="ShapeException">The table is not whole rows.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A row is none of the table's.</exception>
    /// <exception cref="ArgumentException">No row; a value is infinite, or missing where that is refused, or a column has no value in these rows. Names row and column.</exception>
    public static Normaliser Fit(ReadOnlySpan<float> table, int columns, ReadOnlySpan<int> rows, Scaling scaling = Scaling.Standard, Missing missing = Missing.Refuse, bool mark = false)
    {
        CheckTable(table.Length, columns);
        if (rows.Length == 0) { throw new ArgumentException("normaliser: no rows to fit on", nameof(rows)); }
        foreach (int row in rows)
        {
            if ((uint)row >= (uint)(table.Length / columns)) { throw new ArgumentOutOfRangeException(nameof(rows), $"normaliser: row {row} is none of the table's {table.Length / columns}"); }
        }
        double[] shift = new double[columns], scale = new double[columns], fill = new double[columns];
        List<double> values = new(rows.Length);
        for (int c = 0; c < columns; c++)
        {
            values.Clear();
            foreach (int row in rows)
            {
                float value = table[(row * columns) + c];
                if (float.IsInfinity(value)) { throw new ArgumentException($"normaliser: the value in row {row}, column {c} is infinite", nameof(table)); }
                if (!float.IsNaN(value)) { values.Add(value); }
                else if (missing == Missing.Refuse) { ThrowMissing(row, c); }
            }
            if (values.Count == 0) { throw new ArgumentException($"normaliser: column {c} has no value in the {rows.Length} rows to fit on; leave it out", nameof(table)); }
            values.Sort();
            double mean = values.Average(), median = Quantile(values, 0.5);
            (shift[c], double width) = scaling switch
            {
                Scaling.Standard => (mean, Math.Sqrt(values.Sum(v => (v - mean) * (v - mean)) / values.Count)),
                Scaling.MinMax => (values[0], values[^1] - values[0]),
                _ => (median, Quantile(values, 0.75) - Quantile(values, 0.25)),
            };
            // rounding alone makes no column vary
            scale[c] = width > 1e-12 * Math.Max(Math.Abs(values[0]), Math.Abs(values[^1])) ? 1 / width : 1;
            fill[c] = missing == Missing.Refuse ? double.NaN : missing == Missing.Mean ? mean : median;
        }
        return new(shift, scale, fill, mark);
    }

    /// <summary>All rows of a table, scaled: <see cref="Width"/> values a row.</summary>
    /// <exception cref="ShapeException">The table is not whole rows.</exception>
    /// <exception cref="ArgumentException">A value is missing where that is refused.</exception>
    public float[] Apply(ReadOnlySpan<float> table)
    {
        CheckTable(table.Length, Columns);
        int rows = table.Length / Columns;
        float[] scaled = new float[rows * Width];
        for (int r = 0; r < rows; r++)
        {
            for (int c = 0; c < Columns; c++)
            {
                double value = table[(r * Columns) + c];
                if (double.IsNaN(value))
                {
                    value = _fill[c];
                    if (double.IsNaN(value)) { ThrowMissing(r, c); }
                    if (_mark) { scaled[(r * Width) + Columns + c] = 1; }
                }
                scaled[(r * Width) + c] = (float)((value - _shift[c]) * _scale[c]);
            }
        }
        return scaled;
    }

    /// <summary>A scaled value of a column in its own unit again: a prediction, say.</summary>
    public double Invert(int column, double scaled) => (scaled / _scale[column]) + _shift[column];

    /// <summary>Saves what was measured.</summary>
    public void SaveState(StateDict to)
    {
        ArgumentNullException.ThrowIfNull(to);
        to.Set("shift", _shift).Set("scale", _scale).Set("fill", _fill).Set("mark", _mark);
    }

    /// <summary>The normaliser that was saved.</summary>
    /// <exception cref="InvalidDataException">Something is missing or does not fit together.</exception>
    public static Normaliser Load(StateDict from)
    {
        ArgumentNullException.ThrowIfNull(from);
        double[] shift = from.Doubles("shift"), scale = from.Doubles("scale"), fill = from.Doubles("fill");
        if (shift.Length == 0 || shift.Length != scale.Length || shift.Length != fill.Length) { throw new InvalidDataException($"normaliser: {shift.Length} shifts, {scale.Length} scales and {fill.Length} fillings do not fit together"); }
        return new(shift, scale, fill, from.Bool("mark"));
    }

    private static double Quantile(List<double> sorted, double q)
    {
        double at = q * (sorted.Count - 1);
        int low = (int)at;
        return low + 1 < sorted.Count ? sorted[low] + ((at - low) * (sorted[low + 1] - sorted[low])) : sorted[low];
    }

    private static void CheckTable(int values, int columns)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(columns);
        if (values % columns != 0) { throw new ShapeException("normaliser", $"{values} values are not whole rows of {columns}"); }
    }

    private static void ThrowMissing(int row, int column) =>
        throw new ArgumentException($"normaliser: the value in row {row}, column {column} is missing; fit with Missing.Mean or Missing.Median to fill it in");
}
