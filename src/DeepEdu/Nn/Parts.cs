using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Text;
using DeepEdu.Numerics;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>What a module is made of, collected by <see cref="Module.Parts"/>. A part's name is the expression that was passed, in snake case: <c>p.Of(_hiddenBias)</c> is
/// "hidden_bias". Two parts of one name are an <see cref="InvalidOperationException"/>.</summary>
public sealed class Parts
{
    private readonly List<(string, Parameter)> _parameters = [];
    private readonly List<(string, Tensor)> _buffers = [];
    private readonly List<(string, Module)> _modules = [];
    private readonly List<(string, Rng)> _streams = [];
    private readonly Dictionary<object, string> _seen = new(ReferenceEqualityComparer.Instance);
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private readonly List<(string, string)> _again = [];
    private string _path = "";

    internal IReadOnlyList<(string Name, Parameter Value)> Parameters => _parameters;

    internal IReadOnlyList<(string Name, Tensor Value)> Buffers => _buffers;

    /// <summary>Parameters, then buffers.</summary>
    internal IEnumerable<(string Name, Tensor Value)> Tensors => _parameters.Select(p => (p.Item1, (Tensor)p.Item2)).Concat(_buffers);

    internal IReadOnlyList<(string Name, Rng Value)> Streams => _streams;

    /// <summary>Further names of what is shared, each with the first one. PyTorch's files have them too.</summary>
    internal IReadOnlyList<(string Name, string First)> Again => _again;

    /// <summary>Modules with their paths, each before what it is made of.</summary>
    internal IReadOnlyList<(string Path, Module Value)> Modules => _modules;

    /// <summary>The name under which saved weights have a tensor: its own or, where they have a shared one under another of its names alone, that.</summary>
    internal string NameIn(ISavedTensors from, string name)
    {
        if (from.Has(name)) { return name; }
        foreach (var (other, first) in _again)
        {
            if (first == name && from.Has(other)) { return other; }
        }
        return name;
    }

    /// <summary>A parameter; nothing if null, such as a bias that is switched off.</summary>
    public Parts Of(Parameter? value, [CallerArgumentExpression(nameof(value))] string name = "")
    {
        if (IsNew(value, name, out string full)) { _parameters.Add((full, value)); }
        return this;
    }

    /// <summary>A parameter under a name that is not a C# expression but another program's.</summary>
    internal void Exactly(string name, Parameter value)
    {
        if (IsNew(value, name, out string full, exactly: true)) { _parameters.Add((full, value)); }
    }

    /// <summary>A buffer likewise.</summary>
    internal void ExactlyBuffer(string name, Tensor value)
    {
        if (IsNew(value, name, out string full, exactly: true)) { _buffers.Add((full, value)); }
    }

    /// <summary>A tensor that is kept but not learned, such as a running mean.</summary>
    public Parts Buffer(Tensor? value, [CallerArgumentExpression(nameof(value))] string name = "")
    {
        if (IsNew(value, name, out string full)) { _buffers.Add((full, value)); }
        return this;
    }

    /// <summary>Random numbers that the module draws while learning, so that training can be taken up where they stood.</summary>
    public Parts Stream(Rng? value, [CallerArgumentExpression(nameof(value))] string name = "")
    {
        if (IsNew(value, name, out string full)) { _streams.Add((full, value)); }
        return this;
    }

    /// <summary>An inner module; nothing if null. Without a name of its own (""), its parts count as the outer module's.</summary>
    public Parts Of(Module? part, [CallerArgumentExpression(nameof(part))] string name = "")
    {
        if (part is null) { return this; }
        string outer = _path;
        if (name.Length > 0) { _path += Snake(name) + "."; }
        string path = _path.TrimEnd('.');
        _modules.Add((path, part));
        part.StandsAt(path);
        part.Parts(this);
        _path = outer;
        return this;
    }

    /// <summary>Inner modules, named by their place: "layers.0", "layers.1".</summary>
    public Parts Of(IEnumerable<Module> parts, [CallerArgumentExpression(nameof(parts))] string name = "")
    {
        ArgumentNullException.ThrowIfNull(parts);
        string prefix = name.Length > 0 ? Snake(name) + "." : "";
        int i = 0;
        foreach (var part in parts)
        {
            if (part is null) { NullItems.Throw(nameof(parts), i); }
            Of(part, $"{prefix}{i++}");
        }
        return this;
    }

    private bool IsNew([NotNullWhen(true)] object? value, string name, out string full, bool exactly = false)
    {
        full = _path + (exactly ? name : Snake(name));
        if (value is null) { return false; }
        if (_seen.TryAdd(value, full)) { return _names.Add(full) || ThrowTwice(full); }
        if (_seen[value] != full) { _again.Add((full, _seen[value])); }
        return false;
    }

    [DoesNotReturn]
    private static bool ThrowTwice(string name) =>
        throw new InvalidOperationException($"parts: two of them are called \"{name}\"; hand over a list whole, p.Of(_layers), or give each a name, p.Of(layer, $\"layers.{{i}}\")");

    // "this._weightHh" → "weight_hh", "@out" → "out"
    private static string Snake(string expression)
    {
        var name = expression.AsSpan();
        if (name.StartsWith("this.")) { name = name[5..]; }
        name = name.TrimStart('@').TrimStart('_').TrimEnd('!');
        var snake = new StringBuilder(name.Length + 4);
        for (int i = 0; i < name.Length; i++)
        {
            char c = name[i];
            if (char.IsUpper(c))
            {
                if (i > 0 && name[i - 1] is not ('.' or '_') && !char.IsUpper(name[i - 1])) { snake.Append('_'); }
                c = char.ToLowerInvariant(c);
            }
            snake.Append(c);
        }
        return snake.ToString();
    }
}
