using DeepEdu.Autograd;
using DeepEdu.Data;
using DeepEdu.Memory;
using DeepEdu.Nn;
using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Training;

/// <summary>The loop around a model: epochs of steps, validation, the best epoch kept, progress, cancellation. A batch is a list of row numbers, from which the loss takes its
/// inputs; so it serves data of any form, and models of several inputs or losses.
/// <code>
/// var trainer = new Trainer(model, new Adam(model.Parameters()), rows => model.Forward(x.IndexSelect(0, rows)).CrossEntropy(labels.Select(rows)));
/// var history = trainer.Fit(new Batches(trainRows, 64, rng), epochs: 10, validation: new Batches(validationRows, 256));
/// Tensor logits = Trainer.Predict(new Batches(testRows, 256), rows => model.Forward(x.IndexSelect(0, rows)));
/// </code></summary>
/// <param name="model">What learns.</param>
/// <param name="optimizer">Moves the model's parameters.</param>
/// <param name="loss">The mean loss of some rows, a single value.</param>
/// <param name="options">How to train.</param>
public sealed class Trainer(Module model, Optimizer optimizer, Func<int[], Tensor> loss, TrainerOptions? options = null)
{
    private readonly TrainerOptions _options = options ?? new();

    /// <summary>Trains. With validation rows the model ends as it was after the epoch with the best score (see <see cref="TrainerOptions.Score"/>), else as it is after the last.</summary>
    /// <param name="training">The rows to learn from; their order in each epoch follows from their seed and the epoch's number.</param>
    /// <param name="epochs">How often all rows are seen.</param>
    /// <param name="validation">Rows that are evaluated, not learned from, after each epoch.</param>
    /// <param name="stop">Looked at before each step. A stopped epoch does not count.</param>
    public History Fit(Batches training, int epochs, Batches? validation = null, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(training);
        ArgumentOutOfRangeException.ThrowIfNegative(epochs);
        var history = new History();
        Snapshot? best = null;
        int worse = 0;
        for (int epoch = 0; epoch < epochs; epoch++)
        {
            long began = Environment.TickCount64;
            if (RunEpoch(training, epoch, epochs, stop) is not { } mean)
            {
                history.Stopped = true;
                break;
            }
            double? unseen = validation is null ? null : Evaluate(validation);
            var result = new EpochResult(epoch, mean, unseen, _options.Score?.Invoke(), (Environment.TickCount64 - began) / 1000.0);
            history.Add(result, _options.HigherIsBetter);
            _options.Progress?.Epoch(result, epochs, history.Best == epoch);
            if (result.Judged is null) { continue; }
            if (history.Best == epoch) { (best, worse) = (model.Snapshot(), 0); }
            else if (++worse > _options.Patience) { break; }
        }
        if (best is not null) { model.Restore(best); }
        return history;
    }

    /// <summary>The mean loss over rows, in use: no dropout, running statistics, no gradient.</summary>
    public double Evaluate(Batches rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        double sum = 0;
        int seen = 0;
        foreach (int[] batch in rows.Epoch(0))
        {
            using var arena = new Arena();
            sum += (double)loss(batch).Item() * batch.Length;
            seen += batch.Length;
        }
        return sum / seen;
    }

    /// <summary>What a function gives for each row, in use, batch after batch: [rows, ..].</summary>
    /// <param name="rows">The rows, not shuffled: they are the order of the result.</param>
    /// <param name="forward">From row numbers to a tensor [rows, ..].</param>
    /// <exception cref="ShapeException">A result does not have an entry a row, or there is no row.</exception>
    /// <exception cref="ArgumentException">The rows are shuffled.</exception>
    public static Tensor Predict(Batches rows, Func<int[], Tensor> forward)
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(forward);
        if (rows.Shuffles) { throw new ArgumentException("predict: shuffled rows would lose their order; make the batches without random numbers", nameof(rows)); }
        var values = new List<float>();
        Shape shape = default;
        int seen = 0;
        foreach (int[] batch in rows.Epoch(0))
        {
            using var arena = new Arena();
            var y = forward(batch);
            if (y.Rank == 0 || y.Shape[0] != batch.Length) { throw new ShapeException("predict", $"{batch.Length} rows gave {y.Shape}; the first axis must be the rows", y.Shape); }
            (shape, seen) = (y.Shape, seen + batch.Length);
            values.AddRange(y.ToArray());
        }
        if (seen == 0) { throw new ShapeException("predict", "there is no row"); }
        return Tensor.Wrap([.. values], shape.With(0, seen));
    }

    // the mean loss, or null when stopped
    private double? RunEpoch(Batches training, int epoch, int epochs, CancellationToken stop)
    {
        double sum = 0;
        int step = 0, seen = 0;
        foreach (int[] batch in training.Epoch(epoch))
        {
            if (stop.IsCancellationRequested) { return null; }
            if (_options.Schedule is { } schedule) { optimizer.LearningRate = schedule.At((epoch * training.Count) + step); }
            sum += (double)Step(batch) * batch.Length;
            seen += batch.Length;
            _options.Progress?.Step(epoch, epochs, ++step, training.Count, sum / seen);
        }
        return sum / seen;
    }

    private float Step(int[] batch)
    {
        using var tape = new Tape();
        var value = loss(batch);
        var gradients = tape.Gradients(value);
        if (_options.ClipNorm is { } limit) { Clip.ByNorm(gradients, limit); }
        optimizer.Step(gradients);
        return value.Item();
    }
}
