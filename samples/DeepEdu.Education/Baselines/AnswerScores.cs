using DeepEdu.Education.Data;
using DeepEdu.Education.Report;
using DeepEdu.Metrics;

namespace DeepEdu.Education.Baselines;

/// <summary>What a ranking of all answers is worth for some questions. Where scores tie, numbers are what a random order among them gives.</summary>
internal sealed class AnswerScores
{
    private readonly LeaveOneOutRanking _first = new(1, Ties.Expected), _five = new(5, Ties.Expected);
    private readonly TextOverlap _overlap = new();
    private readonly List<(int Question, double Lead, int Best, bool Right, int Higher, int Tied)> _rows = [];

    public double Mrr => _first.Mrr;

    /// <summary>For each question how far the best answer was ahead, which it was, whether it was right, and how many wrong answers have a higher score than the right one, and the same.</summary>
    public IReadOnlyList<(int Question, double Lead, int Best, bool Right, int Higher, int Tied)> Rows => _rows;

    public static AnswerScores Of(QuestionSet set, int[] questions, IAnswerer answerer)
    {
        AnswerScores made = new();
        foreach (var (q, scores) in questions.Zip(answerer.Scores([.. questions.Select(q => set.Questions[q].Question)])))
        {
            int right = set.Questions[q].Answer, best = Array.IndexOf(scores, scores.Max());
            float[] others = [.. scores.Where((_, a) => a != right)];
            made._first.Add(scores[right], others);
            made._five.Add(scores[right], others);
            made._overlap.Add(set.Answers[best].Words, [set.Answers[right].Words]);
            made._rows.Add((q, Lead(scores), best, best == right, others.Count(o => o > scores[right]), others.Count(o => o == scores[right])));
        }
        return made;
    }

    /// <summary>By how much the best answer's score is ahead of the next: how sure it is.</summary>
    public static double Lead(float[] scores)
    {
        float[] best = [.. scores.OrderDescending().Take(2)];
        return best.Length < 2 ? double.PositiveInfinity : best[0] - best[1];
    }

    /// <summary>The numbers of the report.</summary>
    /// <param name="sure">Answers with a lead below this are not given: answered is the share that are, hit@1_answered the share of these that are right.</param>
    public Score[] Scores(double sure)
    {
        var given = _rows.Where(r => r.Lead >= sure).ToArray();
        return [new("mrr", Mrr), new("hit@1", _first.HitRate), new("hit@5", _five.HitRate), new("token_f1", _overlap.TokenF1), new("answered", given.Length / (double)_rows.Count), new("hit@1_answered", given.Length == 0 ? double.NaN : given.Average(r => r.Right ? 1.0 : 0))];
    }

    /// <summary>The lead that all but a share of the questions reach.</summary>
    public double LeadOfAllBut(double share) => _rows.Select(r => r.Lead).Order().ElementAt((int)(share * (_rows.Count - 1)));
}
