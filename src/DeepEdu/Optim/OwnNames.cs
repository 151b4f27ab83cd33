using DeepEdu.Tensors;

namespace DeepEdu.Optim;

/// <summary>Gives each parameter a name of its own: two models, or two groups, may use one name, and the second "weight" is then "weight#2" in a state.</summary>
/// <param name="op">What errors begin with.</param>
internal sealed class OwnNames(string op)
{
    private readonly HashSet<Tensor> _seen = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<string, int> _times = new(StringComparer.Ordinal);

    /// <summary>The name of the next parameter.</summary>
    /// <exception cref="ArgumentException">It has come before.</exception>
    public string Of(string name, Parameter value)
    {
        if (!_seen.Add(value)) { throw new ArgumentException($"{op}: the parameter \"{name}\" stands in two groups, or twice in one"); }
        int time = _times[name] = _times.GetValueOrDefault(name) + 1;
        return time == 1 ? name : $"{name}#{time}";
    }
}
