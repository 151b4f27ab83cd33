using DeepEdu.Devices;
using DeepEdu.Education.Baselines;
using DeepEdu.Education.Data;
using DeepEdu.Memory;
using DeepEdu.Nn;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Education.Models;

/// <summary>A network that tells of each answer, from those before it, how likely it is right. A kind of network says in <see cref="Forward"/> and <see cref="Ask"/> what comes next, and has a line in
/// <see cref="TracingKind"/>; batches, learners longer than the window, trajectories and what moved a chance are the same for all.</summary>
/// <param name="skills">How many there are.</param>
internal abstract class TracingNet(int skills) : Module, ITracer
{
    private const int PredictBatch = 32;

    public abstract string Name { get; }

    /// <summary>In a few words, for the report: what it is made of, and of what size.</summary>
    public abstract string Made { get; }

    public int Skills => skills;

    /// <summary>The most answers before one that are looked at, an even number; null: all.</summary>
    public virtual int? Window => null;

    /// <summary>The logits of the answers after the first, [learners, steps]; after a learner's last they mean nothing.</summary>
    public abstract Tensor Forward(TracedBatch batch);

    /// <summary>The same while learning, and what is added to the log loss of each answer, [learners, steps]; null: nothing.</summary>
    public virtual (Tensor Logits, Tensor? Added) Learn(TracedBatch batch) => (Forward(batch), null);

    public double[] Chances(TracedLearner learner) => Chances([learner])[0];

    /// <summary>The chances of each answer of learners; the first, that nothing is before, gets one half.</summary>
    public double[][] Chances(IReadOnlyList<TracedLearner> learners)
    {
        double[][] chances = [.. learners.Select(l => new double[l.Count])];
        foreach (double[] own in chances) { own.AsSpan(0, Math.Min(1, own.Length)).Fill(0.5); }
        TracedPart[] parts = [.. Enumerable.Range(0, learners.Count).SelectMany(l => Parts(learners[l], l))];
        foreach (TracedPart[] chunk in parts.OrderBy(p => p.Answers.Count).Chunk(PredictBatch))
        {
            int steps = Math.Max(1, chunk[^1].Answers.Count - 1);
            using Arena arena = new();
            ReadOnlySpan<float> told = Forward(TracedBatch.Of([.. chunk.Select(p => p.Answers)], steps, Skills)).Sigmoid().To(CpuDevice.Instance).AsSpan();
            for (int c = 0; c < chunk.Length; c++)
            {
                TracedPart part = chunk[c];
                for (int t = part.Told; t < part.Answers.Count; t++) { chances[part.Learner][part.First + t] = told[(c * steps) + t - 1]; }
            }
        }
        return chances;
    }

    /// <summary>The chance that a learner's next answer to each skill is right.</summary>
    public float[] Mastery(TracedLearner learner)
    {
        using Arena arena = new();
        return Ask(Read([learner])).Sigmoid().ToArray();
    }

    /// <summary>After each answer from the given one on, the chance that the next one to each skill is right.</summary>
    public virtual float[][] Trajectory(TracedLearner learner, int from = 0) => [.. Enumerable.Range(from, learner.Count - from).Select(t => Mastery(learner.First(t + 1)))];

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
            float[] without = Ask(Read([.. chunk.Select(t => learner.Without(t))])).Sigmoid().ToArray();
            for (int i = 0; i < chunk.Length; i++)
            {
                for (int s = 0; s < Skills; s++) { moves[chunk[i]][s] = told[s] - without[(i * Skills) + s]; }
            }
        }
        return moves;
    }

    /// <summary>The logits of a next answer to each skill after answers [learners, answers], at least one and as many of each: [learners, skills].</summary>
    protected abstract Tensor Ask(Indices answers);

    /// <summary>The answers that the next one of learners of equally many is told from, as categories.</summary>
    protected Indices Read(TracedLearner[] learners)
    {
        int count = learners[0].Count, from = From(count);
        return Indices.Wrap([.. learners.SelectMany(l => Enumerable.Range(from, count - from).Select(t => TracedBatch.Category(l, t, Skills)))], [learners.Length, count - from]);
    }

    // Answer t is told from those of From(t) on: from all while they fit into the window; then the window moves on by half of itself at a time, so that more than half of it is always looked at.
    private int From(int t) => Window is not { } most || t <= most ? 0 : most / 2 * ((t - most + (most / 2) - 1) / (most / 2));

    // a learner's answers as far as each is told from the same first one on
    private IEnumerable<TracedPart> Parts(TracedLearner learner, int place)
    {
        for (int told = 1, end; told < learner.Count; told = end)
        {
            int from = From(told);
            end = Window is { } most ? Math.Min(learner.Count, from + most + 1) : learner.Count;
            yield return new(place, from, told - from, learner.Part(from, end));
        }
    }

    private readonly record struct TracedPart(int Learner, int First, int Told, TracedLearner Answers);
}
