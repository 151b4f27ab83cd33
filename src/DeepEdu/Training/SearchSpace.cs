using System.Globalization;
using DeepEdu.Numerics;

namespace DeepEdu.Training;

/// <summary>What a <see cref="Tuner"/> searches: named settings, each with the values that it may have.
/// <code>
/// var space = new SearchSpace().Range("lr", 1e-4, 1e-1, log: true).Whole("hidden", 16, 128).Choice("cell", "lstm", "gru");
/// </code></summary>
public sealed class SearchSpace
{
    private readonly List<Axis> _axes = [];

    /// <summary>The settings, in the order in which they were added.</summary>
    public IReadOnlyList<string> Names => [.. _axes.Select(a => a.Name)];

    /// <summary>A number from <paramref name="low"/> to <paramref name="high"/>, uniform itself or, with <paramref name="log"/>, in its logarithm.</summary>
    /// <exception cref="ArgumentException">The name is there already; the range is empty or not finite; or its logarithm is asked for and it does not lie above 0.</exception>
    public SearchSpace Range(string name, double low, double high, bool log = false) => Add(new(Checked(name, low, high, log), low, high, log, false, []));

    /// <summary>A whole number from <paramref name="low"/> to <paramref name="high"/>, both included; with <paramref name="log"/> small ones as often as their logarithms are far apart.</summary>
    /// <inheritdoc cref="Range"/>
    public SearchSpace Whole(string name, int low, int high, bool log = false) => Add(new(Checked(name, low, high, log), low, high, log, true, []));

    /// <summary>One of some values, each as likely as the others.</summary>
    /// <exception cref="ArgumentException">The name is there already, or there is no value, or one stands twice.</exception>
    public SearchSpace Choice(string name, params string[] values)
    {
        ArgumentNullException.ThrowIfNull(values);
        if (values.Length == 0 || values.Distinct(StringComparer.Ordinal).Count() < values.Length) { throw new ArgumentException($"search-space: {name} is to be one of ({string.Join(", ", values)}); it takes one value or more, each once", nameof(values)); }
        return Add(new(name, 0, values.Length - 1, false, true, [.. values]));
    }

    /// <inheritdoc cref="Choice(string, string[])"/>
    public SearchSpace Choice(string name, params double[] values)
    {
        ArgumentNullException.ThrowIfNull(values);
        return Choice(name, [.. values.Select(v => v.ToString(CultureInfo.InvariantCulture))]);
    }

    /// <summary>How many points there are; infinity where a number of a range is among the settings.</summary>
    public double Count => _axes.Aggregate(1.0, (n, a) => n * a.Count);

    /// <summary>The space in words.</summary>
    public override string ToString() => string.Join("; ", _axes);

    /// <summary>Points drawn at random; all different, and each at most once, where there are so few that all can be listed.</summary>
    internal SearchPoint[] Draw(int points, Rng rng)
    {
        const int listed = 1 << 20;
        if (Count <= listed) { return [.. rng.Permutation((int)Count).Take(points).Select(Numbered)]; }
        return [.. Enumerable.Range(0, points).Select(i =>
        {
            Rng own = rng.Split((ulong)i);
            return new SearchPoint([.. _axes.Select(a => (a.Name, a.Draw(own)))]);
        })];
    }

    // the points in the order of a counter whose last digit is the last setting
    private SearchPoint Numbered(int number)
    {
        var values = new (string, string)[_axes.Count];
        for (int a = _axes.Count - 1; a >= 0; a--)
        {
            int count = (int)_axes[a].Count;
            values[a] = (_axes[a].Name, _axes[a].At(number % count));
            number /= count;
        }
        return new(values);
    }

    private SearchSpace Add(Axis axis)
    {
        ArgumentException.ThrowIfNullOrEmpty(axis.Name);
        if (_axes.Exists(a => a.Name == axis.Name)) { throw new ArgumentException($"search-space: {axis.Name} is searched already"); }
        _axes.Add(axis);
        return this;
    }

    private static string Checked(string name, double low, double high, bool log)
        => double.IsFinite(low) && double.IsFinite(high) && low < high && (!log || low > 0) ? name
            : throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"search-space: {name} from {low} to {high}{(log ? ", in its logarithm" : "")}: it takes a finite range with its lower end first{(log ? ", above 0" : "")}"));

    private sealed record Axis(string Name, double Low, double High, bool Log, bool Whole, string[] Values)
    {
        public double Count => Whole ? High - Low + 1 : double.PositiveInfinity;

        public string At(int place) => Values.Length > 0 ? Values[place] : (Low + place).ToString(CultureInfo.InvariantCulture);

        public string Draw(Rng rng)
        {
            double u = rng.NextDouble();
            // each whole number has the width from half below to half above
            double low = Whole ? Low - (Log ? 0 : 0.5) : Low, high = Whole ? High + (Log ? 0 : 0.5) : High;
            double x = Log ? low * Math.Pow(high / low, u) : low + ((high - low) * u);
            x = Math.Clamp(Whole ? Math.Round(x) : x, Low, High);
            return Values.Length > 0 ? Values[(int)x] : x.ToString(CultureInfo.InvariantCulture);
        }

        public override string ToString() => Values.Length > 0 ? $"{Name} of {string.Join(", ", Values)}"
            : string.Create(CultureInfo.InvariantCulture, $"{Name} from {Low} to {High}{(Whole ? ", whole" : "")}{(Log ? ", log" : "")}");
    }
}

/// <summary>A point of a <see cref="SearchSpace"/>: a value of each setting.</summary>
public sealed class SearchPoint
{
    private readonly (string Name, string Value)[] _values;

    internal SearchPoint((string, string)[] values) => _values = values;

    /// <summary>The settings and their values; numbers in the shortest text that is read as the same number.</summary>
    public IReadOnlyList<(string Name, string Value)> Values => _values;

    /// <summary>The value of a setting.</summary>
    /// <exception cref="KeyNotFoundException">There is no such setting.</exception>
    public string Text(string name) => Array.Find(_values, v => v.Name == name).Value ?? throw new KeyNotFoundException($"search-point: no setting {name}; there are {string.Join(", ", _values.Select(v => v.Name))}");

    /// <summary>The same as a number.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public double Number(string name) => double.Parse(Text(name), CultureInfo.InvariantCulture);

    /// <summary>The same as a whole number.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public int Whole(string name) => int.Parse(Text(name), CultureInfo.InvariantCulture);

    /// <summary>Such as <c>lr 0.003, hidden 64</c>.</summary>
    public override string ToString() => string.Join(", ", _values.Select(v => $"{v.Name} {v.Value}"));
}
