namespace DeepEdu.Education.Data;

/// <summary>Makes columns fit for a network: mean 0 and deviation 1 over the rows it was fitted on, at most 4 deviations off. A column of counts that reaches down to 0 and has more
/// than ten values (absences, say) also gives log(1 + count) and whether it is 0, since none at all often means something else than few.</summary>
internal sealed class ColumnScaler
{
    private const float Limit = 4;
    private readonly int _columns;
    private readonly List<(int Column, Func<float, float> Map, float Mean, float Scale)> _made = [];

    /// <summary>Looks at some rows of a row-major table.</summary>
    public ColumnScaler(float[] table, int columns, int[] rows)
    {
        _columns = columns;
        for (int c = 0; c < columns; c++)
        {
            float[] values = Array.ConvertAll(rows, r => table[r * columns + c]);
            Add(c, values, static v => v);
            if (values.Min() == 0 && values.All(float.IsInteger) && values.Distinct().Count() > 10)
            {
                Add(c, values, static v => MathF.Log(1 + Math.Max(0, v)));
                Add(c, values, static v => v == 0 ? 1 : 0);
            }
        }
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
                scaled[r * Width + k] = Math.Clamp((map(table[r * _columns + column]) - mean) * scale, -Limit, Limit);
            }
        }
        return scaled;
    }

    private void Add(int column, float[] values, Func<float, float> map)
    {
        double mean = values.Average(v => (double)map(v)), variance = values.Average(v => (map(v) - mean) * (map(v) - mean));
        _made.Add((column, map, (float)mean, variance > 1e-12 ? (float)(1 / Math.Sqrt(variance)) : 0));
    }
}
