using System.Globalization;
using DeepEdu.Education.Data;
using DeepEdu.Education.Saved;
using DeepEdu.Io;
using DeepEdu.Numerics;
using DeepEdu.Tensors;

namespace DeepEdu.Education.Models;

/// <summary>Tells of new learners, from what they did in the first weeks, how likely they leave later: the mean of the networks of all folds.</summary>
internal sealed class RiskPredictor : IPredictor
{
    public const string Kind = "risk";
    private readonly string[] _kinds;
    private readonly int _weeks;
    private readonly (ColumnScaler Scaler, RiskNet Network)[] _folds;

    private RiskPredictor(CheckpointFile saved)
    {
        StateDict sizes = saved.Info.Options;
        (_weeks, _kinds) = (sizes.Int("weeks"), saved.State("kinds").Texts("names"));
        _folds = [.. Enumerable.Range(1, sizes.Int("folds")).Select(f =>
        {
            ColumnScaler scaler = ColumnScaler.Load(saved.State($"scaler-{f}"));
            RiskNet network = new(scaler.Width, 0.5f, new Rng(0), sizes.Has("hidden") ? sizes.Int("hidden") : RiskNet.Usual); // older files know one width
            network.LoadWeights(saved.State($"network-{f}"));
            return (scaler, network);
        })];
    }

    public static IPredictor Load(CheckpointFile saved) => new RiskPredictor(saved);

    /// <summary>What the constructor takes.</summary>
    public static StateDict Sizes(BehaviourLog log, IReadOnlyList<RiskTrainer> folds) => new StateDict().Set("weeks", log.Weeks).Set("folds", folds.Count).Set("hidden", folds[0].Network.Hidden);

    /// <summary>The networks, their scales, and the names of what is counted.</summary>
    public static IReadOnlyList<(string, ISaveState)> Parts(string[] kinds, IEnumerable<RiskTrainer> folds)
        => [("kinds", new StateDict().Set("names", kinds)), .. folds.SelectMany((t, f) => ((string, ISaveState)[])[($"scaler-{f + 1}", t.Scaler), ($"network-{f + 1}", t.Network)])];

    public IEnumerable<string[]> Predict(string path, PredictOptions options)
    {
        ObservedLearner[] learners = BehaviourReader.Read(path, _kinds, _weeks);
        float[] counts = [.. learners.SelectMany(l => l.Counts)];
        float[][] told = Array.ConvertAll(_folds, f => f.Network.Predict(f.Scaler.Apply(counts), learners.Length).Risks);
        yield return ["learner", "risk"];
        for (int l = 0; l < learners.Length; l++) { yield return [learners[l].Name, told.Average(t => t[l]).ToString("0.0000", CultureInfo.InvariantCulture)]; }
    }
}
