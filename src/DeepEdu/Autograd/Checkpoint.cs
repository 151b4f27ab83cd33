using DeepEdu.Memory;
using DeepEdu.Numerics;
using DeepEdu.Tensors;

namespace DeepEdu.Autograd;

/// <summary>Trades time for memory: what a part of a network computes on the way to its output is given back at once and computed again on the way back. With n parts of one size, memory
/// falls towards 1/n of it and one more forward pass is paid. Chen et al. 2016, arXiv:1604.06174, §4. <c>torch.utils.checkpoint</c>.
/// <code>
/// foreach (var block in blocks) { x = Checkpoint.Run(block.Forward, x); }
/// </code>
/// The second run draws the same random numbers and moves no running statistics, so gradients are those of the part itself, bit for bit. It must compute the same thing twice: no
/// state of one's own that changes between. Gradients of tables are whole there, not rows.</summary>
public static class Checkpoint
{
    /// <summary>f(x), without remembering how.</summary>
    /// <param name="f">A part of a network; the parameters it uses get their gradients.</param>
    /// <param name="x">Its input.</param>
    public static Tensor Run(Func<Tensor, Tensor> f, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(f);
        return Run(inputs => f(inputs[0]), [x]);
    }

    /// <summary>f(inputs), without remembering how.</summary>
    /// <param name="f">A part of a network. Tensors that it uses and does not get as inputs are constants, unless they are parameters.</param>
    /// <param name="inputs">Its inputs.</param>
    public static Tensor Run(Func<Tensor[], Tensor> f, Tensor[] inputs)
    {
        ArgumentNullException.ThrowIfNull(f);
        ArgumentNullException.ThrowIfNull(inputs);
        NullItems.ThrowIfAny<Tensor>(inputs);
        // nothing would be remembered anyway
        if (Tape.Recording is not { } outer) { return Made(f(inputs)); }
        Tensor y;
        Tensor[] leaves;
        RngJournal journal;
        using (var inner = new Tape(outer.Training, outer.Replays))
        {
            Tensor made;
            using (journal = RngJournal.Open()) { made = Made(f(Array.ConvertAll(inputs, x => x.Detach()))); }
            y = made.Keep().Detach();
            leaves = inner.Leaves();
            if (made.IsLeaf && !leaves.Contains(made)) { leaves = [.. leaves, made]; } // a parameter as it is
        }
        Tensor[] all = [.. inputs, .. leaves];
        if (Tape.For(all) is null) { return y; }
        outer.AddRecordable([y], all, (dOutputs, dInputs) =>
        {
            using var replay = journal.Replay();
            if (Tape.Recording is not null)
            {
                outer.Through(() => [Made(f(inputs))], dOutputs, all, dInputs);
                return;
            }
            using var inner = new Tape(outer.Training, replays: true);
            Tensor[] again = Array.ConvertAll(inputs, x => outer.Wants(x) ? inner.Watch(x.Detach()) : x.Detach());
            var output = Made(f(again));
            if (!inner.Wants(output)) { return; }
            var gradients = inner.Gradients(output, dOutputs[0]!);
            for (int i = 0; i < all.Length; i++) { dInputs[i] = gradients.Find(i < again.Length ? again[i] : all[i])?.Keep(); }
        });
        return y;
    }

    private static Tensor Made(Tensor? y) => NullItems.Made(y, "checkpoint", "f must give the output of its part");
}
