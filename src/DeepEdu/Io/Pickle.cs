using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace DeepEdu.Io;

/// <summary>Builds what a pickle describes: dictionaries, lists, tuples, numbers, texts. A pickle is a program; here nothing that it names is looked up or run: a class is its name, an object
/// the class and what it was made of. Protocols 2 to 5, the instructions that PyTorch writes.</summary>
internal sealed class Pickle
{
    private readonly byte[] _code;
    private readonly List<object?> _stack = [];
    private readonly List<int> _marks = [];
    private readonly Dictionary<int, object?> _memo = [];
    private int _at;

    private Pickle(byte[] code) => _code = code;

    /// <summary>A class or function, by name.</summary>
    public sealed record Name(string Text);

    /// <summary>A thing that lies outside the pickle.</summary>
    public sealed record Outside(object? Id);

    /// <summary>What a call of a class or function would give.</summary>
    public sealed record Made(Name Of, object?[] From);

    /// <summary>The object; dictionaries are lists of pairs.</summary>
    /// <exception cref="InvalidDataException">The pickle is broken, or uses an instruction that is not known.</exception>
    public static object? Read(byte[] code) => new Pickle(code).Run();

    private object? Run()
    {
        while (true)
        {
            byte op = Take(1)[0];
            switch (op)
            {
                case (byte)'.': return Pop();
                case 0x80: Take(1); break;
                case 0x95: Take(8); break;
                case (byte)'N': _stack.Add(null); break;
                case 0x88: _stack.Add(true); break;
                case 0x89: _stack.Add(false); break;
                case (byte)'K': _stack.Add((long)Take(1)[0]); break;
                case (byte)'M': _stack.Add((long)BinaryPrimitives.ReadUInt16LittleEndian(Take(2))); break;
                case (byte)'J': _stack.Add((long)BinaryPrimitives.ReadInt32LittleEndian(Take(4))); break;
                case 0x8a: { BigInteger n = new(Take(Take(1)[0])); _stack.Add(n >= long.MinValue && n <= long.MaxValue ? (long)n : (object)n); break; } // a generator's seed may have more than 64 bits
                case (byte)'G': _stack.Add(BinaryPrimitives.ReadDoubleBigEndian(Take(8))); break;
                case (byte)'X' or (byte)'T': _stack.Add(Text(BinaryPrimitives.ReadInt32LittleEndian(Take(4)))); break;
                case 0x8c or (byte)'U': _stack.Add(Text(Take(1)[0])); break;
                case 0x8d: _stack.Add(Text(Long())); break;
                case (byte)'B': Take(BinaryPrimitives.ReadInt32LittleEndian(Take(4))); _stack.Add(null); break;
                case 0x8e or 0x96: Take(Long()); _stack.Add(null); break;
                case (byte)'C': Take(Take(1)[0]); _stack.Add(null); break;
                case (byte)'c': _stack.Add(new Name($"{Line()}.{Line()}")); break;
                case 0x93: { string name = Pop<string>(), module = Pop<string>(); _stack.Add(new Name($"{module}.{name}")); break; }
                case (byte)'q': _memo[Take(1)[0]] = Top(); break;
                case (byte)'r': _memo[BinaryPrimitives.ReadInt32LittleEndian(Take(4))] = Top(); break;
                case 0x94: _memo[_memo.Count] = Top(); break;
                case (byte)'h': _stack.Add(Remembered(Take(1)[0])); break;
                case (byte)'j': _stack.Add(Remembered(BinaryPrimitives.ReadInt32LittleEndian(Take(4)))); break;
                case (byte)'(': _marks.Add(_stack.Count); break;
                case (byte)')': _stack.Add(Array.Empty<object?>()); break;
                case (byte)'}': _stack.Add(new List<KeyValuePair<object?, object?>>()); break;
                case (byte)']' or 0x8f: _stack.Add(new List<object?>()); break;
                case (byte)'t' or 0x91: _stack.Add(Marked()); break;
                case 0x85 or 0x86 or 0x87: _stack.Add(Last(op - 0x84)); break;
                case (byte)'a': Append(Last(1)); break;
                case (byte)'e' or 0x90: Append(Marked()); break;
                case (byte)'s': Put(Last(2)); break;
                case (byte)'u': Put(Marked()); break;
                case (byte)'Q': _stack.Add(new Outside(Pop())); break;
                case 0x92: { Pop(); var from = Pop<object?[]>(); _stack.Add(Make(Pop<Name>(), from)); break; } // named arguments too
                case (byte)'R' or 0x81: { var from = Pop<object?[]>(); _stack.Add(Make(Pop<Name>(), from)); break; }
                case (byte)'b': Pop(); break; // an object's inner state
                case (byte)'0': Pop(); break;
                default: throw new InvalidDataException($"its pickle has the instruction 0x{op:x2} at {_at - 1}, which is not known");
            }
        }
    }

    private object? Make(Name of, object?[] from) => of.Text switch
    {
        "collections.OrderedDict" => new List<KeyValuePair<object?, object?>>(),
        "torch._utils._rebuild_parameter" => from.Length > 0 ? from[0] : throw Broken("a parameter is made of nothing"),
        _ => new Made(of, from),
    };

    private void Append(object?[] items)
    {
        if (Top() is List<object?> to) { to.AddRange(items); }
        else if (Top() is not Made) { throw Broken($"{Shown(Top())} stands where a list is needed"); } // an object may be filled like one
    }

    private void Put(object?[] pairs)
    {
        // an object that is no dictionary may be filled like one
        if (Top() is not List<KeyValuePair<object?, object?>> to) { return; }
        for (int i = 0; i + 1 < pairs.Length; i += 2) { to.Add(new(pairs[i], pairs[i + 1])); }
    }

    private object? Top() => _stack.Count > 0 ? _stack[^1] : throw Broken("there is nothing to take");

    private T Top<T>() => Top() is T top ? top : throw Broken($"{Shown(_stack[^1])} stands where a {typeof(T).Name} is needed");

    private object? Pop()
    {
        var top = Top();
        _stack.RemoveAt(_stack.Count - 1);
        return top;
    }

    private T Pop<T>()
    {
        var top = Top<T>();
        _stack.RemoveAt(_stack.Count - 1);
        return top;
    }

    private object?[] Last(int n)
    {
        if (n < 0 || n > _stack.Count) { throw Broken($"{n} values are taken where {_stack.Count} are"); }
        object?[] items = [.. _stack.TakeLast(n)];
        _stack.RemoveRange(_stack.Count - n, n);
        return items;
    }

    private object?[] Marked()
    {
        if (_marks.Count == 0) { throw Broken("no mark stands where one is needed"); }
        int mark = _marks[^1];
        _marks.RemoveAt(_marks.Count - 1);
        return Last(_stack.Count - mark);
    }

    // a length of eight bytes
    private int Long()
    {
        long n = BinaryPrimitives.ReadInt64LittleEndian(Take(8));
        return n is >= 0 and <= int.MaxValue ? (int)n : throw Broken($"{n} bytes are too many");
    }

    private object? Remembered(int at) => _memo.TryGetValue(at, out var value) ? value : throw Broken($"nothing is remembered under {at}");

    private ReadOnlySpan<byte> Take(int n)
    {
        if (n < 0 || n > _code.Length - _at) { throw Broken($"{n} bytes are read where {_code.Length - _at} are left"); }
        var bytes = _code.AsSpan(_at, n);
        _at += n;
        return bytes;
    }

    private string Text(int bytes) => Encoding.UTF8.GetString(Take(bytes));

    private string Line()
    {
        int length = _code.AsSpan(_at).IndexOf((byte)'\n');
        if (length < 0) { throw Broken("a line has no end"); }
        string line = Text(length);
        _at++;
        return line;
    }

    private static string Shown(object? value) => value is null ? "nothing" : $"a {value.GetType().Name}";

    private InvalidDataException Broken(string why) => new($"its pickle is broken before byte {_at}: {why}");
}
