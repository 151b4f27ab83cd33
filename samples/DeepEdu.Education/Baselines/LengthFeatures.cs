using DeepEdu.Education.Text;

namespace DeepEdu.Education.Baselines;

/// <summary>What an essay's length alone tells: the baseline that a grader must beat to have read anything.</summary>
internal static class LengthFeatures
{
    public static float[] Of(string essay)
    {
        List<string> tokens = EssayWords.Split(essay);
        string[] words = [.. tokens.Where(t => char.IsLetter(t[0]))];
        float sentences = Math.Max(1, tokens.Count(t => t[0] is '.' or '!' or '?')), count = Math.Max(1, words.Length);
        return [essay.Length, words.Length, MathF.Sqrt(count), MathF.Sqrt(MathF.Sqrt(count)), sentences, count / sentences,
            words.Sum(w => w.Length) / count, words.Distinct().Count()];
    }
}
