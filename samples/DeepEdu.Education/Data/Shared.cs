namespace DeepEdu.Education.Data;

/// <summary>What is made of names that occur again and again, made and kept once.</summary>
/// <param name="make">Of a name.</param>
internal sealed class Shared<T>(Func<string, T> make)
{
    private readonly Dictionary<string, T> _known = new(StringComparer.Ordinal);

    public T this[string name]
    {
        get
        {
            if (!_known.TryGetValue(name, out T? known)) { _known.Add(name, known = make(name)); }
            return known;
        }
    }
}
