using DeepEdu.Tensors;

namespace DeepEdu.Education.Data;

/// <summary>Makes columns fit for a network: mean 0 and deviation 1 over the rows it was fitted on, at most 4 deviations off, and 0 where a value is missing (NaN). A column of counts that reaches down to 0 and has more
/// than ten values (absences, say) also gives log(1 + count) and whether it is 0, since none at all often means something else than few.</summary>
internal sealed class ColumnScaler : ISaveState
{
    // what is made of a column's value
    private static readonly Func<float, float>[] s_maps = [static v => v, static v => MathF.Log(1 + Math.Max(0, v)), static v => v == 0 ? 1 : 0];
    private const float Limit = 4;
    private readonly int _columns;
    private readonly List<(int Column, int Map, float Mean, float Scale)> _made = [];

    /// <summary>Looks at some rows of a row-major table.</summary>
    public ColumnScaler(float[] table, int columns, int[] rows)
    {
        _columns = columns;
        for (int c = 0; c < columns; c++)
        {
            float[] values = [.. rows.Select(r => table[r * columns + c]).Where(v => !float.IsNaN(v))];
            Add(c, values, 0);
            if (values.Length > 0 && values.Min() == 0 && values.All(float.IsInteger) && values.Distinct().Count() > 10)
            {
                Add(c, values, 1);
                Add(c, values, 2);
            }
        }
    }

    private ColumnScaler(int columns) => _columns = columns;

    /// <summary>Of counts, by fixed numbers that no row was looked at for: half of log(1 + count), and whether it is 0.</summary>
    public static ColumnScaler OfCounts(int columns)
    {
        ColumnScaler scaler = new(columns);
        for (int c = 0; c < columns; c++) { scaler._made.AddRange([(c, 1, 0, 0.5f), (c, 2, 0.5f, 1)]); }
        return scaler;
    }

    /// <summary>How many columns come out.</summary>
    public int Width => _made.Count;

    /// <summary>All rows of a table, scaled.</summary>
    public float[] Apply(float[] table)
    {
        float[] scaled = new float[table.Length / _columns * Width];
        for (int r = 0; r < table.Length / _columns; r++)
        {
            for (int k = 0; k < Width; k++)
            {
                var (column, map, mean, scale) = _made[k];
                float value = table[r * _columns + column];
                scaled[r * Width + k] = float.IsNaN(value) ? 0 : Math.Clamp((s_maps[map](value) - mean) * scale, -Limit, Limit);
            }
        }
        return scaled;
    }

    public void SaveState(StateDict to) => to.Set("columns", _columns).Set("from", [.. _made.Select(m => (long)m.Column)]).Set("map", [.. _made.Select(m => (long)m.Map)])
        .Set("mean", [.. _made.Select(m => (double)m.Mean)]).Set("scale", [.. _made.Select(m => (double)m.Scale)]);

    public static ColumnScaler Load(StateDict from)
    {
        ColumnScaler scaler = new(from.Int("columns"));
        long[] columns = from.Longs("from"), maps = from.Longs("map");
        double[] means = from.Doubles("mean"), scales = from.Doubles("scale");
        for (int k = 0; k < columns.Length; k++) { scaler._made.Add(((int)columns[k], (int)maps[k], (float)means[k], (float)scales[k])); }
        return scaler;
    }

    private void Add(int column, float[] values, int map)
    {
        float[] mapped = Array.ConvertAll(values, v => s_maps[map](v));
        double mean = mapped.Select(v => (double)v).DefaultIfEmpty().Average(), variance = mapped.Select(v => (v - mean) * (v - mean)).DefaultIfEmpty().Average();
        _made.Add((column, map, (float)mean, variance > 1e-12 ? (float)(1 / Math.Sqrt(variance)) : 0));
    }
}
