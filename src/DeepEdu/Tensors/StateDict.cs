using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Runtime.CompilerServices;
using DeepEdu.Devices;
using DeepEdu.Numerics;

namespace DeepEdu.Tensors;

/// <summary>Values under names: whole numbers, numbers, texts, arrays of them, tensors. What goes into a checkpoint, and the settings and metrics in its manifest. Names with a
/// common prefix make a part: "optimizer.weight.step" is "weight.step" of <c>Part("optimizer")</c>. Names keep the order in which they were set.</summary>
public sealed class StateDict : IStateful, ISavedTensors
{
    private readonly OrderedDictionary<string, object> _values;
    private readonly HashSet<string> _read;
    private readonly string _prefix;

    /// <summary>An empty one.</summary>
    public StateDict() : this([], new(StringComparer.Ordinal), "") { }

    private StateDict(OrderedDictionary<string, object> values, HashSet<string> read, string prefix) => (_values, _read, _prefix) = (values, read, prefix);

    /// <summary>The names, without the prefix of the part.</summary>
    public IReadOnlyList<string> Names => Under(_values.Keys);

    /// <summary>The names that nobody has asked for: after loading, what the file holds and the program does not know.</summary>
    public IReadOnlyList<string> Unread => Under(_values.Keys.Where(k => !_read.Contains(k)));

    /// <summary>The values whose names begin with <paramref name="name"/> and a dot, under the rest of their names; both see each other's changes.</summary>
    public StateDict Part(string name)
    {
        ThrowIfUnnamed(name);
        return new(_values, _read, $"{_prefix}{name}.");
    }

    /// <summary>Whether there is such a value.</summary>
    public bool Has(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return _values.ContainsKey(_prefix + name);
    }

    /// <summary>Sets a whole number.</summary>
    public StateDict Set(string name, long value) => Put(name, value);

    /// <summary>Sets a number. Not-a-number and the infinities are kept.</summary>
    public StateDict Set(string name, double value) => Put(name, value);

    /// <summary>Sets a truth value.</summary>
    public StateDict Set(string name, bool value) => Put(name, value);

    /// <summary>Sets a text.</summary>
    public StateDict Set(string name, string value) => Put(name, value);

    /// <summary>Sets whole numbers; the array is not copied.</summary>
    public StateDict Set(string name, long[] values) => Put(name, values);

    /// <summary>Sets numbers; the array is not copied.</summary>
    public StateDict Set(string name, double[] values) => Put(name, values);

    /// <summary>Sets texts, such as the words of a vocabulary; the array is not copied.</summary>
    public StateDict Set(string name, string[] values) => Put(name, values);

    /// <summary>Sets a tensor; it is not copied.</summary>
    public StateDict Set(string name, Tensor value) => Put(name, value);

    /// <summary>Sets where a stream of random numbers stands, and which one it is.</summary>
    public StateDict Set(string name, Rng value)
    {
        ArgumentNullException.ThrowIfNull(value);
        return Put(name, (long[])[(long)value.Seed, (long)value.Stream, (long)value.Position, (long)value.Forks]);
    }

    /// <summary>Sets everything that <paramref name="value"/> saves, as a part.</summary>
    public StateDict Set(string name, ISaveState value)
    {
        ArgumentNullException.ThrowIfNull(value);
        value.SaveState(Part(name));
        return this;
    }

    /// <summary>A whole number.</summary>
    /// <exception cref="InvalidDataException">It is missing, or of another kind; so with all of these.</exception>
    public long Long(string name) => Get<long>(name, "a whole number");

    /// <summary>A whole number that fits 32 bits.</summary>
    public int Int(string name)
    {
        long value = Long(name);
        if (value != (int)value) { Throw($"\"{_prefix}{name}\" is {value}, which does not fit 32 bits"); }
        return (int)value;
    }

    /// <summary>A number; a whole one counts too.</summary>
    public double Double(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return _values.GetValueOrDefault(_prefix + name) is long ? Long(name) : Get<double>(name, "a number");
    }

    /// <summary>A truth value.</summary>
    public bool Bool(string name) => Get<bool>(name, "a truth value");

    /// <summary>A text.</summary>
    public string Text(string name) => Get<string>(name, "a text");

    /// <summary>Whole numbers; not a copy.</summary>
    public long[] Longs(string name) => Get<long[]>(name, "whole numbers");

    /// <summary>Numbers; not a copy.</summary>
    public double[] Doubles(string name) => Get<double[]>(name, "numbers");

    /// <summary>Texts; not a copy.</summary>
    public string[] Texts(string name) => Get<string[]>(name, "texts");

    /// <summary>A tensor; not a copy.</summary>
    public Tensor Tensor(string name) => Get<Tensor>(name, "a tensor");

    /// <summary>The tensor of this name if it has the given shape.</summary>
    public Tensor Tensor(string name, Shape shape)
    {
        var value = Tensor(name);
        if (value.Shape != shape) { Throw($"\"{_prefix}{name}\" is {value.Shape} there and {shape} here"); }
        return value;
    }

    /// <summary>Writes the tensor of this name over one of the same shape.</summary>
    public void CopyTo(string name, Tensor to)
    {
        ArgumentNullException.ThrowIfNull(to);
        to.CopyFrom(Tensor(name, to.Shape));
    }

    /// <summary>Moves a stream of random numbers to where it stood.</summary>
    /// <exception cref="InvalidDataException">It is another stream: training was begun with another seed, or the parts were made in another order.</exception>
    public void CopyTo(string name, Rng to)
    {
        ArgumentNullException.ThrowIfNull(to);
        var saved = Stream(name, to);
        (to.Position, to.Forks) = (saved.Position, saved.Forks);
    }

    /// <summary>The stream as it stood, if it is the same one as <paramref name="like"/>.</summary>
    internal Rng Stream(string name, Rng like)
    {
        ArgumentNullException.ThrowIfNull(like);
        long[] saved = Longs(name);
        if (saved.Length != 4) { Throw($"\"{_prefix}{name}\" is no random stream"); }
        if ((ulong)saved[0] != like.Seed || (ulong)saved[1] != like.Stream)
        {
            Throw($"\"{_prefix}{name}\" is a random stream of seed {(ulong)saved[0]}, stream {(ulong)saved[1]}; here it is seed {like.Seed}, stream {like.Stream}: to go on with a training, give the same seed and make the parts in the same order; where only the weights are wanted, take them with LoadWeights, or model.Load of a file");
        }
        return new(like.Seed, like.Stream) { Position = (ulong)saved[2], Forks = (ulong)saved[3] };
    }

    /// <summary>Lets an object take over its part.</summary>
    public void CopyTo(string name, IStateful to)
    {
        ArgumentNullException.ThrowIfNull(to);
        to.LoadState(Part(name));
    }

    /// <summary>Puts all values into another, so that a few values of one's own, such as the number of the step, can be a part of a checkpoint.</summary>
    public void SaveState(StateDict to)
    {
        ArgumentNullException.ThrowIfNull(to);
        foreach (string name in Names) { to[name] = this[name]; }
    }

    /// <summary>Takes over all values of another, in place of its own.</summary>
    public void LoadState(StateDict from)
    {
        ArgumentNullException.ThrowIfNull(from);
        var all = from.Names.Select(name => (name, from[name])).ToArray(); // it may be a part of this one
        foreach (string name in Names) { _values.Remove(_prefix + name); }
        foreach (var (name, value) in all) { Put(name, value); }
    }

    /// <summary>The names, a line each, with the shapes of tensors, the lengths of arrays, and single values as they are.</summary>
    public override string ToString() => string.Join('\n', Names.Select(name => $"{name} {_values[_prefix + name] switch
    {
        Tensor t => $"float32{t.Shape}",
        Array a => $"{a.GetType().GetElementType()!.Name.ToLowerInvariant()}[{a.Length}]",
        string text => $"\"{text}\"",
        var value => Convert.ToString(value, CultureInfo.InvariantCulture),
    }}"));

    /// <summary>What an object saves now, in copies that its later changes leave alone.</summary>
    internal static StateDict CopyOf(ISaveState value)
    {
        StateDict own = new(), copy = new();
        value.SaveState(own);
        foreach (string name in own.Names)
        {
            copy[name] = own[name] switch
            {
                Tensor t => Tensors.Tensor.Wrap(t.ToArray(), t.Shape),
                Array a => a.Clone(),
                var single => single,
            };
        }
        return copy;
    }

    /// <summary>The value of this name in words, that are the same for the same value.</summary>
    internal string Shown(string name) => this[name] switch
    {
        Array a => string.Join(", ", a.Cast<object>().Select(v => Convert.ToString(v, CultureInfo.InvariantCulture))),
        var value => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    /// <summary>The names of tensors.</summary>
    IEnumerable<string> ISavedTensors.TensorNames => Names.Where(n => _values[_prefix + n] is Tensor);

    Shape ISavedTensors.ShapeOf(string name) => Tensor(name).Shape;

    /// <summary>The value as it is, for writers of files.</summary>
    internal object this[string name]
    {
        get => Get<object>(name, "a value");
        set => Put(name, value);
    }

    private StateDict Put(string name, object value, [CallerArgumentExpression(nameof(value))] string? nameOfValue = null)
    {
        ThrowIfUnnamed(name);
        ArgumentNullException.ThrowIfNull(value, nameOfValue);
        if (!_values.TryAdd(_prefix + name, value)) { throw new ArgumentException($"state: \"{_prefix}{name}\" is set twice; give one of the parts another name"); }
        return this;
    }

    private T Get<T>(string name, string kind)
    {
        ArgumentNullException.ThrowIfNull(name);
        string full = _prefix + name;
        if (!_values.TryGetValue(full, out object? value)) { Throw($"\"{full}\" is missing; was it saved by another kind of object, or by an earlier version?"); }
        _read.Add(full);
        if (value is T typed) { return typed; }
        Throw($"\"{full}\" is not {kind}, but a {value.GetType().Name}");
        return default;
    }

    private List<string> Under(IEnumerable<string> names) =>
        [.. names.Where(k => k.StartsWith(_prefix, StringComparison.Ordinal)).Select(k => k[_prefix.Length..])];

    private static void ThrowIfUnnamed(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (string.IsNullOrEmpty(name)) { throw new ArgumentException("state: a value needs a name", nameof(name)); }
    }

    [DoesNotReturn]
    private static void Throw(string what) => throw new InvalidDataException($"state: {what}");
}
