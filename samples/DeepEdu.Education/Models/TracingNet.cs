using DeepEdu.Devices;
using DeepEdu.Education.Baselines;
using DeepEdu.Education.Data;
using DeepEdu.Memory;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Education.Models;

/// <summary>Deep knowledge tracing (Piech et al. 2015, arXiv:1506.05908): an LSTM reads skill and answer as one category, skill + skills·right, and tells of every skill how likely the next answer to it is right.</summary>
internal sealed class TracingNet : Module, ITracer
{
    private const int PredictBatch = 32;
    private readonly Lstm _lstm;
    private readonly Dropout _dropout;
    private readonly Dense _output;

    public TracingNet(int skills, int hidden, Rng rng)
    {
        (Skills, Hidden) = (skills, hidden);
        _lstm = new(2 * skills, hidden, rng, forgetBias: 1);
        _dropout = new(0.5f, rng);
        _output = new(hidden, skills, rng);
    }

    public string Name => "DKT";

    public int Skills { get; }

    public int Hidden { get; }

    /// <summary>The logits of the answers after the first, [learners, steps]; after a learner's last they mean nothing.</summary>
    /// <param name="learners">Of each skills and answers, one beside the other.</param>
    /// <param name="steps">The longest's answers, less one.</param>
    public Tensor Forward(IReadOnlyList<TracedLearner> learners, int steps)
    {
        int[] read = new int[learners.Count * steps], next = new int[learners.Count * steps];
        for (int l = 0; l < learners.Count; l++)
        {
            for (int t = 0; t < learners[l].Count - 1; t++) { (read[(l * steps) + t], next[(l * steps) + t]) = (Category(learners[l], t), learners[l].Skills[t + 1]); }
        }
        Indices lengths = Indices.Wrap([.. learners.Select(l => l.Count - 1)], [learners.Count]);
        Tensor states = _lstm.Run(Indices.Wrap(read, [learners.Count, steps]), lengths: lengths).Output;
        return _output.Forward(_dropout.Forward(states)).Gather(2, Indices.Wrap(next, [learners.Count, steps, 1])).Squeeze(2);
    }

    public double[] Chances(TracedLearner learner) => Chances([learner])[0];

    /// <summary>The chances of each answer of learners; the first, that nothing is before, gets one half.</summary>
    public double[][] Chances(IReadOnlyList<TracedLearner> learners)
    {
        double[][] chances = [.. learners.Select(l => new double[l.Count])];
        foreach (int[] chunk in Enumerable.Range(0, learners.Count).OrderBy(i => learners[i].Count).Chunk(PredictBatch))
        {
            int steps = Math.Max(1, learners[chunk[^1]].Count - 1);
            using Arena arena = new();
            ReadOnlySpan<float> told = Forward([.. chunk.Select(i => learners[i])], steps).Sigmoid().To(CpuDevice.Instance).AsSpan();
            for (int c = 0; c < chunk.Length; c++)
            {
                double[] own = chances[chunk[c]];
                for (int t = 0; t < own.Length; t++) { own[t] = t == 0 ? 0.5 : told[(c * steps) + t - 1]; }
            }
        }
        return chances;
    }

    /// <summary>The chance that a learner's next answer to each skill is right.</summary>
    public float[] Mastery(TracedLearner learner)
    {
        using Arena arena = new();
        int[] read = [.. Enumerable.Range(0, learner.Count).Select(t => Category(learner, t))];
        Tensor last = _lstm.Run(Indices.Wrap(read, [1, read.Length])).State.H.Squeeze(0);
        return _output.Forward(last).Sigmoid().ToArray();
    }

    protected override void Parts(Parts p) => p.Of(_lstm).Of(_dropout).Of(_output);

    private int Category(TracedLearner learner, int t) => learner.Skills[t] + (learner.Right[t] ? Skills : 0);
}
