using System.Globalization;
using DeepEdu.Tensors;

namespace DeepEdu.Training;

/// <summary>What one epoch gave.</summary>
/// <param name="Epoch">Its number, 0 first.</param>
/// <param name="Steps">Steps of the optimiser so far.</param>
/// <param name="Values">Numbers by name: "loss", the losses it is made of, metrics, "learning_rate", and what validation gave, with "val_" before its name.</param>
/// <param name="Seconds">How long it took, validation included.</param>
public sealed record EpochResult(int Epoch, int Steps, IReadOnlyDictionary<string, double> Values, double Seconds)
{
    /// <summary>The mean loss while learning, dropout and all.</summary>
    public double Loss => this["loss"];

    /// <summary>The mean loss on the validation data; null without them.</summary>
    public double? ValidationLoss => Values.TryGetValue("val_loss", out double loss) ? loss : null;

    /// <summary>A number by name.</summary>
    /// <exception cref="KeyNotFoundException">There is none of this name; the message lists those that are.</exception>
    public double this[string name] => Values.TryGetValue(name, out double value) ? value
        : throw new KeyNotFoundException($"epoch: there is no \"{name}\"; there are {string.Join(", ", Values.Keys)}{(name.StartsWith("val_", StringComparison.Ordinal) && ValidationLoss is null ? "; was Fit given validation data?" : "")}");

    /// <summary>Such as "epoch 3, 120 steps: loss 0.2113, accuracy 0.93", epochs counted from 1 as progress shows them.</summary>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"epoch {Epoch + 1}, {Steps} steps: {string.Join(", ", Values.Select(v => string.Create(CultureInfo.InvariantCulture, $"{v.Key} {v.Value:G4}")))}");
}

/// <summary>The epochs of a training.</summary>
public sealed class History : IStateful
{
    private readonly List<EpochResult> _epochs = [];

    /// <summary>The epochs that were finished, in order.</summary>
    public IReadOnlyList<EpochResult> Epochs => _epochs;

    /// <summary>Whether training was cancelled.</summary>
    public bool Cancelled { get; internal set; }

    /// <summary>Why training ended before its last epoch; null if it did not.</summary>
    public string? StopReason { get; internal set; }

    /// <summary>A number of every epoch, in order: <c>history["val_loss"]</c>.</summary>
    public double[] this[string name]
    {
        get
        {
            ArgumentNullException.ThrowIfNull(name);
            return [.. _epochs.Select(e => e[name])];
        }
    }

    /// <summary>The epoch with the least, or the largest, value; of equals the first. NaN is never best.</summary>
    /// <exception cref="InvalidOperationException">No epoch was finished.</exception>
    public EpochResult Best(string name, bool higherIsBetter = false)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (_epochs.Count == 0) { throw new InvalidOperationException("history: no epoch was finished"); }
        return higherIsBetter ? _epochs.MaxBy(e => double.IsNaN(e[name]) ? double.NegativeInfinity : e[name])! : _epochs.MinBy(e => double.IsNaN(e[name]) ? double.PositiveInfinity : e[name])!;
    }

    /// <inheritdoc/>
    public void SaveState(StateDict to)
    {
        ArgumentNullException.ThrowIfNull(to);
        to.Set("count", _epochs.Count);
        foreach (var e in _epochs)
        {
            to.Part($"{e.Epoch}").Set("steps", e.Steps).Set("seconds", e.Seconds).Set("names", [.. e.Values.Keys]).Set("values", [.. e.Values.Values]);
        }
    }

    /// <inheritdoc/>
    public void LoadState(StateDict from)
    {
        ArgumentNullException.ThrowIfNull(from);
        List<EpochResult> loaded = [];
        for (int i = 0, n = from.Int("count"); i < n; i++)
        {
            var e = from.Part($"{i}");
            var values = new OrderedDictionary<string, double>(e.Texts("names").Zip(e.Doubles("values"), KeyValuePair.Create));
            loaded.Add(new(i, e.Int("steps"), values, e.Double("seconds")));
        }
        _epochs.Clear();
        _epochs.AddRange(loaded);
    }

    /// <summary>A line an epoch, and how training ended.</summary>
    public override string ToString() =>
        string.Join('\n', [.. _epochs.Select(e => e.ToString()), .. Cancelled ? ["cancelled"] : StopReason is { } why ? [$"stopped: {why}"] : Array.Empty<string>()]);

    internal void Add(EpochResult result) => _epochs.Add(result);
}
