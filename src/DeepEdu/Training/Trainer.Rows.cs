using DeepEdu.Data;
using DeepEdu.Memory;
using DeepEdu.Tensors;

namespace DeepEdu.Training;

/// <summary>Trainers of row numbers, for data that lie in memory, and prediction.
/// <code>
/// var trainer = new Trainer(model, new Adam(model.Parameters()), rows => model.Forward(x.IndexSelect(0, rows)).CrossEntropy(labels.Select(rows)));
/// Tensor logits = Trainer.Predict(new Batches(testRows, 256), rows => model.Forward(x.IndexSelect(0, rows)));
/// </code></summary>
/// <inheritdoc/>
public sealed class Trainer(Nn.Module model, Optim.Optimizer optimizer, Func<int[], Objective> loss, TrainerOptions? options = null) : Trainer<int[]>(model, optimizer, loss, options)
{
    /// <summary>A trainer of the batches that some data give, whose kind then needs no writing out.
    /// <code>
    /// var trainer = Trainer.For(loader, model, optimizer, batch => model.Forward(batch.X).CrossEntropy(batch.Y));
    /// trainer.Fit(loader, epochs: 10);
    /// </code></summary>
    /// <param name="data">Tells the kind of batch; nothing is read.</param>
    /// <param name="model">What learns.</param>
    /// <param name="optimizer">Moves the model's parameters.</param>
    /// <param name="loss">The mean loss of a batch.</param>
    /// <param name="options">How to train.</param>
    public static Trainer<T> For<T>(IBatches<T> data, Nn.Module model, Optim.Optimizer optimizer, Func<T, Objective> loss, TrainerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(data);
        return new(model, optimizer, loss, options);
    }

    /// <summary>What a function gives for each row, in use, batch after batch: [rows, ..].</summary>
    /// <param name="data">The rows, not shuffled: they are the order of the result.</param>
    /// <param name="forward">From a batch to a tensor [rows, ..].</param>
    /// <exception cref="ShapeException">A result does not have an entry a row, or there is no row.</exception>
    /// <exception cref="ArgumentException">The rows are shuffled.</exception>
    public static Tensor Predict<T>(IBatches<T> data, Func<T, Tensor> forward)
    {
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(forward);
        if (data is IShuffles { Shuffles: true }) { throw new ArgumentException("predict: shuffled rows would lose their order; make the batches without random numbers", nameof(data)); }
        var values = new List<float>();
        Shape shape = default;
        int seen = 0;
        foreach (var batch in data.Epoch(0))
        {
            using var arena = new Arena();
            var y = NullItems.Made(forward(batch), "predict", "forward must give an entry a row");
            int rows = y.Rank == 0 ? 0 : y.Shape[0];
            if (rows == 0 || (batch is int[] numbers && rows != numbers.Length)) { throw new ShapeException("predict", $"{BatchRows.Of(batch)} rows gave {y.Shape}; the first axis must be the rows", y.Shape); }
            if (seen > 0 && y.Shape.With(0, 1) != shape.With(0, 1)) { throw new ShapeException("predict", $"one batch gave {shape}, another {y.Shape}; only the rows may differ", shape, y.Shape); }
            (shape, seen) = (y.Shape, seen + rows);
            values.AddRange(y.ToArray());
        }
        if (seen == 0) { throw new ShapeException("predict", "there is no row"); }
        return Tensor.Wrap([.. values], shape.With(0, seen));
    }
}
