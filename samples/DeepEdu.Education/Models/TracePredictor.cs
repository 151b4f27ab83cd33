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
    private readonly string[] _skills;
    private readonly TracingNet[] _folds;

    private TracePredictor(CheckpointFile saved)
    {
        StateDict sizes = saved.Info.Options;
        _skills = saved.State("skills").Texts("names");
        _folds = [.. Enumerable.Range(1, sizes.Int("folds")).Select(f =>
        {
            TracingNet network = new(_skills.Length, sizes.Int("hidden"), new Rng(0));
            network.LoadWeights(saved.State($"network-{f}"));
            return network;
        })];
    }

    public static IPredictor Load(CheckpointFile saved) => new TracePredictor(saved);

    /// <summary>What the constructor takes.</summary>
    public static StateDict Sizes(IReadOnlyCollection<TracingNet> folds) => new StateDict().Set("folds", folds.Count).Set("hidden", folds.First().Hidden);

    /// <summary>The networks and the names of the skills.</summary>
    public static IReadOnlyList<(string, ISaveState)> Parts(string[] skills, IEnumerable<TracingNet> folds)
        => [("skills", new StateDict().Set("names", skills)), .. folds.Select((network, f) => ($"network-{f + 1}", (ISaveState)network))];

    public IEnumerable<string[]> Predict(string path, PredictOptions options)
    {
        yield return ["learner", "skill", "answers", "chance"];
        foreach (TracedLearner learner in TracingSet.Read(path, _skills))
        {
            float[][] told = Array.ConvertAll(_folds, f => f.Mastery(learner));
            for (int s = 0; s < _skills.Length; s++)
            {
                yield return [learner.Name, _skills[s], learner.Skills.Count(k => k == s).ToString(CultureInfo.InvariantCulture), told.Average(t => t[s]).ToString("0.0000", CultureInfo.InvariantCulture)];
            }
        }
    }
}
