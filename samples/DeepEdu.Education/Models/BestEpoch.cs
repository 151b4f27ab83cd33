using DeepEdu.Nn;

namespace DeepEdu.Education.Models;

/// <summary>Remembers a model as it was after the epoch that did best on held-out data.</summary>
internal sealed class BestEpoch(Module model)
{
    private Snapshot? _snapshot;

    /// <summary>The best epoch so far, from 0; −1 before the first.</summary>
    public int Epoch { get; private set; } = -1;

    public double Score { get; private set; } = double.NegativeInfinity;

    /// <summary>Tells how the model does after an epoch; higher is better, and of equals the first stays. The first epoch counts whatever its score.</summary>
    public void Offer(int epoch, double score)
    {
        if (Epoch >= 0 && !(score > Score)) { return; }
        (Epoch, Score, _snapshot) = (epoch, double.IsNaN(score) ? double.NegativeInfinity : score, model.Snapshot());
    }

    /// <summary>Gives the model back its best values.</summary>
    public void Restore()
    {
        if (_snapshot is not null) { model.Restore(_snapshot); }
    }
}
