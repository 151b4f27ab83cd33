using DeepEdu.Tensors;

namespace DeepEdu.Metrics;

/// <summary>Any metric group by group: of boys and girls, of skills, of schools; what they have in common is <see cref="Overall"/>. Groups on which the metric is undefined, such as a ROC area where all answers
/// are alike, are left out of differences and named in <see cref="Undefined"/>. Fairlearn's <c>MetricFrame</c> (Bird et al. 2020).
/// <code>
/// MetricFrame&lt;RocAuc> areas = new(() => new RocAuc());
/// areas.For("girls").Add(score, passed);
/// Console.WriteLine(areas.Difference());
/// </code></summary>
/// <param name="create">An empty metric; called once a group.</param>
/// <typeparam name="M">The metric.</typeparam>
public sealed class MetricFrame<M>(Func<M> create) : IMetric<MetricFrame<M>> where M : class, IMetric<M>
{
    private readonly Func<M> _create = create ?? throw new ArgumentNullException(nameof(create));
    private readonly SortedDictionary<string, M> _groups = new(StringComparer.Ordinal);
    private HashSet<object> _made = new(ReferenceEqualityComparer.Instance); // the groups' metrics

    /// <summary>The groups, in the order of their names.</summary>
    public IReadOnlyCollection<string> Groups => _groups.Keys;

    /// <summary>The largest difference of the metric's value between two groups; NaN unless it is defined for two.</summary>
    public double Value => Difference();

    /// <summary>The metric of a group that is there.</summary>
    /// <exception cref="KeyNotFoundException">There is none of this name.</exception>
    public M this[string group] => _groups.TryGetValue(group, out M? metric) ? metric
        : throw new KeyNotFoundException($"metric-frame: no group \"{group}\"; there {(_groups.Count == 0 ? "is none yet" : $"are {string.Join(", ", Groups)}")}. For(\"{group}\") begins it");

    /// <summary>The metric of a group, to add examples to; begun if it is not there.</summary>
    /// <exception cref="InvalidOperationException">The function that makes an empty metric gives null, or one that a group has.</exception>
    public M For(string group)
    {
        ArgumentNullException.ThrowIfNull(group);
        if (!_groups.TryGetValue(group, out M? metric)) { _groups.Add(group, metric = New(_made)); }
        return metric;
    }

    /// <summary>The metric of all examples together, as it is now.</summary>
    public M Overall
    {
        get
        {
            M all = New(new(_made, ReferenceEqualityComparer.Instance));
            foreach (M metric in _groups.Values) { all.Merge(metric); }
            return all;
        }
    }

    /// <summary>The number of each group.</summary>
    /// <param name="value">Which one of the metric's; its value if null.</param>
    public IReadOnlyList<(string Group, double Value)> ByGroup(Func<M, double>? value = null) => [.. _groups.Select(g => (g.Key, value is null ? g.Value.Value : value(g.Value)))];

    /// <summary>The groups for which the number is NaN: too few examples, or none of a kind.</summary>
    /// <param name="value">Which one of the metric's; its value if null.</param>
    public IReadOnlyList<string> Undefined(Func<M, double>? value = null) => [.. ByGroup(value).Where(g => double.IsNaN(g.Value)).Select(g => g.Group)];

    /// <summary>The largest number of a group minus the smallest; NaN unless it is defined for two groups.</summary>
    /// <param name="value">Which one of the metric's; its value if null.</param>
    public double Difference(Func<M, double>? value = null) => Defined(value) is { Length: > 1 } v ? v.Max() - v.Min() : double.NaN;

    /// <summary>The smallest number of a group over the largest, for numbers that are not negative: 1 where all are equal; NaN unless it is defined for two groups, or where all are 0.</summary>
    /// <param name="value">Which one of the metric's; its value if null.</param>
    public double Ratio(Func<M, double>? value = null) => Defined(value) is { Length: > 1 } v ? v.Min() / v.Max() : double.NaN;

    /// <summary>The group that the model serves worst; of equals the first by name.</summary>
    /// <param name="value">Which one of the metric's; its value if null.</param>
    /// <param name="higherIsBetter">False for errors.</param>
    /// <exception cref="InvalidOperationException">The number is defined for no group.</exception>
    public (string Group, double Value) Worst(Func<M, double>? value = null, bool higherIsBetter = true)
    {
        var groups = ByGroup(value).Where(g => !double.IsNaN(g.Value)).ToArray();
        if (groups.Length == 0) { throw new InvalidOperationException($"metric-frame: the metric is defined for none of {_groups.Count} groups; add examples by For(group)"); }
        return higherIsBetter ? groups.MinBy(g => g.Value) : groups.MaxBy(g => g.Value);
    }

    /// <inheritdoc/>
    public IMetric Fresh() => new MetricFrame<M>(_create);

    /// <inheritdoc/>
    public void Reset()
    {
        _groups.Clear();
        _made.Clear();
    }

    /// <inheritdoc/>
    public void SaveState(StateDict to)
    {
        ArgumentNullException.ThrowIfNull(to);
        to.Set("groups", [.. Groups]);
        int i = 0;
        foreach (M metric in _groups.Values) { to.Set($"metric-{i++}", metric); }
    }

    /// <inheritdoc/>
    public void LoadState(StateDict from)
    {
        ArgumentNullException.ThrowIfNull(from);
        Dictionary<string, M> loaded = [];
        HashSet<object> made = new(ReferenceEqualityComparer.Instance);
        foreach (string name in from.Texts("groups"))
        {
            M metric = New(made);
            from.CopyTo($"metric-{loaded.Count}", metric);
            loaded.Add(name, metric);
        }
        Reset();
        foreach (var (name, metric) in loaded) { _groups.Add(name, metric); }
        _made = made;
    }

    /// <inheritdoc/>
    public void Merge(MetricFrame<M> other)
    {
        ArgumentNullException.ThrowIfNull(other);
        foreach (var (name, metric) in other._groups) { For(name).Merge(metric); }
    }

    // one metric for two groups would count the examples of both, and say so nowhere
    private M New(HashSet<object> there)
    {
        M? made = _create();
        return made is not null && there.Add(made) ? made
            : throw new InvalidOperationException($"metric-frame: the function that makes an empty metric gives {(made is null ? "null" : "one that a group has")}; give () => new {typeof(M).Name.Split('`')[0]}(..)");
    }

    private double[] Defined(Func<M, double>? value) => [.. ByGroup(value).Select(g => g.Value).Where(v => !double.IsNaN(v))];
}
