using DeepEdu.Education.Text;

namespace DeepEdu.Education.Baselines;

/// <summary>Tells and draws the next token of a text.</summary>
internal interface ILanguageModel
{
    string Name { get; }

    /// <summary>The mean negative log-likelihood of the tokens from a place on, each after all before it, in nats.</summary>
    double Nats(int[] text, int from);

    /// <summary>Tokens that go on after some.</summary>
    int[] Continue(int[] prompt, int count, TokenSampler sampler);
}

/// <summary>Counts of n-grams, interpolated down to single tokens (Witten and Bell 1991): p_n(w|h) = (c(hw) + t(h)·p_(n−1)(w|h')) / (c(h) + t(h)), where t(h) is how many different tokens follow h.
/// Of a text that is longer than <see cref="MostCounted"/> the last tokens are counted.</summary>
internal sealed class NGramModel : ILanguageModel
{
    /// <summary>Of words, nearly every run of six is another: each token counted is some 400 bytes.</summary>
    public const int MostCounted = 2_000_000;

    private readonly int _tokens;
    private readonly Dictionary<ulong, (int Count, int Kinds)>[] _contexts;
    private readonly Dictionary<ulong, int>[] _grams;

    /// <param name="text">What is counted.</param>
    /// <param name="tokens">How many different tokens there are.</param>
    /// <param name="order">The longest n-gram.</param>
    public NGramModel(ReadOnlySpan<int> text, int tokens, int order)
    {
        _tokens = tokens;
        text = text[^Math.Min(text.Length, MostCounted)..];
        _contexts = [.. Enumerable.Range(0, order).Select(_ => new Dictionary<ulong, (int, int)>())];
        _grams = [.. Enumerable.Range(0, order).Select(_ => new Dictionary<ulong, int>())];
        for (int at = 0; at < text.Length; at++)
        {
            for (int n = 0; n < order && n <= at; n++)
            {
                ulong context = Hash(text[(at - n)..at]), gram = Next(context, text[at]);
                int count = _grams[n].GetValueOrDefault(gram);
                _grams[n][gram] = count + 1;
                var (all, kinds) = _contexts[n].GetValueOrDefault(context);
                _contexts[n][context] = (all + 1, kinds + (count == 0 ? 1 : 0));
            }
        }
    }

    public string Name => $"{_grams.Length}-gram";

    /// <summary>The order up to <paramref name="most"/> under which the part from a place on is likeliest, counted before it.</summary>
    public static int BestOrder(int[] text, int from, int tokens, int most)
    {
        NGramModel model = new(text.AsSpan(0, from), tokens, most);
        double[] nats = new double[most], chances = new double[most];
        for (int at = from; at < text.Length; at++)
        {
            model.Chances(text.AsSpan(0, at), text[at], chances);
            for (int n = 0; n < most; n++) { nats[n] -= Math.Log(chances[n]); }
        }
        return 1 + Array.IndexOf(nats, nats.Min());
    }

    public double Nats(int[] text, int from)
    {
        double sum = 0;
        double[] chances = new double[_grams.Length];
        for (int at = from; at < text.Length; at++)
        {
            Chances(text.AsSpan(0, at), text[at], chances);
            sum -= Math.Log(chances[^1]);
        }
        return sum / (text.Length - from);
    }

    public int[] Continue(int[] prompt, int count, TokenSampler sampler)
    {
        List<int> text = [.. prompt];
        float[] logits = new float[_tokens];
        double[] chances = new double[_grams.Length];
        for (int i = 0; i < count; i++)
        {
            int[] before = [.. text.TakeLast(_grams.Length)];
            for (int token = 0; token < _tokens; token++)
            {
                Chances(before, token, chances);
                logits[token] = (float)Math.Log(chances[^1]);
            }
            text.Add(sampler.Draw(logits));
        }
        return [.. text.Skip(prompt.Length)];
    }

    /// <summary>The chance of a token after a text, by the n-grams up to each length.</summary>
    private void Chances(ReadOnlySpan<int> before, int token, double[] chances)
    {
        double chance = 1.0 / _tokens;
        for (int n = 0; n < chances.Length; n++)
        {
            if (n <= before.Length)
            {
                ulong context = Hash(before[^n..]);
                if (_contexts[n].TryGetValue(context, out var seen)) { chance = (_grams[n].GetValueOrDefault(Next(context, token)) + (seen.Kinds * chance)) / (seen.Count + seen.Kinds); }
            }
            chances[n] = chance;
        }
    }

    // 64 bits tell a few million contexts apart: two of them meet with a chance under 1 in a million
    private static ulong Hash(ReadOnlySpan<int> context)
    {
        ulong hash = 14695981039346656037;
        foreach (int token in context) { hash = Next(hash, token); }
        return hash;
    }

    private static ulong Next(ulong hash, int token)
    {
        hash = (hash ^ (uint)(token + 1)) * 0x9E3779B97F4A7C15;
        return hash ^ (hash >> 29);
    }
}
