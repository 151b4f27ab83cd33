using DeepEdu.Tensors;

namespace DeepEdu.Data;

/// <summary>A column of names as numbers or as one-hot columns. Fitted on training rows alone: a name seen later only is unknown, number 0 and all columns 0.
/// <code>
/// var schools = Categories.Fit(split.Train.Select(r => school[r]));
/// int[] numbers = [.. school.Select(s => schools[s])];
/// </code></summary>
public sealed class Categories : ISaveState
{
    private readonly string[] _names;
    private readonly Dictionary<string, int> _numbers;

    private Categories(string[] names)
    {
        _names = names;
        _numbers = new(names.Length, StringComparer.Ordinal);
        for (int i = 0; i < names.Length; i++)
        {
            if (!_numbers.TryAdd(names[i], i + 1)) { throw new InvalidDataException($"categories: \"{names[i]}\" occurs twice"); }
        }
    }

    /// <summary>The names, in order of their code units; the number of name i is i + 1.</summary>
    public IReadOnlyList<string> Names => _names;

    /// <summary>How many numbers there are, unknown included: the size of an embedding.</summary>
    public int Count => _names.Length + 1;

    /// <summary>The names that occur.</summary>
    /// <param name="values">The column in the training rows; null and the empty name are missing values, and unknown.</param>
    /// <param name="atLeast">How often a name must occur.</param>
    public static Categories Fit(IEnumerable<string?> values, int atLeast = 1)
    {
        ArgumentNullException.ThrowIfNull(values);
        Dictionary<string, int> counts = new(StringComparer.Ordinal);
        foreach (string? value in values)
        {
            if (!string.IsNullOrEmpty(value)) { counts[value] = counts.GetValueOrDefault(value) + 1; }
        }
        return new([.. counts.Where(c => c.Value >= atLeast).Select(c => c.Key).Order(StringComparer.Ordinal)]);
    }

    /// <summary>The number of a name, from 1; 0 if it is unknown or missing.</summary>
    public int this[string? name] => name is null ? 0 : _numbers.GetValueOrDefault(name);

    /// <summary>A name as the class to predict: 0 for the first of <see cref="Names"/>, which turns it back.</summary>
    /// <exception cref="ArgumentException">The name is unknown: what training did not have cannot be predicted.</exception>
    public int Label(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return this[name] is var number and > 0 ? number - 1 : throw new ArgumentException($"categories: \"{name}\" is none of the {_names.Length} names", nameof(name));
    }

    /// <summary>Writes <c>Names.Count</c> values: 1 at the name's place, 0 elsewhere and for an unknown one.</summary>
    /// <exception cref="ShapeException">There is not room for one value a name.</exception>
    public void OneHot(string? name, Span<float> to)
    {
        if (to.Length != _names.Length) { throw new ShapeException("categories", $"room for {to.Length} values, one-hot of {_names.Length} names needs {_names.Length}"); }
        to.Clear();
        if (this[name] is var number and > 0) { to[number - 1] = 1; }
    }

    /// <summary>Saves the names.</summary>
    public void SaveState(StateDict to)
    {
        ArgumentNullException.ThrowIfNull(to);
        to.Set("names", _names);
    }

    /// <summary>The categories that were saved.</summary>
    /// <exception cref="InvalidDataException">Something is missing, or a name occurs twice.</exception>
    public static Categories Load(StateDict from)
    {
        ArgumentNullException.ThrowIfNull(from);
        return new(from.Texts("names"));
    }
}
