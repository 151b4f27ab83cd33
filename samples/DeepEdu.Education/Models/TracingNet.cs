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
        Tensor last = _lstm.Run(Read([learner])).State.H.Squeeze(0);
        return _output.Forward(last).Sigmoid().ToArray();
    }

    /// <summary>After each answer, the chance that the next one to each skill is right.</summary>
    public float[][] Trajectory(TracedLearner learner)
    {
        using Arena arena = new();
        Tensor states = _lstm.Run(Read([learner])).Output.Squeeze(0);
        return [.. _output.Forward(states).Sigmoid().ToArray().Chunk(Skills)];
    }

    /// <summary>How much each of a learner's answers moves the chance that the next one to each skill is right: that chance, less what it is if this answer had not been given (occlusion). Zero for answers before the last
    /// <paramref name="last"/>, which are not left out, and for a learner's only one.</summary>
    public float[][] Moves(TracedLearner learner, int last)
    {
        float[][] moves = [.. Enumerable.Range(0, learner.Count).Select(_ => new float[Skills])];
        if (learner.Count < 2) { return moves; }
        float[] told = Mastery(learner);
        foreach (int[] chunk in Enumerable.Range(0, learner.Count).TakeLast(last).Chunk(PredictBatch))
        {
            using Arena arena = new();
            Tensor after = _lstm.Run(Read([.. chunk.Select(t => learner.Without(t))])).State.H.Squeeze(0);
            float[] without = _output.Forward(after).Sigmoid().ToArray();
            for (int i = 0; i < chunk.Length; i++)
            {
                for (int s = 0; s < Skills; s++) { moves[chunk[i]][s] = told[s] - without[(i * Skills) + s]; }
            }
        }
        return moves;
    }

    protected override void Parts(Parts p) => p.Of(_lstm).Of(_dropout).Of(_output);

    // learners of equally many answers
    private Indices Read(TracedLearner[] learners) => Indices.Wrap([.. learners.SelectMany(l => Enumerable.Range(0, l.Count).Select(t => Category(l, t)))], [learners.Length, learners[0].Count]);

    private int Category(TracedLearner learner, int t) => learner.Skills[t] + (learner.Right[t] ? Skills : 0);
}
