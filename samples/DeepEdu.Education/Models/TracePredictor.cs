using System.Globalization;
using DeepEdu.Education.Data;
using DeepEdu.Education.Saved;
using DeepEdu.Io;
using DeepEdu.Numerics;
using DeepEdu.Tensors;

namespace DeepEdu.Education.Models;

/// <summary>Tells of new learners, from their answers so far, how likely their next answer to each skill is right: the mean of the networks of all folds.</summary>
internal sealed class TracePredictor : IPredictor
{
    public const string Kind = "dkt";

    /// <summary>So many of a learner's last answers are left out, one by one, to tell what moved a chance.</summary>
    public const int LeftOut = 100;

    private const int Named = 3;
    private readonly string[] _skills;
    private readonly TracingNet[] _folds;

    private TracePredictor(CheckpointFile saved)
    {
        StateDict sizes = saved.Info.Options;
        _skills = saved.State("skills").Texts("names");
        TracingKind kind = TracingKind.Of(sizes.Has("network") ? sizes.Text("network") : TracingKind.Usual); // older files know one kind
        _folds = [.. Enumerable.Range(1, sizes.Int("folds")).Select(f =>
        {
            TracingNet network = kind.Make(_skills.Length, sizes.Int("hidden"), DktPlus.None, null, new Rng(0));
            network.LoadWeights(saved.State($"network-{f}"));
            return network;
        })];
    }

    public static IPredictor Load(CheckpointFile saved) => new TracePredictor(saved);

    /// <summary>What the constructor takes.</summary>
    public static StateDict Sizes(TracingKind kind, int width, int folds) => new StateDict().Set("folds", folds).Set("hidden", width).Set("network", kind.Name);

    /// <summary>The networks and the names of the skills.</summary>
    public static IReadOnlyList<(string, ISaveState)> Parts(string[] skills, IEnumerable<TracingNet> folds)
        => [("skills", new StateDict().Set("names", skills)), .. folds.Select((network, f) => ($"network-{f + 1}", (ISaveState)network))];

    /// <summary>The answers that moved a chance most, the most first; those of less than half a hundredth are not among them.</summary>
    /// <param name="moves">By how much each answer moved it.</param>
    public static IEnumerable<(int Answer, double Move)> Because(double[] moves)
        => moves.Select((m, t) => (t, m)).Where(a => Math.Abs(a.m) >= 0.005).OrderByDescending(a => Math.Abs(a.m)).ThenBy(a => a.t).Take(Named);

    /// <summary>An answer and its move, such as <c>answer 12, s0 right: +0.08</c>; answers are counted from 1.</summary>
    public static string Text(string[] skills, TracedLearner learner, (int Answer, double Move) because)
        => $"answer {because.Answer + 1}, {skills[learner.Skills[because.Answer]]} {(learner.Right[because.Answer] ? "right" : "wrong")}: {EssayPredictor.Points(because.Move)}";

    public IEnumerable<string[]> Predict(string path, PredictOptions options)
    {
        yield return ["learner", "skill", "answers", "chance", .. options.Explain ? (string[])["because"] : []];
        foreach (TracedLearner learner in TracingSet.Read(path, _skills, options.Columns))
        {
            float[][] told = Array.ConvertAll(_folds, f => f.Mastery(learner));
            float[][][] moves = options.Explain ? Array.ConvertAll(_folds, f => f.Moves(learner, LeftOut)) : [];
            for (int s = 0; s < _skills.Length; s++)
            {
                string[] because = options.Explain ? [string.Join("; ", Because([.. Enumerable.Range(0, learner.Count).Select(t => moves.Average(m => (double)m[t][s]))]).Select(b => Text(_skills, learner, b)))] : [];
                yield return [learner.Name, _skills[s], learner.Skills.Count(k => k == s).ToString(CultureInfo.InvariantCulture), told.Average(t => t[s]).ToString("0.0000", CultureInfo.InvariantCulture), .. because];
            }
        }
    }
}
