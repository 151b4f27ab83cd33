using System.Globalization;
using System.Text;
using DeepEdu.Autograd;
using DeepEdu.Nn;
using DeepEdu.Tensors;

namespace DeepEdu.Training;

/// <summary>A loss, or a gradient, that is NaN or infinite. The message names the step, the operation where it came up first, the layer, and the sample of the batch; the weights are
/// as they were before the step.</summary>
public sealed class NonFiniteException : Exception
{
    private NonFiniteException(string message, int step, NonFiniteOp? op, string? layer, int? sample) : base(message) => (Step, Op, Layer, Sample) = (step, op, layer, sample);

    /// <summary>How many steps were taken before.</summary>
    public int Step { get; }

    /// <summary>The operation; null if it is none that was recorded.</summary>
    public NonFiniteOp? Op { get; }

    /// <summary>The path of the layer whose parameters the operation takes, or that comes last before it: "encoder.0".</summary>
    public string? Layer { get; }

    /// <summary>Which sample of the batch is the first bad one, 0 first; for batches of row numbers, the row. Null if the operation's result has no entry a sample.</summary>
    public int? Sample { get; }

    /// <summary>One that another process has met.</summary>
    internal static NonFiniteException Elsewhere(int rank, string message, int step) => new($"rank {rank}: {message}", step, null, null, null);

    internal static NonFiniteException Of<B>(Tape tape, Tensor loss, TrainingRun run, B batch)
    {
        float value = loss.Item();
        var text = new StringBuilder(string.Create(CultureInfo.InvariantCulture,
            $"trainer: {(float.IsFinite(value) ? "a gradient" : "the loss")} of step {run.Step} (epoch {run.Epoch}, batch {run.Batch}) is {(float.IsFinite(value) ? "not finite" : value)}"));
        if (tape.Diagnose(loss) is not { } op) { return new(text.Append("; no recorded operation gave it: is the loss made of constants?").ToString(), run.Step, null, null, null); }
        text.Append(CultureInfo.InvariantCulture, $": {op.Value} comes up first in {(op.Backward ? "the gradient of " : "")}{op.Op}, {op.Shape}");
        var parameters = run.Model.Parameters();
        string? layer = null;
        var spoilt = new List<string>();
        foreach (var (name, parameter) in parameters)
        {
            if (!op.Leaves.Contains(parameter, ReferenceEqualityComparer.Instance)) { continue; }
            layer ??= name.Contains('.', StringComparison.Ordinal) ? name[..name.LastIndexOf('.')] : run.Model.Kind;
            if (Array.Exists(parameter.ToArray(), v => !float.IsFinite(v))) { spoilt.Add(name); }
        }
        if (layer is not null) { text.Append(op.IsDirect ? $", in layer \"{layer}\"" : $", after layer \"{layer}\""); }
        int rows = BatchRows.Of(batch);
        int? sample = op.Shape.Rank > 0 && op.Shape[0] == rows ? op.Index / (op.Shape.Size / rows) : null;
        if (sample is { } place)
        {
            text.Append(CultureInfo.InvariantCulture, $", at sample {place} of the batch");
            if (batch is int[] numbers)
            {
                sample = numbers[place];
                text.Append(CultureInfo.InvariantCulture, $" (row {sample})");
            }
        }
        if (spoilt.Count > 0) { text.Append($"; {string.Join(", ", spoilt)} had been spoilt by an earlier step: TrainerOptions.CheckGradients finds which"); }
        return new(text.ToString(), run.Step, op, layer, sample);
    }
}
