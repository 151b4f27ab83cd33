using DeepEdu.Numerics;
using DeepEdu.Tensors;

namespace DeepEdu.Training;

/// <summary>Looks at which streams of random numbers the first two batches of a training draw from. One that both draw from goes on from step to step, so where it stands belongs into a
/// checkpoint; one that a step makes for itself does not.</summary>
internal sealed class DrawWatch
{
    private HashSet<Rng>? _first;
    private bool _done;

    /// <summary>The loss of a batch.</summary>
    /// <exception cref="InvalidOperationException">A checkpoint would not hold a stream that it draws from, and what is taken up would end with other bits.</exception>
    public Objective During<B>(TrainingRun run, B batch, Func<B, Objective> loss)
    {
        if (_done) { return loss(batch); }
        using var journal = RngJournal.Open();
        var objective = loss(batch);
        if (_first is null) { _first = new(journal.Drawn, ReferenceEqualityComparer.Instance); }
        else
        {
            _first.IntersectWith(journal.Drawn);
            ThrowIfForgotten(run, _first);
            _done = true;
        }
        return objective;
    }

    private static void ThrowIfForgotten(TrainingRun run, HashSet<Rng> drawn)
    {
        if (drawn.Count == 0) { return; }
        var state = new StateDict();
        run.SaveState(state);
        HashSet<(long, long)> saved = [.. state.Names.Select(n => state[n]).OfType<long[]>().Where(v => v.Length == 4).Select(v => (v[0], v[1]))];
        int forgotten = drawn.Count(r => !saved.Contains(((long)r.Seed, (long)r.Stream)));
        if (forgotten > 0)
        {
            throw new InvalidOperationException($"trainer: the loss draws from {forgotten} random streams that no checkpoint holds, so that training could not go on to the same bits; " +
                $"does Parts() of the {run.Model.Kind} name every dropout? Streams of the loss itself belong into TrainerOptions.Streams");
        }
    }
}
