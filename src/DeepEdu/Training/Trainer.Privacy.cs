using DeepEdu.Autograd;
using DeepEdu.Data;
using DeepEdu.Privacy;

namespace DeepEdu.Training;

public partial class Trainer<B>
{
    private void CheckPrivacy(IBatches<B> training)
    {
        if (_options.Privacy is not { } privacy) { return; }
        if (!ReferenceEquals(privacy.Model, model)) { throw new InvalidOperationException($"trainer: its privacy was made of another model than the {model.Kind} that it trains"); }
        if (!ReferenceEquals(privacy.Batches, training))
        {
            throw new InvalidOperationException("trainer: private steps are counted by the rate of the PoissonBatches that the privacy was made with; fit these. Row numbers are what a private training takes: a Trainer, not a Trainer<B> of a loader's batches");
        }
        if (_options.AccumulateBatches > 1) { throw new InvalidOperationException("trainer: a private training takes one step a batch, so that each is counted; leave AccumulateBatches at 1 and make the batches larger, which costs no memory"); }
    }

    // each row by itself; false when it found a loss that is not finite and training shall stop
    private bool LearnAlone(B batch, PrivateGradients privacy, out int rows)
    {
        int[] all = (int[])(object)batch!;
        rows = all.Length;
        double sum = 0;
        if (_options.Schedule is { } schedule) { optimizer.LearningRate = schedule.At(Run.Step); }
        privacy.Begin();
        foreach (int row in all)
        {
            using var tape = new Tape();
            var one = (B)(object)new[] { row };
            var objective = _draws is null ? _loss(one) : _draws.During(Run, one, _loss);
            float value = objective.Total.Item();
            if (!float.IsFinite(value) && NotFinite(tape, objective.Total, one)) { return false; }
            privacy.Add(tape.Gradients(objective.Total));
            sum += value;
            Run.Saw(value, objective.Weight ?? 1, objective.Parts);
        }
        privacy.Step(optimizer, Bound);
        Run.Learned(sum / all.Length);
        Stepped();
        return true;
    }
}
