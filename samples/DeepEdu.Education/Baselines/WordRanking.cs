using DeepEdu.Education.Data;

namespace DeepEdu.Education.Baselines;

/// <summary>Gives each answer a score for a question: higher is better, the scale is its own.</summary>
internal interface IAnswerer
{
    string Name { get; }

    /// <summary>For each question the scores of all answers, made when they are asked for: all at once would be questions times answers.</summary>
    IEnumerable<float[]> Scores(IReadOnlyList<WordedText> questions);
}

/// <summary>Ranks answers by the words that they share with the question.</summary>
internal sealed class WordRanking : IAnswerer
{
    private readonly Dictionary<string, List<(int Answer, float Weight)>> _answers = [];
    private readonly int _count;

    private WordRanking(string name, WordedText[] answers, Func<int, int, int, double, double> weight)
    {
        (Name, _count) = (name, answers.Length);
        var counts = answers.SelectMany((a, at) => a.Words.GroupBy(w => w).Select(g => (Word: g.Key, Answer: at, Count: g.Count()))).ToLookup(c => c.Word);
        double mean = answers.Average(a => (double)a.Words.Length);
        foreach (var word in counts) { _answers[word.Key] = [.. word.Select(c => (c.Answer, (float)weight(c.Count, word.Count(), answers.Length, answers[c.Answer].Words.Length / mean)))]; }
    }

    public string Name { get; }

    /// <summary>BM25 with k = 1.2 and b = 0.75 (Robertson and Zaragoza 2009, eq. 3.15).</summary>
    public static WordRanking Bm25(WordedText[] answers) => new("BM25", answers, (count, having, all, length) => Math.Log(1 + ((all - having + 0.5) / (having + 0.5))) * count * 2.2 / (count + (1.2 * (0.25 + (0.75 * length)))));

    /// <summary>The cosine of TF-IDF vectors.</summary>
    public static WordRanking TfIdf(WordedText[] answers)
    {
        WordRanking made = new("TF-IDF", answers, (count, having, all, _) => count * Math.Pow(Math.Log((1.0 + all) / (1 + having)) + 1, 2)); // a square: the question's weight has the same factor
        double[] lengths = new double[answers.Length];
        for (int a = 0; a < answers.Length; a++) { lengths[a] = Math.Sqrt(answers[a].Words.GroupBy(w => w).Sum(g => Math.Pow(g.Count() * (Math.Log((1.0 + answers.Length) / (1 + made._answers[g.Key].Count)) + 1), 2))); }
        foreach (var list in made._answers.Values)
        {
            for (int i = 0; i < list.Count; i++) { list[i] = (list[i].Answer, (float)(list[i].Weight / Math.Max(lengths[list[i].Answer], 1e-9))); }
        }
        return made;
    }

    public IEnumerable<float[]> Scores(IReadOnlyList<WordedText> questions) => questions.Select(Scores);

    private float[] Scores(WordedText question)
    {
        float[] scores = new float[_count];
        foreach (string word in question.Words)
        {
            foreach (var (answer, weight) in _answers.GetValueOrDefault(word, [])) { scores[answer] += weight; }
        }
        return scores;
    }
}
