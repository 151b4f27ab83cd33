using DeepEdu.Numerics;

namespace DeepEdu.Education.Text;

/// <summary>How the next token is drawn.</summary>
internal sealed record SamplingOptions
{
    /// <summary>Logits are divided by it: below 1 the likely becomes likelier; 0 takes the likeliest.</summary>
    public double Temperature { get; init; } = 0.8;

    /// <summary>Only so many of the likeliest tokens; 0: all.</summary>
    public int TopK { get; init; }

    /// <summary>Only the likeliest tokens that together have this chance, the last one whole (Holtzman et al. 2020, arXiv:1904.09751); 1: all.</summary>
    public double TopP { get; init; } = 1;

    /// <summary>How many tokens.</summary>
    public int Length { get; init; } = 200;
}

/// <summary>Draws tokens from logits.</summary>
/// <param name="options">How.</param>
/// <param name="rng">Gives one number a token.</param>
/// <param name="never">Tokens that are not drawn, such as the one for unknown characters.</param>
internal sealed class TokenSampler(SamplingOptions options, Rng rng, params int[] never)
{
    /// <summary>The next token.</summary>
    public int Draw(ReadOnlySpan<float> logits)
    {
        var kept = Kept(logits);
        double at = rng.NextDouble();
        foreach (var (token, chance) in kept)
        {
            if ((at -= chance) < 0) { return token; }
        }
        return kept[^1].Token; // rounding
    }

    /// <summary>The tokens that may be drawn, likeliest first and of equal ones the lowest number, and their chances, which sum to 1.</summary>
    public List<(int Token, double Chance)> Kept(ReadOnlySpan<float> logits)
    {
        float[] all = logits.ToArray();
        int[] order = [.. Enumerable.Range(0, all.Length).Where(t => !never.Contains(t)).OrderByDescending(t => all[t])];
        int count = options.Temperature == 0 ? 1 : options.TopK > 0 ? Math.Min(options.TopK, order.Length) : order.Length;
        double[] weights = new double[count];
        for (int i = 0; i < count; i++) { weights[i] = options.Temperature == 0 ? 1 : Math.Exp((all[order[i]] - all[order[0]]) / options.Temperature); }
        double sum = weights.Sum(), reached = 0;
        int kept = 0;
        do { reached += weights[kept++]; } while (kept < count && reached < options.TopP * sum);
        return [.. order.Take(kept).Select((token, i) => (token, weights[i] / reached))];
    }
}
