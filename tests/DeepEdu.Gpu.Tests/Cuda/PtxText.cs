using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace DeepEdu.Gpu.Tests.Cuda;

/// <summary>A statement of PTX: an instruction or a directive, or a label before either.</summary>
/// <param name="Line">Where it stands in the text.</param>
/// <param name="Label">The label that ends here, if it is one.</param>
/// <param name="Guard">The predicate before it, such as !%p3.</param>
/// <param name="Name">The instruction with its modifiers, or the directive.</param>
/// <param name="Operands">What follows, without commas.</param>
internal sealed record PtxStatement(int Line, string? Label, string? Guard, string Name, string[] Operands)
{
    public override string ToString() => Label is not null ? $"{Label}:" : $"{(Guard is null ? "" : $"@{Guard} ")}{Name} {string.Join(", ", Operands)}";
}

/// <summary>A variable in shared or local memory, or a parameter.</summary>
internal sealed record PtxVariable(string Name, int Offset, int Bytes);

/// <summary>The text of a module, cut into what its kernels consist of. What it does not know is an error with its line.</summary>
internal sealed partial class PtxText
{
    private readonly string _text;
    private int _at, _line = 1;

    private PtxText(string text) => _text = text;

    /// <summary>Parameters in their order, and the bytes of all.</summary>
    public List<PtxVariable> Parameters { get; } = [];

    public int ParameterBytes { get; private set; }

    public List<PtxStatement> Body { get; } = [];

    /// <summary>Directives between the parameters and the body, such as .maxntid.</summary>
    public List<PtxStatement> Limits { get; } = [];

    /// <summary>Variables in shared memory outside of kernels; one without a size is what a launch asks for.</summary>
    public List<PtxStatement> Outside { get; } = [];

    /// <summary>The kernel of a name.</summary>
    public static PtxText Kernel(string text, string entry)
    {
        PtxText ptx = new(text);
        return ptx.Find(entry) ? ptx : throw new FormatException($"no .entry {entry}");
    }

    private bool Find(string entry)
    {
        bool found = false;
        while (Skip())
        {
            int line = _line;
            string word = Word();
            switch (word)
            {
                case ".version" or ".target" or ".address_size":
                    ToEndOfLine();
                    break;
                case ".visible" or ".extern" or ".weak":
                    break;
                case ".entry":
                    Skip();
                    string name = Word();
                    List<PtxStatement> parameters = Take('(') ? Statements(',', ')') : [], limits = [];
                    while (Skip() && _text[_at] != '{') { limits.Add(Statement(line, LimitText())); }
                    Take('{');
                    var body = Statements(';', '}');
                    if (name == entry)
                    {
                        found = true;
                        Body.AddRange(body);
                        Limits.AddRange(limits);
                        foreach (var p in parameters) { AddParameter(p); }
                    }
                    break;
                case ".shared":
                    Outside.Add(Statement(line, ".shared " + Until(';')));
                    break;
                default:
                    throw new FormatException($"line {line}: {word} is not emulated");
            }
        }
        return found;
    }

    private void AddParameter(PtxStatement p)
    {
        var (align, bytes, name) = Variable(p);
        int at = (ParameterBytes + align - 1) / align * align;
        Parameters.Add(new(name, at, bytes));
        ParameterBytes = at + bytes;
    }

    /// <summary>Alignment, size and name of a variable's declaration; its size is 0 if it has none.</summary>
    public static (int Align, int Bytes, string Name) Variable(PtxStatement s)
    {
        var m = Declared().Match($"{s.Name} {string.Join(", ", s.Operands)}");
        if (!m.Success) { throw new FormatException($"line {s.Line}: {s}: no variable"); }
        int size = int.Parse(m.Groups["bits"].Value, CultureInfo.InvariantCulture) / 8;
        int count = !m.Groups["array"].Success ? 1 : m.Groups["count"].Value.Length == 0 ? 0 : int.Parse(m.Groups["count"].Value, CultureInfo.InvariantCulture);
        return (m.Groups["align"].Success ? int.Parse(m.Groups["align"].Value, CultureInfo.InvariantCulture) : size, size * count, m.Groups["name"].Value);
    }

    // statements up to the closing sign; { } inside a body only limit names, which are not used twice here
    private List<PtxStatement> Statements(char end, char close)
    {
        List<PtxStatement> found = [];
        StringBuilder one = new();
        int depth = 0, line = 0;
        for (; ; )
        {
            if (one.Length == 0 && !Skip()) { throw new FormatException($"line {_line}: no {close}"); }
            char c = Next();
            if (one.Length == 0)
            {
                line = _line;
                if (c == close && depth == 0) { return found; }
                if (c == '{' && close == '}') { depth++; continue; }
                if (c == '}' && depth > 0) { depth--; continue; }
            }
            if (c == close && close == ')' || (c == end && !IsInBrackets(one)))
            {
                if (one.ToString().Trim() is { Length: > 0 } text) { found.Add(Statement(line, text)); }
                one.Clear();
                if (c == close) { return found; }
                continue;
            }
            if (c == ':' && Label().IsMatch(one.ToString()))
            {
                found.Add(new(line, one.ToString().Trim(), null, "", []));
                one.Clear();
                continue;
            }
            one.Append(c);
        }
    }

    private static bool IsInBrackets(StringBuilder text)
    {
        int open = 0;
        for (int i = 0; i < text.Length; i++) { open += text[i] is '{' or '[' ? 1 : text[i] is '}' or ']' ? -1 : 0; }
        return open > 0;
    }

    private static PtxStatement Statement(int line, string text)
    {
        string? guard = null;
        if (text[0] == '@')
        {
            int space = text.IndexOfAny([' ', '\t']);
            (guard, text) = (text[1..space], text[space..].Trim());
        }
        int cut = text.IndexOfAny([' ', '\t', '\n', '\r']);
        string name = cut < 0 ? text : text[..cut], rest = cut < 0 ? "" : text[cut..].Trim();
        List<string> operands = [];
        int depth = 0, from = 0;
        for (int i = 0; i <= rest.Length; i++)
        {
            if (i < rest.Length && rest[i] is '{' or '[' or '(') { depth++; }
            else if (i < rest.Length && rest[i] is '}' or ']' or ')') { depth--; }
            else if ((i == rest.Length || (rest[i] == ',' && depth == 0)) && rest.Length > 0)
            {
                operands.Add(rest[from..i].Trim());
                from = i + 1;
            }
        }
        return new(line, null, guard, name, [.. operands]);
    }

    // over blanks and comments; false at the end
    private bool Skip()
    {
        while (_at < _text.Length)
        {
            if (char.IsWhiteSpace(_text[_at]) || _text[_at] == '\0') { Next(); }
            else if (_text.AsSpan(_at).StartsWith("//")) { ToEndOfLine(); }
            else if (_text.AsSpan(_at).StartsWith("/*"))
            {
                while (!_text.AsSpan(_at).StartsWith("*/")) { Next(); }
                _at += 2;
            }
            else { return true; }
        }
        return false;
    }

    private char Next()
    {
        if (_at >= _text.Length) { throw new FormatException($"line {_line}: the text ends too early"); }
        char c = _text[_at++];
        if (c == '\n') { _line++; }
        if (c == '/' && _at < _text.Length && _text[_at] == '/')
        {
            ToEndOfLine();
            return ' ';
        }
        return c;
    }

    private void ToEndOfLine()
    {
        while (_at < _text.Length && _text[_at] != '\n') { _at++; }
    }

    private bool Take(char c)
    {
        if (!Skip() || _text[_at] != c) { return false; }
        _at++;
        return true;
    }

    private string Word()
    {
        int from = _at;
        while (_at < _text.Length && (char.IsLetterOrDigit(_text[_at]) || _text[_at] is '.' or '_' or '$' or '%')) { _at++; }
        return _at > from ? _text[from.._at] : throw new FormatException($"line {_line}: '{_text[_at]}' begins nothing known");
    }

    private string Until(char end)
    {
        StringBuilder s = new();
        for (char c = Next(); c != end; c = Next()) { s.Append(c); }
        return s.ToString().Trim();
    }

    private string LimitText()
    {
        StringBuilder s = new(Word());
        while (_at < _text.Length && _text[_at] is not ('\n' or '{' or '.')) { s.Append(Next()); }
        return s.ToString().Trim();
    }

    [GeneratedRegex(@"^\s*[\w$]+\s*$")]
    private static partial Regex Label();

    [GeneratedRegex(@"^\.\w+\s+(\.align\s+(?<align>\d+)\s+)?\.[a-z](?<bits>\d+)\s+(?<name>[\w$]+)\s*(?<array>\[\s*(?<count>\d*)\s*\])?$")]
    private static partial Regex Declared();
}
