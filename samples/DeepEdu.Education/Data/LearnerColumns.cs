using DeepEdu.Data;
using DeepEdu.Tensors;

namespace DeepEdu.Education.Data;

/// <summary>How the columns of a table become numbers: numbers stay, names become 0 and 1, one column a name, or one column alone where there are two. Saved with a model, so that
/// new rows become numbers in the same way.</summary>
internal sealed class LearnerColumns : ISaveState
{
    private readonly (string Name, Categories? Names, bool One)[] _columns;

    private LearnerColumns((string, Categories?, bool)[] columns) => _columns = columns;

    /// <summary>A column of names is <c>column=name</c>.</summary>
    public string[] FeatureNames => [.. _columns.SelectMany(c => c.Names is null ? [c.Name] : Kept(c.Names, c.One).Select(n => $"{c.Name}={n}"))];

    /// <summary>All columns of a table but the targets.</summary>
    public static LearnerColumns Of(TypedTable table, params string[] targets) => new([.. table.Columns.Where(c => !targets.Contains(c.Name)).Select(c =>
    {
        Categories? names = c.Numbers is null ? Categories.Fit(c.Names!) : null;
        return (c.Name, names, names?.Names.Count == 2 && c.Missing == 0);
    })]);

    /// <summary>Columns of numbers.</summary>
    public static LearnerColumns Numbers(IEnumerable<string> names) => new([.. names.Select(n => (n, (Categories?)null, false))]);

    /// <summary>The features of a table, row by row; it may have other columns beside. What is missing in a column of numbers is NaN.</summary>
    public float[] Read(TypedTable table)
    {
        List<Func<int, float>> features = [];
        foreach (var (name, names, one) in _columns)
        {
            TypedColumn column = table[name];
            if (names is null)
            {
                float[] numbers = column.Numbers ?? throw DataException.At(table.Path, table.Lines[0], $"{name} = {column.Names![0] ?? "missing"} is not a number.");
                features.Add(r => numbers[r]);
                continue;
            }
            string?[] texts = column.Names ?? throw DataException.At(table.Path, table.Lines[0], $"{name} = {column.Numbers![0]} is a number; expected a name such as '{names.Names[0]}'.");
            if (one && Array.FindIndex(texts, t => names[t] == 0) is var unknown and >= 0)
            {
                throw DataException.At(table.Path, table.Lines[unknown], $"{name} = {texts[unknown] ?? "missing"} is neither '{names.Names[0]}' nor '{names.Names[1]}'.");
            }
            features.AddRange(Kept(names, one).Select(kept => (Func<int, float>)(r => texts[r] == kept ? 1 : 0)));
        }
        return [.. Enumerable.Range(0, table.Rows).SelectMany(r => features.Select(f => f(r)))];
    }

    public void SaveState(StateDict to)
    {
        to.Set("columns", [.. _columns.Select(c => c.Name)]).Set("kinds", [.. _columns.Select(c => c.Names is null ? 0L : c.One ? 1 : 2)]);
        for (int c = 0; c < _columns.Length; c++)
        {
            if (_columns[c].Names is { } names) { to.Set($"names.{c}", names); }
        }
    }

    public static LearnerColumns Load(StateDict from)
    {
        long[] kinds = from.Longs("kinds");
        return new([.. from.Texts("columns").Select((name, c) => (name, kinds[c] == 0 ? null : Categories.Load(from.Part($"names.{c}")), kinds[c] == 1))]);
    }

    private static IEnumerable<string> Kept(Categories names, bool one) => one ? names.Names.Skip(1) : names.Names;
}
