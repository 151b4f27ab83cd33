using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Training;

/// <summary>What a loss function gives for a batch: the value to make small, the losses that it is made of, and how much the batch counts. A tensor of one value is one.</summary>
public readonly struct Objective
{
    private const string Wanted = "the loss function must give one value";

    private readonly (string Name, Tensor Loss)[]? _parts;
    private readonly Tensor? _total;

    /// <summary>An objective.</summary>
    /// <param name="total">The mean loss of the batch, one value.</param>
    /// <param name="weight">How much the batch counts in the epoch's mean and among batches whose gradients are accumulated: the sum of its sample weights, say. Null: its rows.</param>
    public Objective(Tensor total, double? weight = null)
    {
        ArgumentNullException.ThrowIfNull(total);
        if (total.Size != 1) { throw new ShapeException("objective", $"the loss {total.Shape} is not one value; take its Mean or Sum, or Objective.Weighted of the losses of single samples", total.Shape); }
        (_total, Weight) = (total, weight);
    }

    private Objective(Tensor total, double? weight, (string, Tensor)[] parts) : this(total, weight) => _parts = parts;

    /// <summary>The value to make small.</summary>
    /// <exception cref="InvalidOperationException">There is none: the objective was not made of a loss.</exception>
    public Tensor Total => NullItems.Made(_total, "objective", Wanted);

    /// <summary>How much the batch counts; null: its rows.</summary>
    public double? Weight { get; }

    /// <summary>The losses that the total is made of; none if it is one.</summary>
    public ReadOnlySpan<(string Name, Tensor Loss)> Parts => _parts;

    /// <summary>Σ weight·loss of several losses, each of which is shown under its name.</summary>
    /// <exception cref="ArgumentException">There is no loss, or a name stands twice, or is "loss", the name of the sum.</exception>
    public static Objective Sum(params ReadOnlySpan<(string Name, Tensor Loss, float Weight)> parts)
    {
        if (parts.Length == 0) { throw new ArgumentException("objective: there is no loss to sum", nameof(parts)); }
        Tensor? total = null;
        var named = new (string, Tensor)[parts.Length];
        for (int i = 0; i < parts.Length; i++)
        {
            var (name, loss, weight) = parts[i];
            if (loss is null) { NullItems.Throw(nameof(parts), i, name); }
            if (name == "loss" || IsTaken(named.AsSpan(0, i), name)) { throw new ArgumentException($"objective: \"{name}\" {(name == "loss" ? "is the name of the sum" : "names two losses")}; give another", nameof(parts)); }
            var term = weight == 1 ? loss : loss * weight;
            total = total is null ? term : total + term;
            named[i] = (name, loss);
        }
        return new(total!, null, named);
    }

    private static bool IsTaken(ReadOnlySpan<(string Name, Tensor)> before, string name)
    {
        foreach (var (other, _) in before) { if (other == name) { return true; } }
        return false;
    }

    /// <summary>Σ wᵢlᵢ / Σ wᵢ of the losses of single samples: sample weights, or masks of 0 and 1. The batch counts Σ wᵢ.</summary>
    /// <param name="losses">l [N] or [N, ..], as <c>Reduction.None</c> gives them.</param>
    /// <param name="weights">w, of the same shape; constants.</param>
    /// <exception cref="ShapeException">The shapes differ.</exception>
    public static Objective Weighted(Tensor losses, Tensor weights)
    {
        ArgumentNullException.ThrowIfNull(losses);
        ArgumentNullException.ThrowIfNull(weights);
        if (losses.Shape != weights.Shape) { throw new ShapeException("objective", $"losses {losses.Shape} with weights {weights.Shape}: one weight a loss, as Reduction.None gives them", losses.Shape, weights.Shape); }
        double sum = 0;
        foreach (float w in weights.ToArray()) { sum += w; }
        // a batch that is masked altogether counts nothing and moves nothing
        return new((losses * weights.Detach()).Sum() * (float)(sum > 0 ? 1 / sum : 0), sum);
    }

    /// <summary>The objective of one loss.</summary>
    public static implicit operator Objective(Tensor total) => total is null ? throw new ArgumentNullException(nameof(total), $"objective: {Wanted}, not null") : new(total);
}
