using System.Diagnostics.CodeAnalysis;
using DeepEdu.Tensors;

namespace DeepEdu.Data;

/// <summary>Tokens and their numbers. Never changes once made.
/// <code>
/// var words = Vocabulary.Of(trainTexts.Select(t => t.Split(' ')), size: 4000);
/// int[] tokens = words.Encode(["the", "dog"]);
/// </code></summary>
public sealed class Vocabulary : ISaveState
{
    /// <summary>The token that fills up short sequences; number 0 unless other special tokens are given.</summary>
    public const string Padding = "<pad>";

    /// <summary>The token that stands for all tokens not in the vocabulary; number 1 unless other special tokens are given.</summary>
    public const string Unknown = "<unk>";

    private readonly string[] _tokens;
    private readonly Dictionary<string, int> _numbers;
    private readonly int _unknown;

    /// <summary>These tokens, numbered from 0.</summary>
    /// <exception cref="ArgumentException">A token occurs twice.</exception>
    public Vocabulary(IEnumerable<string> tokens)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        _tokens = [.. tokens];
        _numbers = new(_tokens.Length, StringComparer.Ordinal);
        for (int i = 0; i < _tokens.Length; i++)
        {
            if (!_numbers.TryAdd(_tokens[i], i)) { throw new ArgumentException($"vocabulary: token \"{_tokens[i]}\" is number {_numbers[_tokens[i]]} and {i}", nameof(tokens)); }
        }
        _unknown = _numbers.GetValueOrDefault(Unknown, -1);
    }

    /// <summary>The most frequent tokens of some texts after the special ones; of equal counts the lower code units first, so that it depends on the texts alone.</summary>
    /// <param name="texts">The tokens of the texts to learn from, and of no others.</param>
    /// <param name="size">The most tokens, special ones included.</param>
    /// <param name="atLeast">How often a token must occur.</param>
    /// <param name="special">Tokens with the first numbers; <see cref="Padding"/> and <see cref="Unknown"/> if null.</param>
    public static Vocabulary Of(IEnumerable<IEnumerable<string>> texts, int size = int.MaxValue, int atLeast = 1, string[]? special = null)
    {
        ArgumentNullException.ThrowIfNull(texts);
        special ??= [Padding, Unknown];
        ArgumentOutOfRangeException.ThrowIfLessThan(size, special.Length);
        Dictionary<string, int> counts = new(StringComparer.Ordinal);
        foreach (var (i, text) in texts.Index())
        {
            if (text is null) { NullItems.Throw(nameof(texts), i); }
            foreach (string token in text) { counts[token] = counts.GetValueOrDefault(token) + 1; }
        }
        foreach (string token in special) { counts.Remove(token); }
        return new([.. special, .. counts.Where(c => c.Value >= atLeast).OrderByDescending(c => c.Value).ThenBy(c => c.Key, StringComparer.Ordinal).Take(size - special.Length).Select(c => c.Key)]);
    }

    /// <summary>How many tokens there are.</summary>
    public int Count => _tokens.Length;

    /// <summary>The token of a number.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such number.</exception>
    public string this[int number]
    {
        get
        {
            if ((uint)number >= (uint)_tokens.Length) { ThrowNumber(number, _tokens.Length); }
            return _tokens[number];
        }
    }

    /// <summary>The number of a token, or that of <see cref="Unknown"/>.</summary>
    /// <exception cref="KeyNotFoundException">The token is not there, and there is none for unknown ones.</exception>
    public int this[string token]
    {
        get
        {
            ArgumentNullException.ThrowIfNull(token);
            if (_numbers.TryGetValue(token, out int number)) { return number; }
            if (_unknown < 0) { ThrowToken(token); }
            return _unknown;
        }
    }

    /// <summary>Whether the token has a number of its own.</summary>
    public bool Has(string token)
    {
        ArgumentNullException.ThrowIfNull(token);
        return _numbers.ContainsKey(token);
    }

    /// <summary>The numbers of tokens.</summary>
    public int[] Encode(IEnumerable<string> tokens)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        return [.. tokens.Select(t => this[t])];
    }

    /// <summary>The tokens of numbers.</summary>
    public string[] Decode(ReadOnlySpan<int> numbers)
    {
        string[] tokens = new string[numbers.Length];
        for (int i = 0; i < tokens.Length; i++) { tokens[i] = this[numbers[i]]; }
        return tokens;
    }

    /// <summary>Saves the tokens.</summary>
    public void SaveState(StateDict to)
    {
        ArgumentNullException.ThrowIfNull(to);
        to.Set("tokens", _tokens);
    }

    /// <summary>The vocabulary that was saved.</summary>
    /// <exception cref="InvalidDataException">Something is missing, or a token occurs twice.</exception>
    public static Vocabulary Load(StateDict from)
    {
        ArgumentNullException.ThrowIfNull(from);
        try { return new(from.Texts("tokens")); }
        catch (ArgumentException e) { throw new InvalidDataException(e.Message, e); }
    }

    [DoesNotReturn]
    private static void ThrowNumber(int number, int count) => throw new ArgumentOutOfRangeException(null, $"vocabulary: number {number} is outside 0..{count - 1}");

    [DoesNotReturn]
    private static void ThrowToken(string token) => throw new KeyNotFoundException($"vocabulary: no token \"{token}\", and no {Unknown} to stand for it");
}
