using System.Globalization;
using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Education.Data;
using DeepEdu.Education.Saved;
using DeepEdu.Io;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Education.Models;

/// <summary>Tells of new learners, from their answers to known items, how well they know each skill: the network stays as it is, and what a learner knows is found as the mode of what its answers say and of how the learners learned from are
/// distributed (mean and deviation of each skill). The file holds nothing of single learners.</summary>
internal sealed class DiagnosisPredictor : IPredictor
{
    public const string Kind = "neuralcd";
    private const int Steps = 300, Together = 200;
    private const double Rate = 0.05;
    private const float LeastDeviation = 0.1f;
    private readonly string[] _items, _skills;
    private readonly int[][] _asks;
    private readonly DiagnosisItems _network;
    private readonly float[] _means, _precisions;

    private DiagnosisPredictor(CheckpointFile saved)
    {
        StateDict known = saved.State("known");
        (_items, _skills) = (known.Texts("items"), known.Texts("skills"));
        long[] asks = known.Longs("asks"), ends = known.Longs("asks_ends");
        _asks = [.. ends.Select((end, i) => asks[(int)(i == 0 ? 0 : ends[i - 1])..(int)end].Select(k => (int)k).ToArray())];
        _means = [.. known.Doubles("means").Select(m => (float)m)];
        _precisions = [.. known.Doubles("deviations").Select(d => (float)(1 / (d * d)))];
        _network = new(_items.Length, _skills.Length, saved.Info.Options.Int("hidden"), 0, new Rng(0));
        _network.LoadWeights(saved.State("network"));
        foreach (var (_, weight) in _network.Parameters()) { weight.Trainable = false; }
    }

    public static IPredictor Load(CheckpointFile saved) => new DiagnosisPredictor(saved);

    /// <summary>What the constructor takes.</summary>
    public static StateDict Sizes(int hidden) => new StateDict().Set("hidden", hidden);

    /// <summary>The network without its learners, how these are distributed, the names and the Q-matrix.</summary>
    public static IReadOnlyList<(string, ISaveState)> Parts(DiagnosisSet set, NeuralDiagnosis network)
    {
        int skills = set.Skills.Length, learners = set.Learners.Length;
        float[] known = network.Learners.ToArray();
        double[] means = [.. Enumerable.Range(0, skills).Select(k => Enumerable.Range(0, learners).Average(l => (double)known[(l * skills) + k]))];
        double[] deviations = [.. Enumerable.Range(0, skills).Select(k => Math.Max(LeastDeviation, Math.Sqrt(Enumerable.Range(0, learners).Average(l => Math.Pow(known[(l * skills) + k] - means[k], 2)))))];
        long end = 0;
        return [("known", new StateDict().Set("items", set.Items).Set("skills", set.Skills).Set("asks", [.. set.Asks.SelectMany(a => a).Select(k => (long)k)]).Set("asks_ends", [.. set.Asks.Select(a => end += a.Length)])
            .Set("means", means).Set("deviations", deviations)), ("network", network.Items)];
    }

    public IEnumerable<string[]> Predict(string path, PredictOptions options)
    {
        yield return ["learner", "skill", "answers", "mastery"];
        foreach (TracedLearner[] learners in DiagnosisSet.Read(path, _items, options.Columns).Chunk(Together))
        {
            float[] mastery = Mastery(learners);
            for (int l = 0; l < learners.Length; l++)
            {
                for (int k = 0; k < _skills.Length; k++)
                {
                    yield return [learners[l].Name, _skills[k], learners[l].Skills.Count(i => _asks[i].Contains(k)).ToString(CultureInfo.InvariantCulture), mastery[(l * _skills.Length) + k].ToString("0.0000", CultureInfo.InvariantCulture)];
                }
            }
        }
    }

    private float[] Mastery(TracedLearner[] learners)
    {
        int n = learners.Length, skills = _skills.Length;
        NeuralDiagnosis network = new(n, _network, new Rng(0));
        Span<float> start = network.Learners.AsSpan();
        for (int i = 0; i < start.Length; i++) { start[i] = _means[i % skills]; }
        int[] items = [.. learners.SelectMany(l => l.Skills)];
        Indices who = Indices.Of([.. learners.SelectMany((l, i) => Enumerable.Repeat(i, l.Count))]);
        float[] right = [.. learners.SelectMany(l => l.Right).Select(r => r ? 1f : 0)];
        Adam adam = new([("learners", network.Learners)], new() { LearningRate = Rate });
        for (int step = 0; step < Steps && items.Length > 0; step++)
        {
            using Tape tape = new(training: false);
            Tensor logits = network.Forward(who, Indices.Of(items), DiagnosisBatch.Asks(items, _asks, skills, CpuDevice.Instance));
            Tensor far = network.Learners - Tensor.Of([1, skills], _means);
            Tensor loss = logits.BinaryCrossEntropyWithLogits(Tensor.Of([items.Length], right), reduction: Reduction.Sum) + ((far.Square() * Tensor.Of([1, skills], _precisions)).Sum() / 2);
            adam.Step(tape.Gradients(loss));
        }
        return [.. network.Learners.ToArray().Select(u => 1 / (1 + MathF.Exp(-u)))];
    }
}
